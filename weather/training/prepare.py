"""From analyses of any size to a training store with its statistics, in one pass.

Slab by slab in time: read through dask, regrid, write whole chunks, take moments, record
how far it came. The store is built beside its name and gets the name when it is whole; a
run that was killed goes on from its last slab.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from pydantic import Field

from sciml.config import Config
from sciml.errors import InputError
from sciml.files import only_writer
from sciml.processes import cores
from weather.files.history import stamped, whole_history
from weather.training import store
from weather.training.budget import budget
from weather.training.moments import PairMoments, Pairs
from weather.training.progress import Progress
from weather.training.source import Choice, Source, open_source


class Preparation(Config):
    """How a store is made.

    Attributes:
        choice: of variables, levels, times and grid.
        time_chunk: times in a chunk; None: one of large fields, up to eight of small ones.
        memory: bytes that may be used beyond the program itself.
        zarr_format: 2 for older readers.
        compression: see `store.create`.
        allow_nan: keep fields whose missing values come and go.
    """

    choice: Choice = Choice()
    time_chunk: int | None = Field(None, ge=1)
    memory: int = 2 * 2**30
    zarr_format: store.Format = 3
    compression: store.Compression = "lz4"
    allow_nan: bool = False


@dataclass(frozen=True)
class Prepared:
    """What was made: times, single fields of each, the grid in words, and what to know."""

    times: int
    channels: int
    grid: str
    notes: tuple[str, ...]


def prepare(
    files: Sequence[str],
    static: Sequence[str],
    config: Preparation,
    out: Path,
    begin: Callable[[int, int], None] = lambda total, done: None,
    advance: Callable[[int], None] = lambda done: None,
    command: str = "",
) -> Prepared:
    """Write the store `out`, or go on with one that was begun.

    Args:
        files: analyses, see `open_reanalysis`.
        static: files of static fields, on any grid.
        config: see `Preparation`.
        out: Zarr store to make.
        begin: called with the number of fields times times to write, and done before.
        advance: called with the number just written.
        command: for the store's history, beside what was done; with the time.

    Raises:
        InputError: `out` exists, a choice the data does not hold, too little memory, NaN
            that comes and goes, or an unfinished store of other settings.
    """
    if out.suffix != ".zarr":
        raise InputError(f"--out {out}: a training store is Zarr; give a name that ends in .zarr")
    if out.exists():
        raise InputError(f"{out} is there already; remove it or give another --out")
    source = open_source(files, static, config.choice)
    template = _template(source, command)
    length = config.time_chunk or store.chunk_length(
        source.grid, template.sizes.get("level", 1), len(source.times)
    )
    plan = budget(source, length, config.memory, cores())
    work = out.with_name(f"{out.name}.partial")
    unfinished = work / out.name
    pairs = Pairs.of(source.times, source.step)
    with only_writer(out):
        progress = _begin(work, unfinished, source, pairs, template, length, config, files)
        begin(len(source.times) * len(source.series), progress.done * len(source.series))
        filling = partial(_fill, source, pairs, progress, config.allow_nan)
        arrays = store.arrays(unfinished, list(source.series), "r+")
        with dask.config.set(num_workers=plan.threads):
            while progress.done < len(source.times):
                end = min(progress.done + plan.slab, len(source.times))
                for name, array in zip(source.series, arrays, strict=True):
                    filling(name, array, end)
                    advance(end - progress.done)
                progress.done = end
                progress.save(work)
        holes = {n: np.isnan(a[0]).mean() for n, a in zip(source.series, arrays, strict=True)}
        still = [name for name in source.series if name not in progress.missing]
        store.write_moments(unfinished, progress.sums, pairs, source.step, template, still)
        unfinished.replace(out)
        shutil.rmtree(work)
    return _prepared(source, template, progress, holes)


def _template(source: Source, command: str) -> xr.Dataset:
    fields = {name: (source.dims(name), source.attributes[name]) for name in source.series}
    levels = source.dataset["level"].values.tolist() if "level" in source.dataset.coords else []
    template = store.layout(fields, source.times, levels, source.grid).assign(source.static)
    said = f"weather prepare (sciml-foundation {version('sciml-foundation')}): {source.change()}"
    return template.assign_attrs(
        title="Analyses prepared for training",
        history=whole_history(source.dataset, said, *([stamped(command)] if command else [])),
    )


def _begin(
    work: Path,
    unfinished: Path,
    source: Source,
    pairs: Pairs,
    template: xr.Dataset,
    length: int,
    config: Preparation,
    files: Sequence[str],
) -> Progress:
    """The recorded progress in an unfinished store, or a new store."""
    settings: dict[str, Any] = {
        **config.choice.model_dump(),
        "files": list(files),
        "times": [str(source.times[0]), str(source.times[-1]), len(source.times)],
        "time_chunk": length,
        "zarr_format": config.zarr_format,
        "compression": config.compression,
    }
    recorded = Progress.load(work, settings) if unfinished.exists() else None
    if recorded is not None:
        return recorded
    store.create(unfinished, template, length, config.zarr_format, config.compression)
    levels = {name: template[name].sizes.get("level", 1) for name in source.series}
    groups = len(pairs.months)
    progress = Progress(settings, {n: PairMoments.empty(groups, k) for n, k in levels.items()})
    progress.save(work)
    return progress


def _fill(
    source: Source,
    pairs: Pairs,
    progress: Progress,
    allow_nan: bool,
    name: str,
    array: zarr.Array[Any],
    end: int,
) -> None:
    """Write one variable's next slab, and take its moments."""
    first = progress.done
    values = source.series[name](first, end)
    missing = ~np.isfinite(values)
    array[first:end] = np.where(missing, np.nan, values) if missing.any() else values
    _note_missing(source, progress, name, missing, np.isnan(np.asarray(array[0])))
    if name in progress.missing and not allow_nan:
        raise InputError(
            f"{name} is NaN {progress.places[name]}, but not at all times; fill or cut the "
            "data, leave the variable out, or keep it with --allow-nan"
        )
    on_levels = values.reshape(len(values), -1, *values.shape[-2:])
    earlier = {
        position: np.asarray(array[position]).reshape(on_levels.shape[1:])
        for position in pairs.before(first, end)
    }
    # chunk by chunk, so that rounding does not depend on the length of a slab
    for start in range(first, end, array.chunks[0]):
        chunk = on_levels[start - first : start - first + array.chunks[0]]
        before = pairs.before(start, start + len(chunk))
        known = {p: on_levels[p - first] if p >= first else earlier[p] for p in before}
        progress.sums[name].take_in(pairs, start, chunk, known)


def _note_missing(
    source: Source,
    progress: Progress,
    name: str,
    missing: NDArray[np.bool_],
    always: NDArray[np.bool_],
) -> None:
    """Count values whose being missing differs from that at the first time: a mask stays."""
    differ = missing != always
    if not differ.any():
        return
    time, *level, row, column = (int(i) for i in np.argwhere(differ)[0])
    when = source.times[progress.done + time].astype("datetime64[m]")
    if not missing[(time, *level, row, column)]:
        when = source.times[0].astype("datetime64[m]")
    height = f" at {source.dataset['level'].values[level[0]]:g} hPa" if level else ""
    place = f"{source.grid.lat[row]:g} N, {source.grid.lon[column]:g} E"
    progress.places.setdefault(name, f"on {when}{height}, {place}")
    progress.missing[name] = progress.missing.get(name, 0) + int(differ.sum())


def _prepared(
    source: Source, template: xr.Dataset, progress: Progress, holes: Mapping[str, float]
) -> Prepared:
    """What to tell; `holes` are the shares of NaN at the first time."""
    missing = [
        f"{name}: {count} values are NaN at some times only, the first {progress.places[name]}"
        for name, count in progress.missing.items()
    ]
    masks = [
        f"{name}: {share:.1%} of the values are NaN at all times, which training takes for a mask"
        for name, share in holes.items()
        if share and name not in progress.missing
    ]
    channels = sum(template[name].sizes.get("level", 1) for name in source.series)
    notes = (*source.notes, *masks, *missing)
    return Prepared(len(source.times), channels, source.grid.describe(), notes)

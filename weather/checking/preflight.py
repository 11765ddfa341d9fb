"""Preflight: does the data hold what it says, and what a model needs?

What is certain is corrected and written to the data set's `history`; what is not is
refused in one line that says what to do.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.config import nearest
from sciml.errors import InputError
from weather.checking.axes import check_axes
from weather.checking.field_check import Inspected, Inspector
from weather.checking.findings import Conversion, Finding, Report, worst
from weather.checking.origin import origin_of
from weather.checking.outliers import Normal, swapped_winds
from weather.dates import minute
from weather.files.history import stamped
from weather.files.layout import ATTRIBUTE, Layout
from weather.files.reanalysis import require
from weather.grid import LatLonGrid
from weather.variables import Variables

SAMPLED = 256 * 2**20  # bytes of fields
_PIECE = 4 * 2**20  # bytes of a field that are corrected at once
_WINDS = (("u", "v"), ("u10", "v10"))

Names = Sequence[str] | Variables


def inspect(
    dataset: xr.Dataset,
    names: Names | None = None,
    times: Sequence[np.datetime64] | NDArray[np.datetime64] | None = None,
    normal: Normal | None = None,
    grid: LatLonGrid | None = None,
    masked: Collection[str] | None = None,
    most: int | None = None,
    holes: bool = False,
) -> Report:
    """Look at coordinates and at some times of every field, one field at a time.

    Of an ensemble the first member is looked at.

    Args:
        dataset: canonical (see `weather.files.reanalysis`), as opened: taken for SI.
        names: fields to look at, or a model's variables; default all.
        times: that are looked at, as far as they are there; default, or if none is, all of
            a file of up to `SAMPLED` bytes, and of a larger one as many as can be read for
            that, at least three, evenly spread from the first to the last.
        normal: mean and standard deviation of a model's training data by channel (`z500`).
        grid: that of the model.
        masked: fields in which the model takes NaN; None where there is no model yet.
        most: how many times are looked at, where `times` does not say which.
        holes: whether NaN is nothing to speak of, as in what forecasts are compared with.
    """
    if "member" in dataset.dims:
        dataset = dataset.isel(member=0)
    layout = _layout(dataset)
    axes = [*origin_of(dataset), *check_axes(dataset, layout, grid)]
    if worst(axes) == "refused":
        return Report((*axes,))
    positions = _positions(dataset, times, most)
    inspector = Inspector(dataset, layout, positions, normal or {}, masked, holes)
    present = _present(dataset, names)
    factor = inspector.level_factor() if "z" in present else 1.0
    findings = [*axes, *_levels_corrected(factor), *_absent(_on_levels(dataset, factor), names)]
    fields = [inspector.look(name, factor) for name in present]
    winds = [*_winds(fields)] if inspector.place.globe else []
    return Report(
        findings=(*findings, *(f for field in fields for f in field.findings), *winds),
        fields=tuple(field.check for field in fields),
        conversions=tuple(field.conversion for field in fields if field.conversion),
        level_factor=factor,
        times=tuple(minute(dataset["time"].values[i]) for i in positions),
    )


def apply(
    dataset: xr.Dataset, report: Report, tell: Callable[[str], object] = lambda line: None
) -> xr.Dataset:
    """Correct lazily what is certain, and write it to the attribute `history`.

    The layout that the data set carries is told the units that the files really have,
    so that a forecast comes back in these.

    Args:
        dataset: as it was inspected.
        report: what `inspect` found.
        tell: called with a line for each correction and each warning.

    Raises:
        InputError: if anything was refused.
    """
    report.require_usable()
    for line in report.lines("corrected", "warning"):
        tell(line)
    corrections = report.of("corrected")
    if not corrections:
        return dataset
    fields = {to.name: _convert(dataset[to.name], to) for to in report.conversions}
    corrected = _on_levels(dataset.assign(fields), report.level_factor)
    if ATTRIBUTE in dataset.attrs:
        corrected = _amended(Layout.of(dataset), report).attach(corrected)
    lines = [stamped(f"weather check: {finding.text}") for finding in corrections]
    known = dataset.attrs.get("history")
    return corrected.assign_attrs(history="\n".join([known, *lines] if known else lines))


def _layout(dataset: xr.Dataset) -> Layout | None:
    return Layout.of(dataset) if ATTRIBUTE in dataset.attrs else None


def _positions(
    dataset: xr.Dataset,
    times: Sequence[np.datetime64] | NDArray[np.datetime64] | None,
    most: int | None,
) -> tuple[int, ...]:
    """Of the times to look at."""
    if "time" not in dataset.dims:
        return ()
    if times is not None:
        wanted = np.asarray(times, dtype="datetime64[ns]")
        there = np.flatnonzero(np.isin(dataset["time"].values, wanted))
        if len(there):
            return tuple(there.tolist())
    count = dataset.sizes["time"]
    timed = [field for field in dataset.data_vars.values() if "time" in field.dims]
    size = sum(field.nbytes for field in timed)
    chunk = max((max(field.chunksizes.get("time", (1,))) for field in timed), default=1)
    some = count if size <= SAMPLED else min(count, max(3, SAMPLED * count // (size * chunk)))
    some = some if most is None else min(some, most)
    return tuple(np.unique(np.linspace(0, count - 1, some).round().astype(int)).tolist())


def _wanted(names: Names) -> tuple[str, ...]:
    if isinstance(names, Variables):
        return (*names.surface, *names.upper, *names.static)
    return tuple(names)


def _present(dataset: xr.Dataset, names: Names | None) -> list[str]:
    there = [str(name) for name in dataset.data_vars]
    return there if names is None else [name for name in _wanted(names) if name in there]


def _absent(dataset: xr.Dataset, names: Names | None) -> Iterator[Finding]:
    """Variables and levels that are wanted and not there."""
    if isinstance(names, Variables):
        try:
            require(dataset, names)
        except InputError as error:
            yield Finding("", "refused", str(error))
        return
    there = [str(name) for name in dataset.data_vars]
    for name in names or ():
        if name not in there:
            came = f"is not in the data{nearest(name, there)}"
            yield Finding(name, "refused", came, advice=f"there are {', '.join(there)}")


def _levels_corrected(factor: float) -> Iterator[Finding]:
    if factor != 1:
        taken, really = ("hPa", "Pa") if factor < 1 else ("Pa", "hPa")
        came = f"was taken for {taken}, but geopotential belongs to pressures in {really}"
        yield Finding("level", "corrected", came, advice=f"multiplied by {factor:g}")


def _winds(fields: Sequence[Inspected]) -> Iterator[Finding]:
    summaries = {field.check.name: field.summary for field in fields}
    for east, north in _WINDS:
        if east in summaries and north in summaries:
            finding = swapped_winds(east, north, summaries[east], summaries[north])
            if finding is not None:
                yield finding


def _on_levels(dataset: xr.Dataset, factor: float) -> xr.Dataset:
    if factor == 1:
        return dataset
    level = dataset["level"]
    return dataset.assign_coords(level=level.copy(data=(level.values * factor).round(10)))


def _convert(field: xr.DataArray, to: Conversion) -> xr.DataArray:
    """In SI units, lazily, in pieces that suit reading single times."""
    if field.chunks is None and "time" in field.dims:
        slab = max(1, field.nbytes // field.sizes["time"])
        field = field.chunk(time=max(1, _PIECE // slab))
    return (field * to.factor + to.offset).astype(field.dtype).assign_attrs(field.attrs)


def _amended(layout: Layout, report: Report) -> Layout:
    """The layout with the units that the files really have."""
    fields = dict(layout.fields)
    for to in report.conversions:
        if to.name in fields:
            fields[to.name] = fields[to.name].model_copy(update={"units": to.unit})
    level_units = {0.01: "Pa", 100.0: "hPa"}.get(report.level_factor, layout.level_units)
    return layout.model_copy(update={"fields": fields, "level_units": level_units})

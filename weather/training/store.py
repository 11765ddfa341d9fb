"""The Zarr store of prepared analyses: canonical fields, and their moments beside them.

One array a variable, (time, level, lat, lon) float32; a chunk holds the whole globe, all
levels, and few times. The group `moments` holds what `StoredMoments` is made of, and which
fields are missing in the same cells at all times; the group `statistics` the same moments over
all times, for reading.
"""

import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import dask.array as da
import numcodecs
import numpy as np
import torch
import xarray as xr
import zarr
from torch import Tensor
from zarr.codecs import BloscCodec

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.statistics import Moments
from weather.sphere import cell_areas
from weather.training.data import WeatherDataset, never_there
from weather.training.measure import measure
from weather.training.moments import PairMoments, Pairs, StoredMoments
from weather.training.periods import Times
from weather.variables import Variables

Format = Literal[2, 3]
Compression = Literal["lz4", "zstd", "none"]

MOMENTS, STATISTICS = "moments", "statistics"
MODEL_RADIUS = 6371229.0  # m, of the sphere of ECMWF's and NCEP's models (GRIB2 shape 6)
_STANDING, _TIMES = "standing_masks", "standing_masks_times"  # attributes of the moments
_LOOKED_AT = 5  # times at which standing masks are looked at
_CHUNK = 512 * 2**10  # bytes of the largest field up to which times share a chunk
_LONGEST = 8  # times in a chunk
_COORDINATES: dict[str, dict[str, str]] = {
    "time": {"standard_name": "time", "long_name": "Time", "axis": "T"},
    "level": {
        "standard_name": "air_pressure", "units": "hPa", "positive": "down", "axis": "Z",
    },
    "lat": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "lon": {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
}  # fmt: skip
_SUMMARY = {
    "mean": "Mean over times and cells",
    "std": "Standard deviation over times and cells",
    "change": "Standard deviation over times and cells of the change over a step",
}


def chunk_length(grid: LatLonGrid, levels: int, times: int) -> int:
    """Times in a chunk: one of a large field, up to eight of a small one."""
    size = 4 * levels * grid.shape[0] * grid.shape[1]
    return min(max(1, min(_LONGEST, _CHUNK // size)), times)


def layout(
    fields: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]],
    times: Times,
    levels: Sequence[float],
    grid: LatLonGrid,
) -> xr.Dataset:
    """A store without values: dimensions, coordinates and attributes.

    Args:
        fields: dimensions and attributes by name.
        times: of all fields.
        levels: hPa, ascending.
        grid: of all fields.
    """
    values = {"time": times, "level": np.array(levels), "lat": np.array(grid.lat)}
    values["lon"] = np.array(grid.lon)
    used = {dim for dims, _ in fields.values() for dim in dims}
    coordinates = {n: (n, v, _COORDINATES[n]) for n, v in values.items() if n in used}
    sizes = {name: len(value) for name, value in values.items()}
    empty = {
        name: (
            dims,
            da.empty([sizes[d] for d in dims], dtype=np.float32),
            {**attributes, "cell_measures": "area: cell_area"},
        )
        for name, (dims, attributes) in fields.items()
    }
    area = {"standard_name": "cell_area", "long_name": "Area of a grid cell", "units": "m2"}
    return xr.Dataset(
        empty, {**coordinates, "cell_area": ("lat", cell_areas(grid, MODEL_RADIUS), area)}
    ).assign_attrs(Conventions="CF-1.10")


def create(
    path: Path, template: xr.Dataset, length: int, version: Format, compression: Compression
) -> None:
    """Write a store without values.

    Args:
        path: folder, made anew.
        template: see `layout`.
        length: times in a chunk.
        version: of the Zarr format.
        compression: `lz4` is fastest to read, `zstd` smallest.
    """
    encoding: dict[str, dict[str, Any]] = {}
    for name, field in template.data_vars.items():
        chunks = tuple(length if d == "time" else n for d, n in field.sizes.items())
        encoding[str(name)] = {"chunks": chunks, "compressors": _codec(version, compression)}
    encoding["time"] = {
        "units": "seconds since 1970-01-01", "dtype": "int64", "chunks": (template.sizes["time"],),
    }  # fmt: skip
    template.to_zarr(
        path, mode="w", compute=False, encoding=encoding, zarr_format=version,
        consolidated=False, safe_chunks=False,
    )  # fmt: skip


def arrays(path: Path, names: Sequence[str], mode: Literal["r", "r+"] = "r") -> list[zarr.Array]:
    """The arrays of some variables."""
    group = zarr.open_group(path, mode=mode)
    found = [group[name] for name in names]
    return [array for array in found if isinstance(array, zarr.Array)]


def write_moments(
    path: Path,
    moments: Mapping[str, PairMoments],
    pairs: Pairs,
    step: int,
    template: xr.Dataset,
    standing: Sequence[str] = (),
) -> None:
    """Add the moments to a store that is filled, and the fields whose NaN never move."""
    version: Format = zarr.open_group(path, mode="r").metadata.zarr_format
    dims = ("group", "quantity", "sum")
    parts = {name: ((*dims, f"{name}_level"), part.sums) for name, part in moments.items()}
    months = {"months": (("group", "end"), pairs.months)}
    attributes = {"step_seconds": step, "comment": _explain(step)} | {
        _STANDING: list(standing), _TIMES: _told(template["time"].values)
    }  # fmt: skip
    xr.Dataset({**parts, **months}, attrs=attributes).to_zarr(
        path, group=MOMENTS, mode="w", zarr_format=version, consolidated=False
    )
    summary = xr.Dataset(attrs={"comment": _explain(step)})
    groups = np.arange(len(pairs.months))
    for name, part in moments.items():
        levels = tuple(d for d in template[name].dims if d == "level")
        present, change = (part.merged(q, groups, np.arange(part.sums.shape[-1])) for q in (0, 1))
        for key, values in (("mean", present.mean), ("std", present.std), ("change", change.std)):
            text = {"long_name": f"{_SUMMARY[key]}: {name}", "units": template[name].units}
            shaped = values.numpy() if levels else values.numpy()[0]
            summary[f"{name}_{key}"] = (levels, shaped, text)
    if "level" in template.coords:
        summary = summary.assign_coords(level=template["level"])
    summary.to_zarr(path, group=STATISTICS, mode="w", zarr_format=version, consolidated=False)
    with warnings.catch_warnings():  # format 3 has yet to adopt what its readers understand
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(path, zarr_format=version)


def prepared_store(
    paths: Sequence[Path | str], times: Times, grid: LatLonGrid, variables: Variables
) -> Path | None:
    """The one of some files that is a prepared store of these variables, times and grid."""
    for path in map(Path, paths):
        if not (path / MOMENTS).is_dir():
            continue
        there = xr.open_dataset(path, engine="zarr")
        names = {*variables.surface, *variables.upper}
        same = np.array_equal(there["time"].values, times) and names <= set(there.data_vars)
        if same and LatLonGrid.from_dataset(there).matches(grid):
            return path
    return None


def statistics(
    data: WeatherDataset, store: Path | None, step: int, masks: Mapping[str, Tensor] | None = None
) -> dict[str, Moments]:
    """Moments over windows of two times: composed from a prepared store, or measured.

    Args:
        data: windows of two times.
        store: prepared, if the data come from one.
        step: seconds between the two.
        masks: cells that are left out, by variable.

    Raises:
        InputError: NaN, or no data.
    """
    stored = None if store is None else read_moments(store, step)
    return measure(data, masks) if stored is None else stored.over(data, masks)


def standing_masks(
    store: Path | None, data: WeatherDataset, names: Collection[str]
) -> frozenset[str]:
    """Those of some variables that a store says are NaN in the same cells at all times.

    Not those that a look at some times shows to be otherwise, and none of a store that was
    continued since it was prepared.

    Args:
        store: prepared, if the data come from one.
        data: single times.
        names: variables that have such cells at some times.
    """
    if store is None or not names:
        return frozenset()
    attributes = zarr.open_group(store, path=MOMENTS, mode="r").attrs.asdict()
    if attributes.get(_TIMES) != _told(data.fields.times):
        return frozenset()
    said: Any = attributes[_STANDING]
    if not (likely := frozenset(names) & frozenset(said)):
        return frozenset()
    some = data.only(likely)
    places = np.linspace(0, len(data) - 1, min(len(data), _LOOKED_AT)).astype(int).tolist()
    first, *others = (never_there(some.__getitems__([place])) for place in places)
    return frozenset(
        name
        for name in likely & first.keys()
        if all(name in other and torch.equal(other[name], first[name]) for other in others)
    )


def _told(times: Times) -> list[str]:
    """What tells a series from one that was continued."""
    return [str(times[0]), str(times[-1]), str(len(times))]


def read_moments(path: Path, step: int) -> StoredMoments | None:
    """The moments in a prepared store, if they are those of this time step (s)."""
    with xr.open_dataset(path, engine="zarr") as store:
        times, levels = store["time"].values, store.get("level", np.array([]))
        cells = store.sizes["lat"] * store.sizes["lon"]
    with xr.open_dataset(path, engine="zarr", group=MOMENTS) as found:
        if found.attrs["step_seconds"] != step:
            return None
        pairs = Pairs.of(times, step)
        if not np.array_equal(pairs.months, found["months"].values):
            raise InputError(f"{path}: its moments do not belong to its times; prepare it again")
        names = [name for name in found.data_vars if name != "months"]
        sums = {str(name): PairMoments(found[name].values) for name in names}
    return StoredMoments(pairs, sums, tuple(np.asarray(levels).tolist()), cells)


def _explain(step: int) -> str:
    return (
        f"Over pairs of times {step / 3600:g} h apart, unweighted over cells. quantity: value of "
        "the first time, change to the second. sum: count, mean, sum of squared deviations from "
        "the mean. months: of the two times, since 1970-01."
    )


def _codec(version: Format, compression: Compression) -> tuple[Any, ...]:
    """Blosc with bytes of equal significance side by side."""
    if compression == "none":
        return ()
    level = {"lz4": 5, "zstd": 3}[compression]
    if version == 2:
        return (numcodecs.Blosc(cname=compression, clevel=level, shuffle=numcodecs.Blosc.SHUFFLE),)
    return (BloscCodec(cname=compression, clevel=level, shuffle="shuffle"),)

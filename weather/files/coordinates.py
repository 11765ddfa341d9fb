"""Which coordinate of a file is which, by attributes, names and values, never by position."""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.files.units import plain_unit

DIMENSIONS = ("time", "member", "level", "lat", "lon")
_NAMES = {
    "member": ("member", "number", "realization", "ensemble", "ensemble_member", "ens"),
    "level": (
        "level", "lev", "plev", "pressure_level", "pressure", "isobaric", "isobaricinhpa",
        "isobaricinpa", "p", "isobaric_level",
    ),
    "lat": ("lat", "latitude", "nav_lat", "g0_lat_1"),
    "lon": ("lon", "longitude", "nav_lon", "g0_lon_2"),
}  # fmt: skip
_STANDARD_NAMES = {
    "air_pressure": "level", "latitude": "lat", "longitude": "lon", "realization": "member",
}  # fmt: skip
_OF_PRESSURE = ("", "hPa", "Pa")  # plain units
_LEVELS = (
    1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 125, 150, 175, 200, 225, 250, 300, 350, 400, 450,
    500, 550, 600, 650, 700, 750, 775, 800, 825, 850, 875, 900, 925, 950, 975, 1000,
)  # hPa, of reanalyses  # fmt: skip


def by_level_axis(dataset: xr.Dataset) -> list[xr.Dataset]:
    """A part for each axis of pressure levels, where a file has several, as GFS files of THREDDS.

    Fields without levels are in the first part.
    """
    axes = [d for d in dataset.dims if d in dataset.coords and _meaning(dataset[d]) == "level"]
    if len(axes) < 2:
        return [dataset]
    return [dataset.drop_dims([other for other in axes if other != axes[0]])] + [
        dataset[[name for name, field in dataset.data_vars.items() if axis in field.dims]]
        for axis in axes[1:]
    ]


def other_levels(dataset: xr.Dataset) -> dict[Hashable, str]:
    """Coordinates that are called as those of pressure are, and their unit, which is of none."""
    called = [key for key in dataset.coords if str(key).lower() in _NAMES["level"]]
    return {
        key: str(dataset[key].attrs["units"])
        for key in called
        if _meaning(dataset[key]) is None and _unit(dataset[key]) not in _OF_PRESSURE
    }


def name_coordinates(dataset: xr.Dataset, source: str) -> tuple[xr.Dataset, dict[str, str]]:
    """Rename coordinates to `DIMENSIONS`; time has its name already.

    Returns:
        The data set, and its own name of each canonical coordinate but for time.

    Raises:
        InputError: no latitude or longitude, or a grid that is not latitude by longitude.
    """
    names: dict[Hashable, str] = {}
    for meaning in DIMENSIONS[1:]:
        key = _find(dataset, meaning)
        if key is not None:
            names[key] = meaning
    for needed in ("lat", "lon"):
        if needed not in names.values():
            raise InputError(_absent(dataset, needed, source))
    for key, meaning in names.items():
        if dataset[key].dims not in ((), (key,)):
            raise InputError(
                f"{source}: {meaning} {key!r} lies along {dataset[key].dims[0]!r}, a reduced or "
                "unstructured grid; regrid to latitude by longitude first"
            )
    taken = [key for key in dataset.variables if key in names.values() and key not in names]
    renamed = dataset.drop_vars(taken).rename({k: v for k, v in names.items() if k != v})
    return renamed, {meaning: str(key) for key, meaning in names.items()}


def _find(dataset: xr.Dataset, meaning: str) -> Hashable | None:
    """The coordinate of this meaning; the one that spans a dimension comes first."""
    found = [key for key in dataset.variables if _meaning(dataset[key]) == meaning]
    spanning = [key for key in found if key in dataset.dims]
    if spanning or found:
        return (spanning or found)[0]
    unknown = [key for key in dataset.dims if key in dataset.variables]
    unknown = [key for key in unknown if _meaning(dataset[key]) is None]
    if meaning == "level":
        unknown = [key for key in unknown if _unit(dataset[key]) in _OF_PRESSURE]
    fits = [key for key in unknown if _by_values(dataset[key].values) == meaning]
    return fits[0] if len(fits) == 1 else None


def _meaning(coordinate: xr.DataArray) -> str | None:
    """Which of `DIMENSIONS` a coordinate is by its attributes or name, if any."""
    if coordinate.ndim > 1 or not np.issubdtype(coordinate.dtype, np.number):
        return None
    attributes, name = coordinate.attrs, str(coordinate.name)
    unit = str(attributes.get("units", ""))
    if unit.startswith("degree") and unit.endswith(("north", "N", "east", "E")):
        return "lat" if unit.endswith(("north", "N")) else "lon"
    if attributes.get("standard_name") in _STANDARD_NAMES:
        return _STANDARD_NAMES[attributes["standard_name"]]
    if name in coordinate.dims and plain_unit(unit) in ("hPa", "Pa"):
        return "level"
    called = next((m for m, aliases in _NAMES.items() if name.lower() in aliases), None)
    return None if called == "level" and _unit(coordinate) not in _OF_PRESSURE else called


def _unit(coordinate: xr.DataArray) -> str:
    return plain_unit(str(coordinate.attrs.get("units", "")))


def _by_values(values: NDArray[np.generic]) -> str | None:
    """What the values can only be: latitudes from pole to pole, longitudes around the
    globe, or pressure levels of reanalyses."""
    if len(values) < 3 or not np.issubdtype(values.dtype, np.number):
        return None
    steps = np.diff(values.astype(float))
    if set(values.tolist()) <= set(_LEVELS) or set(values.tolist()) <= {100 * p for p in _LEVELS}:
        return "level"
    if not ((steps > 0).all() or (steps < 0).all()):
        return None
    spacing = abs(steps.mean())
    even = np.ptp(steps) < 1e-2 * spacing
    if even and abs(spacing * len(values) - 360) < 1e-2 * spacing:
        return "lon"
    symmetric = abs(values[0] + values[-1]) < 1e-3
    if symmetric and 90 - spacing < abs(values[0]) < 90 + 1e-3:
        return "lat"
    return None


def _absent(dataset: xr.Dataset, needed: str, source: str) -> str:
    name, direction = ("latitude", "north") if needed == "lat" else ("longitude", "east")
    if any(dataset[k].ndim == 2 for k in dataset.variables if str(k).lower() in _NAMES[needed]):
        return f"{source}: {name} is 2-D, a curvilinear grid; regrid to latitude by longitude first"
    there = ", ".join(map(str, dataset.dims)) or "no dimensions"
    return (
        f"{source} has no {name} coordinate (it has {there}); expected a 1-D coordinate "
        f"named {name} or with units degrees_{direction}"
    )

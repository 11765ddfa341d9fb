"""One file's data set in canonical form, whatever its names, order and units.

Canonical: dimensions (time, level, lat, lon), latitude north to south, longitude and
level ascending, level in hPa, ERA5 short names, SI units. Coordinates are recognized
by attributes, names and values, never by position.
"""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.files.units import plain_unit, to_si
from weather.variables import KNOWN, canonical_name, describe

DIMENSIONS = ("time", "level", "lat", "lon")
_NAMES = {
    "time": ("time", "valid_time"),
    "level": (
        "level", "lev", "plev", "pressure_level", "pressure", "isobaricInhPa", "isobaricInPa"
    ),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "longitude"),
}  # fmt: skip
_STANDARD_NAMES = {
    "time": "time", "air_pressure": "level", "latitude": "lat", "longitude": "lon"
}  # fmt: skip
_FORECAST = ("lead_time", "prediction_timedelta", "step", "forecast_period")


def canonical(dataset: xr.Dataset, source: str) -> xr.Dataset:
    """Bring a data set to canonical form; lazily, but for its coordinates.

    Args:
        dataset: as read from a file.
        source: its name, for messages.

    Raises:
        InputError: no latitude or longitude, a forecast instead of analyses, a
            dimension of unknown meaning, unusable coordinates, an unknown unit.
    """
    for lead in _FORECAST:
        if dataset.sizes.get(lead, 1) > 1:
            raise InputError(f"{source} holds forecasts (dimension {lead!r}); expected analyses")
    dataset = _name_coordinates(dataset, source)
    fields = {}
    for key, field in dataset.data_vars.items():
        if {"lat", "lon"} <= set(field.dims):
            name, field = _field(str(key), field, source)
            if name in fields:
                raise InputError(f"{source} holds {name} twice, once as {key!r}; drop one")
            fields[name] = field
    if not fields:
        raise InputError(f"{source} holds no field on latitude and longitude")
    result = xr.Dataset(fields).drop_attrs(deep=False)
    return _order(result.drop_vars([c for c in result.coords if c not in DIMENSIONS]), source)


def _name_coordinates(dataset: xr.Dataset, source: str) -> xr.Dataset:
    """Rename coordinates to `DIMENSIONS`."""
    names: dict[Hashable, str] = {}
    for meaning in DIMENSIONS:
        found = [key for key in dataset.variables if _meaning(dataset[key]) == meaning]
        spanning = [key for key in found if key in dataset.dims] or found
        if spanning:
            names[spanning[0]] = meaning
    for needed in ("lat", "lon"):
        if needed not in names.values():
            there = ", ".join(map(str, dataset.dims)) or "no dimensions"
            raise InputError(
                f"{source} has no {_NAMES[needed][1]} coordinate (it has {there}); expected a "
                f"1-D coordinate named {needed} or with units degrees_"
                f"{'north' if needed == 'lat' else 'east'}"
            )
    taken = [key for key in dataset.variables if key in names.values() and key not in names]
    return dataset.drop_vars(taken).rename({k: v for k, v in names.items() if k != v})


def _meaning(coordinate: xr.DataArray) -> str | None:
    """Which of `DIMENSIONS` a coordinate is, if any."""
    if coordinate.ndim > 1:
        return None
    attributes, name = coordinate.attrs, str(coordinate.name)
    if np.issubdtype(coordinate.dtype, np.datetime64):
        return "time" if name in _NAMES["time"] or name in coordinate.dims else None
    unit = str(attributes.get("units", ""))
    if unit.startswith("degree") and unit.endswith(("north", "N", "east", "E")):
        return "lat" if unit.endswith(("north", "N")) else "lon"
    if attributes.get("standard_name") in _STANDARD_NAMES:
        return _STANDARD_NAMES[attributes["standard_name"]]
    known = (m for m, aliases in _NAMES.items() if name in aliases or name.lower() in aliases)
    meaning = next(known, None)
    return None if meaning == "time" else meaning  # times are datetime64, decoded by xarray


def _field(key: str, field: xr.DataArray, source: str) -> tuple[str, xr.DataArray]:
    """One field under its canonical name, with canonical dimensions, in SI units."""
    for dimension in set(field.dims) - set(DIMENSIONS):
        if field.sizes[dimension] != 1:
            raise InputError(
                f"{source}: {key} has a dimension {dimension!r} of unknown meaning; "
                "select one entry of it first"
            )
        field = field.squeeze(dimension, drop=True)
    for scalar in ("level", "time"):
        if scalar in field.coords and field.coords[scalar].ndim == 0:
            field = field.expand_dims(scalar)
    name = _field_name(key, field)
    if name in KNOWN and KNOWN[name].static and "time" in field.dims and field.sizes["time"] == 1:
        field = field.squeeze("time", drop=True)
    field = to_si(field, name, source)
    known = describe(name)
    field.attrs = known.attributes if known else _plain_attributes(field)
    return name, field.transpose(*(d for d in DIMENSIONS if d in field.dims))


def _field_name(key: str, field: xr.DataArray) -> str:
    name = canonical_name(key)
    if name == key and name not in KNOWN and "level" in field.dims:
        standard = field.attrs.get("standard_name")
        names = [v.name for v in KNOWN.values() if v.standard_name == standard and standard]
        name = names[0] if names else name
    if name == "z" and "level" not in field.dims:
        return "z_surface"  # ERA5's `z` without a level is the orography
    return name


def _plain_attributes(field: xr.DataArray) -> dict[str, str]:
    return {
        k: str(field.attrs[k]) for k in ("long_name", "standard_name", "units") if k in field.attrs
    }


def _order(dataset: xr.Dataset, source: str) -> xr.Dataset:
    """Sort coordinates and give them canonical values."""
    dataset = dataset.assign_coords(lat=_exact(dataset["lat"]), lon=_exact(dataset["lon"]))
    dataset = dataset.assign_coords(lon=_longitudes(dataset["lon"]))
    if "level" in dataset.coords:
        level = dataset["level"]
        pascal = plain_unit(str(level.attrs.get("units", ""))) == "Pa" or float(level.max()) > 2000
        dataset = dataset.assign_coords(level=level.astype(float) / (100 if pascal else 1))
        dataset = dataset.sortby("level")
    for name in ("lat", "lon", "level"):
        if name in dataset.coords and not np.isfinite(dataset[name]).all():
            raise InputError(f"{source}: coordinate {name} holds NaN; mend the file")
    if not _monotonic(dataset["lat"].values):
        raise InputError(f"{source}: latitude is neither ascending nor descending; sort it")
    for name in ("lon", "level"):
        if name in dataset.coords and len(np.unique(dataset[name])) < dataset.sizes[name]:
            raise InputError(f"{source}: {name} holds a value twice; drop the repeated entries")
    dataset = dataset.sortby("lat", ascending=False).sortby("lon")
    for name, unit in (("lat", "degrees_north"), ("lon", "degrees_east"), ("level", "hPa")):
        if name in dataset.coords:
            dataset[name].attrs = {"units": unit}
    return dataset


def _longitudes(lon: xr.DataArray) -> xr.DataArray:
    """0..360 for a globe; a region keeps its own unless that would tear it."""
    values = lon.values
    spacing = np.abs(np.diff(values))
    globe = len(values) > 1 and np.isclose(np.median(spacing) * len(values), 360, rtol=1e-3)
    if globe:
        values = np.where(values < 0, values + 360, values)
        values = np.where(values >= 360, values - 360, values)
    elif not _monotonic(values):
        values = (values + 180) % 360 - 180
    return lon.copy(data=values)


def _exact(coordinate: xr.DataArray) -> xr.DataArray:
    """Float64 as it was meant: 59.9 for the single-precision 59.900002."""
    values = coordinate.astype(np.float64)
    return values.round(5) if coordinate.dtype == np.float32 else values


def _monotonic(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())

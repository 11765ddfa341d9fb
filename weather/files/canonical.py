"""One file's data set in canonical form, whatever its names, order and units.

Canonical: dimensions (time, member, level, lat, lon), latitude north to south, longitude
and level ascending, level in hPa, ERA5 short names, SI units. How the file had it is kept
as its `Layout`, and what was changed as its `history`.
"""

import re
from collections import Counter
from collections.abc import Hashable

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.files.accumulations import HOURS
from weather.files.chunks import computable
from weather.files.coordinates import DIMENSIONS, name_coordinates
from weather.files.fixed import without_times
from weather.files.history import history, noted, with_earlier
from weather.files.layout import FieldLayout, Layout
from weather.files.left_out import of_known_dimensions, of_known_units, on_pressure_levels
from weather.files.members import with_member
from weather.files.releases import ATTRIBUTE as RELEASES
from weather.files.releases import releases_of, sole_release
from weather.files.times import tidy_times, valid_times
from weather.files.units import convertible, plain_unit, to_si, unit_of
from weather.variables import (
    KNOWN,
    ON_LEVELS,
    by_standard_name,
    canonical_name,
    describe,
    preference,
)

_AT_LEVEL = re.compile(r"\b(\d+(?:\.\d+)?) ?(?:hPa|mb|mbar|millibars?)\b")
_DERIVED = re.compile(r"time: (?!point|mean)|realization:")  # cell methods
_OF_THE_FILE = {"units", "coordinates", "grid_mapping", "actual_range", "valid_range", "valid_min",
                "valid_max", "vmin", "vmax", "cell_measures"}  # fmt: skip


def canonical(dataset: xr.Dataset, source: str) -> xr.Dataset:
    """Bring a data set to canonical form; lazily, but for its coordinates.

    Args:
        dataset: as read from a file.
        source: its name, for messages.

    Raises:
        InputError: no latitude or longitude, forecasts that are not the only ones for
            their time, no field without a dimension of unknown meaning or a unit that
            cannot be converted, unusable coordinates.
    """
    raw, lines, title = dataset, history(dataset), str(dataset.attrs.get("title", ""))
    stated = releases_of(dataset)
    dataset, combined = sole_release(dataset)
    dataset, own_time, leads = valid_times(dataset, source)
    lines += [f"{source}: {line}" for line in combined] + leads
    dataset, names = name_coordinates(on_pressure_levels(dataset, source, lines), source)
    fields: dict[str, xr.DataArray] = {}
    layouts: dict[str, FieldLayout] = {}
    for key, name in _chosen(dataset, title, source, lines).items():
        field = _on_its_level(_squeezed(dataset[key]), title)
        converted = _converted(name, field, source)
        layouts[name] = _field_layout(str(key), field)
        field, still = without_times(name, field, source)
        changes = converted or field.dtype.kind != "f"
        fields[name] = _field(name, computable(field) if changes else field, source)
        lines += still + converted
    if not fields:
        raise InputError(f"{source} holds no field on latitude and longitude")
    layout = _layout(dataset, {"time": own_time, **names}, layouts)
    result = xr.Dataset(fields).drop_attrs(deep=False)
    result = result.drop_vars([c for c in result.coords if c not in DIMENSIONS])
    result, ordered = _order(result, source)
    result, times = tidy_times(result, source)
    result = with_member(result, dataset, names.get("member"))
    if stated:
        result = result.assign_attrs({RELEASES: " ".join(stated)})
    return layout.attach(with_earlier(noted(result, *lines, *ordered, *times), [raw]))


def _chosen(dataset: xr.Dataset, title: str, source: str, lines: list[str]) -> dict[Hashable, str]:
    """Names of the fields on latitude and longitude; of two that mean the same, the usual one."""
    best: dict[str, Hashable] = {}
    on_grid = [key for key, f in dataset.data_vars.items() if {"lat", "lon"} <= set(f.dims)]
    on_grid = of_known_dimensions(dataset, on_grid, source, lines)
    names = _names({key: _on_its_level(dataset[key], title) for key in on_grid})
    names = of_known_units(dataset, names, source, lines)
    for key in sorted(names, key=lambda key: preference(str(key))):
        name = names[key]
        if name in best:
            lines.append(f"{source}: left out {key!r}; {name} is there as {best[name]!r}")
        best.setdefault(name, key)
    return {key: name for key, name in names.items() if key == best[name]}


def _squeezed(field: xr.DataArray) -> xr.DataArray:
    """Without dimensions of one entry that have no meaning here."""
    alone = set(field.dims) - {"time", "level", "lat", "lon"}
    return field.squeeze([d for d in alone if field.sizes[d] == 1], drop=True)


def _on_its_level(field: xr.DataArray, title: str) -> xr.DataArray:
    """With the level that only words tell: `U component of wind at 850 hPa`."""
    name = canonical_name(str(field.name))
    if "level" in field.coords or (name not in ON_LEVELS and describe(name)):
        return field
    words = str(field.attrs.get("long_name", ""))
    found = {float(number) for number in _AT_LEVEL.findall(words)}
    if not found and name in ON_LEVELS:
        found = {float(number) for number in _AT_LEVEL.findall(title)}
    return field.assign_coords(level=found.pop()) if len(found) == 1 else field


def _names(fields: dict[Hashable, xr.DataArray]) -> dict[Hashable, str]:
    """Canonical name of each field: what its own name tells, or else its standard name.

    On a single level that of the only field that it fits: `sst_a` and `sst_b` keep their names.
    """
    own = {key: _own_name(str(key), field) for key, field in fields.items()}
    told = {
        key: name
        for key, field in fields.items()
        if own[key] == key and key not in KNOWN and (name := _standard(field))
    }
    claims = Counter([*own.values(), *told.values()])
    sole = {
        key: name for key, name in told.items() if claims[name] == 1 or "level" in fields[key].dims
    }
    return own | sole


def _own_name(key: str, field: xr.DataArray) -> str:
    name = canonical_name(key)
    # ERA5's `z` without a level is the orography
    return "z_surface" if name == "z" and "level" not in field.coords else name


def _standard(field: xr.DataArray) -> str | None:
    """What the standard name tells, for a value itself and not, say, the highest of a day."""
    on_levels = "level" in field.dims
    name = by_standard_name(str(field.attrs.get("standard_name")), on_levels)
    if name is None or on_levels:
        return name
    unit, known = plain_unit(str(field.attrs.get("units", ""))), convertible(KNOWN[name].units)
    alone = "level" not in field.coords and not _DERIVED.search(
        str(field.attrs.get("cell_methods"))
    )
    return name if alone and unit in known else None


def _field(name: str, field: xr.DataArray, source: str) -> xr.DataArray:
    """One field with canonical dimensions, in SI units."""
    single = name in KNOWN and name not in ON_LEVELS
    static = name in KNOWN and KNOWN[name].static
    for scalar, wanted in (("level", not single), ("time", not static)):
        if scalar in field.coords and scalar not in field.dims and wanted:
            field = field.expand_dims(scalar)
    field = field.drop_vars([c for c in field.coords if c not in field.dims])
    field = to_si(field, name, source)
    known = describe(name)
    attributes = known.attributes if known else _plain_attributes(field)
    attributes |= {HOURS: str(field.attrs[HOURS])} if HOURS in field.attrs else {}
    field = field.transpose(*(d for d in DIMENSIONS if d in field.dims)).copy(deep=False)
    field.attrs = attributes
    return field


def _plain_attributes(field: xr.DataArray) -> dict[str, str]:
    return {
        k: str(field.attrs[k]) for k in ("long_name", "standard_name", "units") if k in field.attrs
    }


def _converted(name: str, field: xr.DataArray, source: str) -> list[str]:
    known, unit = describe(name), unit_of(field, name)
    if known is None or not unit or unit == known.units:
        return []
    return [f"{source}: {name} converted from {unit} to {known.units}"]


def _field_layout(key: str, field: xr.DataArray) -> FieldLayout:
    kept = {k: v for k, v in field.attrs.items() if k not in _OF_THE_FILE}
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in kept.items()}
    return FieldLayout(
        name=key,
        dims=tuple(str(d) for d in field.dims),
        units=str(field.attrs["units"]) if "units" in field.attrs else None,
        dtype=str(field.dtype) if field.dtype.kind == "f" else "float32",  # as NaN needs
        attributes={k: v for k, v in plain.items() if isinstance(v, str | float | int)},
    )


def _layout(
    dataset: xr.Dataset, names: dict[str, str | None], fields: dict[str, FieldLayout]
) -> Layout:
    """How the file has its coordinates, in its own order and values."""
    values = {n: dataset[n].values for n in ("lat", "lon", "level") if n in dataset.coords}
    spread = dataset.sizes.get("member", 1) > 1
    return Layout(
        dims={m: own for m, own in names.items() if own and (m != "member" or spread)},
        **{name: tuple(np.atleast_1d(v).astype(float).tolist()) for name, v in values.items()},
        level_units="Pa" if "level" in values and _in_pascal(dataset["level"]) else "hPa",
        dtypes={name: str(v.dtype) for name, v in values.items()},
        fields=fields,
    )


def _order(dataset: xr.Dataset, source: str) -> tuple[xr.Dataset, list[str]]:
    """Sort coordinates and give them canonical values."""
    dataset = dataset.assign_coords(lat=_exact(dataset["lat"]), lon=_exact(dataset["lon"]))
    dataset, lines = _longitudes(dataset, source)
    if "level" in dataset.coords:
        stated = plain_unit(str(dataset["level"].attrs.get("units", "")))
        factor = 100 if _in_pascal(dataset["level"]) else 1
        if factor == 100 and stated not in ("", "Pa"):
            lines.append(f"{source}: levels of up to {float(dataset['level'].max()):g} {stated} "
                         "taken for Pa")  # fmt: skip
        dataset = dataset.assign_coords(level=dataset["level"].astype(float) / factor)
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
    return dataset, lines


def _in_pascal(level: xr.DataArray) -> bool:
    return plain_unit(str(level.attrs.get("units", ""))) == "Pa" or float(level.max()) > 2000


def _longitudes(dataset: xr.Dataset, source: str) -> tuple[xr.Dataset, list[str]]:
    """0..360 for a globe; a region keeps its own unless that would tear it."""
    lines, values = [], dataset["lon"].values
    if len(values) > 2 and np.isclose(abs(values[-1] - values[0]), 360, atol=1e-3):
        lines.append(f"{source}: dropped the repeated longitude {values[-1]:g}")
        dataset, values = dataset.isel(lon=slice(-1)), values[:-1]
    spacing = np.abs(np.diff(values))
    globe = len(values) > 1 and np.isclose(np.median(spacing) * len(values), 360, rtol=1e-3)
    if globe:
        if (values < 0).any():
            lines.append(f"{source}: longitudes {values.min():g}..{values.max():g} put at 0..360")
        values = np.where(values < 0, values + 360, values)
        values = np.where(values >= 360, values - 360, values).round(9)  # 0 for 1.5e-12
    elif len(values) > 1:
        values = _untorn(values)
    return dataset.assign_coords(lon=("lon", values)), lines


def _untorn(values: np.ndarray) -> np.ndarray:
    """Longitudes of a region that ascend from its western end, where they do not as they are.

    The region lies opposite the widest gap of the circle: 0..14 and 340..358 are -20..14, and
    170..180 and -180..-170 are 170..190.
    """
    around = np.unique(values % 360)
    gaps = np.diff(around, append=around[0] + 360)
    west = around[(gaps.argmax() + 1) % len(around)]
    if _monotonic(values) and abs(values[-1] - values[0]) <= 360 - gaps.max() + 1e-3:
        return values
    return np.asarray((values - west) % 360 + (west if west < 180 else west - 360)).round(9)


def _exact(coordinate: xr.DataArray) -> xr.DataArray:
    """Float64 as it was meant: 59.9 for the single-precision 59.900002."""
    values = coordinate.astype(np.float64)
    return values.round(5) if coordinate.dtype == np.float32 else values


def _monotonic(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return bool((steps > 0).all() or (steps < 0).all())

"""Fields of a file that cannot be read: left out and noted, unless there are no others."""

from collections.abc import Hashable, Mapping

import xarray as xr

from sciml.errors import InputError
from weather.files.coordinates import DIMENSIONS, other_levels
from weather.files.history import NO_PRESSURE, REMEDIES, UNCONVERTED, UNKNOWN, left_out
from weather.files.units import unconvertible
from weather.variables import ON_LEVELS, canonical_name


def on_pressure_levels(dataset: xr.Dataset, source: str, lines: list[str]) -> xr.Dataset:
    """Without levels called as those of pressure are, but in another unit, as 2 m or model levels.

    What lies along them is noted, and what a scalar puts there, of the fields of the upper air.

    Raises:
        InputError: if there are no other fields.
    """
    for axis, unit in other_levels(dataset).items():
        fields = {key: field for key, field in dataset.data_vars.items() if axis in field.coords}
        if axis not in dataset.dims:
            fields = {k: f for k, f in fields.items() if canonical_name(str(k)) in ON_LEVELS}
        plane = {d for field in fields.values() for d in field.dims if d != axis}
        dataset = dataset.drop_vars([axis, *fields])
        why = f"along {str(axis)!r} in {unit!r}{NO_PRESSURE}"
        others = [f for f in dataset.data_vars.values() if len(plane & {*f.dims}) > 1]
        if fields and not others:
            listed = ", ".join(repr(str(key)) for key in fields)
            raise InputError(f"{source}: {listed} {why}: {REMEDIES[NO_PRESSURE]}")
        lines += [left_out(source, [*fields], why)] if fields else []
    return dataset


def of_known_dimensions(
    dataset: xr.Dataset, keys: list[Hashable], source: str, lines: list[str]
) -> list[Hashable]:
    """Those whose dimensions are known, or of one entry; the others are noted.

    Raises:
        InputError: if there are others only.
    """
    foreign: dict[str, list[Hashable]] = {}
    for key in keys:
        dims = {d for d in dataset[key].dims if d not in DIMENSIONS and dataset.sizes[d] > 1}
        for dimension in sorted(map(str, dims))[:1]:
            foreign.setdefault(dimension, []).append(key)
    kept = [key for key in keys if not any(key in names for names in foreign.values())]
    if keys and not kept:
        dimension, names = next(iter(foreign.items()))
        raise InputError(
            f"{source}: {', '.join(repr(str(name)) for name in names)} "
            f"{'has' if len(names) == 1 else 'have'} a dimension {dimension!r}{UNKNOWN}; "
            "select one entry of it first"
        )
    lines += [
        left_out(source, names, f"with a dimension {dimension!r}{UNKNOWN}")
        for dimension, names in foreign.items()
    ]
    return kept


def of_known_units(
    dataset: xr.Dataset, names: Mapping[Hashable, str], source: str, lines: list[str]
) -> dict[Hashable, str]:
    """Those in a unit that is or becomes SI; the others are noted.

    Args:
        names: canonical, by name in the file.

    Raises:
        InputError: if there are others only.
    """
    told = {key: unconvertible(dataset[key], name) for key, name in names.items()}
    kept = {key: name for key, name in names.items() if not told[key]}
    if names and not kept:
        key, name = next(iter(names.items()))
        raise InputError(
            f"{source}: {name} comes in {told[key]}: convert it, or mend its units attribute"
        )
    lines += [left_out(source, [key], f"in {why}{UNCONVERTED}") for key, why in told.items() if why]
    return kept

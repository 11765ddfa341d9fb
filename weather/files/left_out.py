"""Fields of a file that cannot be read: left out and noted, unless there are no others."""

from collections.abc import Hashable, Mapping

import xarray as xr

from sciml.errors import InputError
from weather.files.coordinates import DIMENSIONS
from weather.files.history import UNCONVERTED, UNKNOWN, left_out
from weather.files.units import unconvertible


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

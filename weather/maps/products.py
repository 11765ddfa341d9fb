"""Products: what is drawn on a map, in the units that forecasters read.

`z500_t850`: 500 hPa height every 6 dam over 850 hPa temperature. `msl`: sea level
pressure every 4 hPa with highs and lows. `wind850` (or any level, or `wind10`): speed
and barbs in knots over the height of the level (sea level pressure for `wind10`). Any
other name is a single field.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.config import nearest
from sciml.errors import InputError
from weather.files.units import STANDARD_GRAVITY, plain_unit, pretty_unit
from weather.variables import channel_name, describe, on_level
from weather.verification.cases import Channel, channels

Field = NDArray[np.float64]

_DISPLAY = {  # SI unit -> unit on paper, factor, offset
    "Pa": ("hPa", 0.01, 0.0),
    "K": ("°C", 1.0, -273.15),
    "kg kg-1": ("g kg⁻¹", 1000.0, 0.0),
    "s-1": ("10⁻⁵ s⁻¹", 1e5, 0.0),
    "m2 s-2": ("dam", 0.1 / STANDARD_GRAVITY, 0.0),
}
RAIN = ("tp", "cp", "lsp")  # total, convective and large-scale precipitation
_DEPTH = {"m": ("mm", 1000.0, 0.0), "kg m-2": ("mm", 1.0, 0.0)}  # likewise, of water


@dataclass(frozen=True)
class Fields:
    """What a map can show at one time, in display units.

    Attributes:
        values: by channel name, (lat, lon).
        units: by channel name.
    """

    values: dict[str, Field]
    units: dict[str, str]

    def __getitem__(self, name: str) -> Field:
        if not np.isfinite(self.values[name]).any():
            raise InputError(f"{name} is NaN everywhere at this time; plot another field")
        return self.values[name]


@dataclass(frozen=True)
class Product:
    """What is drawn on one map.

    Attributes:
        title: in words.
        shading: name of the shaded channel; `speed` for wind.
        contours: name of the contoured channel.
        wind: names of the channels of barbs.
        marks: whether to mark highs and lows of the contours.
    """

    title: str
    shading: str | None = None
    contours: str | None = None
    wind: tuple[str, str] | None = None
    marks: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the channels that are needed."""
        single = [name for name in (self.shading, self.contours) if name and name != "speed"]
        return tuple(dict.fromkeys([*single, *(self.wind or ())]))


def choose_product(name: str | None, there: list[str]) -> Product:
    """The product of that name, or the first that can be drawn from the channels there.

    Raises:
        InputError: a field that is not there; lists those that are.
    """
    product = _product(name, there)
    for field in product.fields:
        if field not in there:
            at_level = [f"{field}hPa"] if f"{field}hPa" in there else there
            raise InputError(
                f"no field {field} to plot{nearest(field, at_level)} (there are {_listed(there)})"
            )
    return product


def _product(name: str | None, there: list[str]) -> Product:
    if name is None:
        if {"z500", "t850"} <= set(there):
            return _product("z500_t850", there)
        return _product("msl" if "msl" in there else there[0], there)
    if name == "z500_t850":
        title = "500 hPa geopotential height (dam), 850 hPa temperature (°C)"
        return Product(title, shading="t850", contours="z500")
    if name == "msl":
        wind = ("u10", "v10") if {"u10", "v10"} <= set(there) else None
        title = "Mean sea level pressure (hPa)" + (", 10 m wind (kt)" if wind else "")
        return Product(title, contours="msl", wind=wind, marks=True)
    if wind := wind_of(name):
        level = on_level(wind[0])[1]
        contours = "msl" if level is None else f"z{level:g}"
        over = ", sea level pressure (hPa)" if level is None else ", geopotential height (dam)"
        title = f"{wind_in_words(name)} (kt)" + (over if contours in there else "")
        return Product(title, "speed", contours if contours in there else None, wind)
    return Product(in_words(name), shading=name)


def wind_of(name: str) -> tuple[str, str] | None:
    """The channels of a wind's name; None for another.

    `wind10` and `wind100` are 10 m and 100 m above the ground, `wind100hPa` and `wind850` at a
    level.
    """
    found = re.fullmatch(r"wind(\d+)(hPa)?", name)
    if not found:
        return None
    if found[2] is None:
        return f"u{found[1]}", f"v{found[1]}"
    return channel_name("u", float(found[1])), channel_name("v", float(found[1]))


def wind_in_words(name: str) -> str:
    """`10 m wind`, `850 hPa wind`."""
    number = name.removeprefix("wind").removesuffix("hPa")
    on_a_level = on_level((wind_of(name) or ("",))[0])[1] is not None
    return f"{number} {'hPa' if on_a_level else 'm'} wind"


def available(dataset: xr.Dataset) -> list[str]:
    """Names of the channels of a data set, such as `msl` and `z500`."""
    return list(_channels(dataset))


def displayed(dataset: xr.Dataset, names: Sequence[str]) -> Fields:
    """Channels in display units, with the dimensions they have."""
    values, units, there = {}, {}, _channels(dataset)
    for name in names:
        channel = there[name]
        unit = channel.unit(dataset)
        shown, factor, offset = display_unit(name, unit)
        values[name] = channel.of(dataset).values.astype(np.float64) * factor + offset
        units[name] = shown
    return Fields(values, units)


def si_unit(dataset: xr.Dataset, name: str) -> str:
    """SI unit of a channel that is there, as in the table of variables."""
    return _channels(dataset)[name].unit(dataset)


def display_unit(name: str, unit: str) -> tuple[str, float, float]:
    """Unit on paper of a field in an SI unit, and the factor and offset that lead to it."""
    known = _DEPTH if name in RAIN else _DISPLAY
    return known.get(plain_unit(unit), (pretty_unit(unit), 1.0, 0.0))


def _channels(dataset: xr.Dataset) -> dict[str, Channel]:
    there = dataset.expand_dims("time") if "time" not in dataset.dims else dataset
    return {channel.name: channel for channel in channels(there)}


def _listed(names: Sequence[str]) -> str:
    """Names in a line, those of many levels as one."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rstrip("0123456789"), []).append(name)
    parts = []
    for base, found in groups.items():
        many = len(found) > 4 and base
        levels = [name.removeprefix(base) for name in found]
        parts += [f"{base} at {', '.join(levels)} hPa"] if many else found
    return "; ".join(parts) if any(" at " in part for part in parts) else ", ".join(parts)


def in_words(name: str) -> str:
    """What a picture calls a field; geopotential is shown as a height."""
    known = describe(name)
    words = known.long_name if known else name
    return words.replace("Geopotential", "Geopotential height")

"""Units as files spell them, brought to SI where that is certain."""

import re
from typing import TYPE_CHECKING

import numpy as np

from sciml.errors import InputError
from weather.variables import describe

if TYPE_CHECKING:
    import xarray as xr

STANDARD_GRAVITY = 9.80665  # m s-2, ISO 80000-3
KNOT = 1852 / 3600  # m s-1

# (SI unit, unit that came) -> factor and offset: si = factor * value + offset
_CONVERSIONS: dict[tuple[str, str], tuple[float, float]] = {
    ("Pa", "hPa"): (100.0, 0.0),
    ("K", "degC"): (1.0, 273.15),
    ("m2 s-2", "m"): (STANDARD_GRAVITY, 0.0),  # (geopotential) height
    ("m2 s-2", "dam"): (10 * STANDARD_GRAVITY, 0.0),
    ("kg kg-1", "g kg-1"): (1e-3, 0.0),
    ("m", "mm"): (1e-3, 0.0),
    ("m", "kg m-2"): (1e-3, 0.0),  # of water
    ("1", "%"): (0.01, 0.0),
    ("%", "1"): (100.0, 0.0),
}
_SPELLINGS = {
    "millibar": "hPa", "millibars": "hPa", "mbar": "hPa", "hpa": "hPa", "mb": "hPa",
    "hectopascal": "hPa", "hectopascals": "hPa",
    "pascal": "Pa", "pascals": "Pa", "pa": "Pa", "n m-2": "Pa",
    "kelvin": "K", "kelvins": "K", "degk": "K", "deg k": "K", "k": "K", "°k": "K",
    "c": "degC", "celsius": "degC", "degc": "degC", "deg_c": "degC", "deg c": "degC",
    "degree_c": "degC", "degrees_c": "degC", "degree c": "degC", "degrees c": "degC",
    "degree_celsius": "degC", "degrees_celsius": "degC", "degrees celsius": "degC",
    "degree celsius": "degC", "celsius degrees": "degC", "°c": "degC",
    "gpdam": "dam", "gpm": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m",
    "m of water equivalent": "m", "j kg-1": "m2 s-2",
    "(0 - 1)": "1", "0-1": "1", "unitless": "1", "dimensionless": "1", "~": "1", "-": "1",
    "fraction": "1", "proportion": "1", "numeric": "1", "percent": "%",
}  # fmt: skip
_WORDS = {
    "pascal": "Pa", "pascals": "Pa", "gram": "g", "grams": "g", "kilogram": "kg",
    "kilograms": "kg", "sec": "s", "second": "s", "seconds": "s", "metre": "m", "metres": "m",
    "meter": "m", "meters": "m",
}  # in a product  # fmt: skip
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹·", "-0123456789 ")


def plain_unit(unit: str, name: str = "") -> str:
    """One spelling for units that mean the same: `m**2 s**-2`, `m^2/s^2` -> `m2 s-2`.

    Args:
        unit: as a file has it.
        name: of the field, where that tells more: `1` of specific humidity is `kg kg-1`.
    """
    plain = _plain(unit.strip().translate(_LOWERED))
    known = describe(name)
    return known.units if known and (plain, known.units) == ("1", "kg kg-1") else plain


def _plain(text: str) -> str:
    if text.lower() in _SPELLINGS:
        return _SPELLINGS[text.lower()]
    text = re.sub(r"^1(?=\s*/)", "", text.replace(" per ", "/"))
    text = re.sub(r"/\s*([A-Za-z]+)(?:\*\*|\^)?(\d*)", _below, text)
    text = re.sub(r"\*\*|\^", "", text)
    text = re.sub(r"[\s.*]+", " ", text).strip()
    text = re.sub(r"[A-Za-z]+", lambda word: _WORDS.get(word[0].lower(), word[0]), text)
    return _SPELLINGS.get(text.lower(), text) if " " in text else text


def unit_of(field: "xr.DataArray", name: str) -> str:
    """The plain unit that a field states; empty where it states none."""
    return plain_unit(str(field.attrs.get("units", "")), name)


def unconvertible(field: "xr.DataArray", name: str) -> str:
    """`'mm/day'; expected one of m, mm`, of a unit that cannot become SI; empty of others."""
    known, unit = describe(name), unit_of(field, name)
    if known is None or not unit or unit in convertible(known.units):
        return ""
    return f"{field.attrs['units']!r}; expected one of {', '.join(convertible(known.units))}"


def convertible(si: str) -> dict[str, tuple[float, float]]:
    """Units that can be brought to `si`, itself first: si = factor * value + offset."""
    others = {unit: to for (target, unit), to in _CONVERSIONS.items() if target == si}
    return {si: (1.0, 0.0), **others}


def to_si(field: "xr.DataArray", name: str, source: str) -> "xr.DataArray":
    """The field in the unit this package uses for `name`, in floating point; lazily.

    A field that is not in the table of variables, or that states no unit, keeps its values.

    Raises:
        InputError: if a known variable comes in a unit that cannot be converted.
    """
    if field.dtype.kind in "iub":  # float64 where float32 is too coarse
        field = field.astype(np.result_type(field.dtype, np.float32))
    known, unit = describe(name), unit_of(field, name)
    if known is None or not unit or unit == known.units:
        return field
    if why := unconvertible(field, name):
        raise InputError(
            f"{source}: {name} comes in {why}: convert it, or mend its units attribute"
        )
    factor, offset = convertible(known.units)[unit]
    return (field * factor + offset).assign_attrs(field.attrs)


def _below(match: re.Match[str]) -> str:
    return f" {match[1]}-{match[2] or 1}"


def pretty_unit(unit: str) -> str:
    """`m s⁻¹` for `m s-1`."""
    return re.sub(r"(?<=[A-Za-z])-?\d+", lambda power: power[0].translate(_RAISED), unit)

"""Thresholds as users write them: `wind10 > 34 kt`, `t2m < 0`, `msl<=980hPa`."""

import re
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.files.units import KNOT
from weather.maps.products import (
    available,
    choose_product,
    display_unit,
    displayed,
    in_words,
    si_unit,
    wind_in_words,
    wind_of,
)

Field = NDArray[np.float64]

_FORM = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*([-+]?\d+(?:\.\d*)?)\s*(.*?)\s*")
_TESTS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
_SPELT = {"C": "°C", "degC": "°C", "m/s": "m s-1", "g/kg": "g kg⁻¹", "m²/s²": "m2 s-2"}


@dataclass(frozen=True)
class Threshold:
    """A field, or the speed of a wind, and what it is compared with.

    Attributes:
        name: `t2m`, `z500`, or `wind10` for the speed.
        sign: one of < <= > >=.
        value: in `unit`.
        unit: as given; empty for that of the maps.
    """

    name: str
    sign: str
    value: float
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Read `wind10 > 34 kt`.

        Raises:
            InputError: text of another form.
        """
        found = _FORM.fullmatch(text)
        if not found:
            raise InputError(f"cannot read the threshold {text!r}; give it as 'wind10 > 34 kt'")
        unit = found[4]
        return cls(found[1], found[2], float(found[3]), _SPELT.get(unit, unit))

    def describe(self, dataset: xr.Dataset) -> str:
        """In words, with its unit."""
        words = in_words(self.name)
        what = words if words == self.name else words[0].lower() + words[1:]
        if wind_of(self.name):
            what = f"{wind_in_words(self.name)} speed"
        return f"{what} {self.sign} {self.value:g} {self._unit(dataset)}"

    def exceeded(self, dataset: xr.Dataset) -> NDArray[np.float64]:
        """One where it holds, zero where not, NaN where there are no data; like the field.

        Raises:
            InputError: a field that is not there, a unit that is not the field's.
        """
        product = choose_product(self.name, available(dataset))
        fields = displayed(dataset, product.fields)
        if product.shading == "speed" and product.wind:
            u, v = (fields[name] for name in product.wind)
            values, factors = np.hypot(u, v), {"m s-1": 1.0, "kt": 1 / KNOT}
            values = values * factors[self._unit(dataset)]
        else:
            values = fields[self.name]
        limit = self._limit(dataset)
        return np.where(np.isnan(values), np.nan, _TESTS[self.sign](values, limit).astype(float))

    def _unit(self, dataset: xr.Dataset) -> str:
        """The unit, checked; that of the maps if none was given."""
        si, shown, *_ = self._units(dataset)
        if self.unit and self.unit not in (si, shown):
            raise InputError(f"{self.name} in {self.unit!r}; expected {shown} or {si}")
        return self.unit or shown

    def _limit(self, dataset: xr.Dataset) -> float:
        """The value, in the unit of the maps; of wind in its own."""
        _, shown, factor, offset = self._units(dataset)
        unit = self._unit(dataset)
        if self.name.startswith("wind") or unit == shown:
            return self.value
        return self.value * factor + offset

    def _units(self, dataset: xr.Dataset) -> tuple[str, str, float, float]:
        """SI unit, unit on maps, factor and offset from the one to the other."""
        if self.name.startswith("wind"):
            return "m s-1", "kt", 1 / KNOT, 0.0
        si = si_unit(dataset, self.name)
        return si, *display_unit(self.name, si)

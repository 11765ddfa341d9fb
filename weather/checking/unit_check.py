"""Which unit a field came in, told by its values.

Certain wherever it stands: temperature, pressure, geopotential on several levels or above
900 hPa, specific humidity outside the polar regions, relative humidity of the troposphere,
surface geopotential of the globe or of mountains.

Not certain, and refused unless the file states its unit: geopotential near 1000 hPa alone
on a region, surface geopotential of low land on a region, specific humidity of polar
regions, relative humidity of the stratosphere, and a temperature around zero, which may be
an anomaly. A unit that is stated and possible is trusted.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weather.checking.findings import Conversion, Finding, Severity, number
from weather.checking.plausible import COARSE_TIBET, Bounds, Place, cell_bounds, mean_bounds
from weather.checking.sampling import Summary
from weather.dates import minute
from weather.files.units import STANDARD_GRAVITY, convertible
from weather.variables import on_level, si_unit

_JUDGED = {"z", "z_surface", "msl", "sp", "q", "r", "lsm"}  # and every temperature
_LOOSE = {"q", "r", "lsm"}  # data sets that miss the bounds are usual enough
_ANOMALY = 3.0  # K; a temperature no farther from zero on any level may be an anomaly


@dataclass(frozen=True)
class Verdict:
    """The unit of a field's values, and what there is to say of it.

    Attributes:
        unit: plain spelling; empty where values cannot tell.
        conversion: to SI, where the field was taken for something else.
        finding: None where all is as stated.
    """

    unit: str
    conversion: Conversion | None = None
    finding: Finding | None = None


@dataclass(frozen=True)
class UnitCase:
    """A field whose unit is in question.

    Attributes:
        name: canonical.
        summary: of the values as opened: brought to SI from the stated unit.
        stated: the file's unit, plainly spelled; None where it states none.
        place: what the field covers.
    """

    name: str
    summary: Summary
    stated: str | None
    place: Place

    @property
    def si(self) -> str:
        """The unit that this package works in; empty for an unknown field."""
        return si_unit(self.name)

    @property
    def judged(self) -> bool:
        """Whether values can tell the unit."""
        by_value = on_level(self.name)[0] in _JUDGED or self.si == "K"
        return by_value and not self.summary.zero and not self.summary.empty

    @cached_property
    def units(self) -> dict[str, tuple[float, float]]:
        """What the field may have come in, with factor and offset to SI."""
        return convertible(self.si)

    @property
    def was(self) -> str:
        """The unit that the field was taken to be in."""
        return self.stated if self.stated in self.units else self.si

    def conversion(self, unit: str) -> Conversion:
        """To SI from the values as opened, if the file's were in `unit`."""
        (factor, offset), (taken, shift) = self.units[unit], self.units[self.was]
        return Conversion(self.name, unit, factor / taken, offset - shift * factor / taken)

    def inside(self, unit: str, strict: bool = False) -> NDArray[np.bool_]:
        """(time, level) whether the values are possible in `unit`."""
        to = self.conversion(unit)
        summary = self.summary.converted(to.factor, to.offset)
        if on_level(self.name)[0] in ("z_surface", "lsm"):
            return self._cells_inside(unit, summary, strict)
        bounds = [mean_bounds(self.name, p, self.place, strict) for p in summary.levels]
        low, high = np.array(bounds).T
        return np.isnan(summary.mean) | ((summary.mean >= low) & (summary.mean <= high))

    def fits(self, strict: bool = False) -> list[str]:
        """Units in which everything is possible."""
        return [unit for unit in self.units if self.inside(unit, strict).all()]

    def bounds(self, position: int) -> Bounds:
        """SI bounds of the average, or of cells, on a level."""
        level = self.summary.levels[position]
        if on_level(self.name)[0] in ("z_surface", "lsm"):
            return cell_bounds(self.name, level)
        return mean_bounds(self.name, level, self.place)

    def _cells_inside(self, unit: str, summary: Summary, strict: bool) -> NDArray[np.bool_]:
        low, high = cell_bounds(self.name, None)
        possible = (summary.low >= low) & (summary.high <= high)
        if unit == "%":
            possible &= summary.high > high / 100  # a fraction of at most one is no percentage
        if self.name == "z_surface" and strict and self.place.globe:
            possible &= summary.high > COARSE_TIBET * STANDARD_GRAVITY
        return possible


def judge(case: UnitCase) -> Verdict:
    """Find the unit of a field: as stated if that is possible, else the only possible one."""
    if not case.judged:
        return Verdict("")
    fits = case.fits()
    if case.stated in fits:
        return Verdict(case.was, finding=_doubt(case))
    if len(fits) > 1:
        fits = case.fits(strict=True) or fits
    if fits == ["degC"] and _may_be_anomaly(case):
        fits = ["degC", "K as an anomaly"]
    match fits:
        case []:
            return Verdict(case.was, finding=_impossible(case))
        case [unit] if unit == case.was:
            return Verdict(unit)
        case [unit]:
            return Verdict(unit, case.conversion(unit), _correction(case, unit))
    return Verdict("", finding=_ambiguity(case, fits))


def level_factor(case: UnitCase) -> float:
    """What makes hPa of the levels, as far as geopotential shows that they are something else.

    Returns:
        0.01 for Pa taken for hPa, 100 for the reverse; one where the levels are right or
        nothing is certain.
    """
    if case.name != "z" or not case.judged or len(case.summary.levels) < 2:
        return 1.0
    factors = []
    for factor in (1.0, 0.01, 100.0):
        levels = [factor * level for level in case.summary.levels if level is not None]
        moved = UnitCase(case.name, case.summary.on(levels), case.stated, case.place)
        factors += [factor] * bool(moved.fits())
    return factors[0] if len(factors) == 1 else 1.0


def _may_be_anomaly(case: UnitCase) -> bool:
    to = case.conversion("degC")
    kelvin = case.summary.mean * to.factor + to.offset
    return bool((np.abs(kelvin - case.units["degC"][1]) < _ANOMALY).all())


def _doubt(case: UnitCase) -> Finding | None:
    """A stated unit that is possible, where another suits the globe better."""
    better = case.fits(strict=True)
    if case.was in better or len(better) != 1:
        return None
    return Finding(
        case.name,
        "warning",
        f"{_came(case, 0)} on the globe",
        f"values that suit {better[0]}",
        "check the stated unit",
    )


def _correction(case: UnitCase, unit: str) -> Finding:
    position = _worst_level(case)
    advice = f"taken as {unit} and converted"
    return Finding(case.name, "corrected", _came(case, position), _expected(case, position), advice)


def _ambiguity(case: UnitCase, fits: list[str]) -> Finding:
    came = f"{_came(case, _worst_level(case))}; its values fit {' and '.join(fits)}"
    return Finding(
        case.name, "refused", came, advice="state its unit in the file, in the attribute units"
    )


def _impossible(case: UnitCase) -> Finding:
    severity: Severity = "warning" if on_level(case.name)[0] in _LOOSE else "refused"
    position = _worst_level(case)
    changes = _changes(case)
    if changes:
        return Finding(case.name, severity, f"changes its unit: {changes}", "one", "mend the files")
    return Finding(
        case.name,
        severity,
        _came(case, position),
        _expected(case, position),
        f"it fits none of {', '.join(case.units)}; check what the field is",
    )


def _changes(case: UnitCase) -> str:
    """`hPa at 2001-01-01T00:00, Pa at 2001-02-01T00:00`, where each time has one unit."""
    inside = {unit: np.atleast_1d(case.inside(unit).all(axis=1)) for unit in case.units}
    shown = []
    for position, time in enumerate(case.summary.times):
        fits = [unit for unit, possible in inside.items() if possible[position]]
        if len(fits) != 1:
            return ""
        shown.append(f"{fits[0]} at {minute(time)}")
    return ", ".join(shown)


def _worst_level(case: UnitCase) -> int:
    """The first level that is impossible in the unit it was taken for, or the first."""
    return int(np.argmin(case.inside(case.was).all(axis=0)))


def _came(case: UnitCase, position: int) -> str:
    """`at 500 hPa averages 5570 m2 s-2, as stated`: the numbers of the file."""
    factor, offset = case.units[case.was]
    by_cells = on_level(case.name)[0] in ("z_surface", "lsm")
    column = (case.summary.high if by_cells else case.summary.mean)[:, position]
    odd = ~case.inside(case.was)[:, position]
    column = column[odd] if odd.any() else column
    value = (float(np.nanmean(column)) - offset) / factor
    level = case.summary.levels[position]
    where = f"at {level:g} hPa " if level is not None and on_level(case.name)[1] is None else ""
    unit = f" {case.stated}, as stated" if case.stated else ", no unit stated"
    return f"{where}{'reaches' if by_cells else 'averages'} {number(value)}{unit}"


def _expected(case: UnitCase, position: int) -> str:
    low, high = case.bounds(position)
    return f"{number(low)}..{number(high)} {case.si}"

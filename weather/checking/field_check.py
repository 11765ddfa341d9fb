"""One field under inspection: its unit, its holes, its outliers."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from weather.checking.findings import Conversion, FieldCheck, Finding, worst
from weather.checking.missing import missing_values
from weather.checking.outliers import (
    Normal,
    fill_value,
    much_rain,
    out_of_reach,
    scores,
    standing_still,
    unlike_training,
)
from weather.checking.plausible import Place
from weather.checking.sampling import Summary, summarize
from weather.checking.unit_check import UnitCase, Verdict, judge, level_factor
from weather.files.layout import Layout
from weather.files.units import plain_unit
from weather.grid import LatLonGrid


@dataclass(frozen=True)
class Inspected:
    """A field in a few numbers, and what was found.

    Attributes:
        check: at a glance.
        summary: in SI units.
        findings: on this field.
        conversion: to SI, where it came in an unexpected unit.
    """

    check: FieldCheck
    summary: Summary
    findings: tuple[Finding, ...]
    conversion: Conversion | None


@dataclass(frozen=True)
class Inspector:
    """Looks at one field after the other.

    Attributes:
        dataset: canonical.
        layout: of its files, if known.
        positions: of the times that are looked at.
        normal: a model's training statistics; empty without a model.
        masked: fields in which a model takes NaN; None without a model.
        holes: whether NaN is nothing to speak of.
    """

    dataset: xr.Dataset
    layout: Layout | None
    positions: tuple[int, ...]
    normal: Normal
    masked: Collection[str] | None = None
    holes: bool = False

    @cached_property
    def grid(self) -> LatLonGrid:
        """Grid of all fields."""
        return LatLonGrid.from_dataset(self.dataset)

    @cached_property
    def place(self) -> Place:
        """What part of the Earth it covers."""
        return Place.of(self.grid)

    def level_factor(self) -> float:
        """See `weather.checking.unit_check.level_factor`; geopotential must be there."""
        return level_factor(self._case("z", self._summary("z")))

    def look(self, name: str, factor: float = 1.0) -> Inspected:
        """Look at a field, with its pressure levels multiplied by a factor."""
        summary = self._summary(name)
        summary = summary.on([level and level * factor for level in summary.levels])
        case = self._case(name, summary)
        verdict = self._judge(case)
        findings = [verdict.finding] if verdict.finding else []
        to = verdict.conversion
        if to is not None:
            summary = summary.converted(to.factor, to.offset)
        if worst(findings) != "refused":
            findings += self._oddities(name, summary)
        return Inspected(self._check(case, verdict, summary, findings), summary, (*findings,), to)

    def _judge(self, case: UnitCase) -> Verdict:
        if case.summary.empty:
            return Verdict("")
        factor, offset = case.units[case.was] if case.si else (1.0, 0.0)
        fill = fill_value(case.name, case.summary, factor, offset)
        return Verdict(case.was, finding=fill) if fill else judge(case)

    def _oddities(self, name: str, summary: Summary) -> list[Finding]:
        allowed = None if self.masked is None else name in self.masked
        worst_time = int(summary.missing.max(axis=1).argmax())
        position = self.positions[worst_time] if summary.times else 0
        holes = (
            None if self.holes else missing_values(self.dataset, name, summary, position, allowed)
        )
        if summary.empty:
            return [holes] if holes else []
        found = (
            holes,
            out_of_reach(name, summary),
            much_rain(name, summary),
            standing_still(name, summary),
            unlike_training(name, summary, self.normal),
        )
        return [finding for finding in found if finding is not None]

    def _case(self, name: str, summary: Summary) -> UnitCase:
        whole = self.place.globe and bool(summary.missing.max() < 0.01)
        return UnitCase(name, summary, self._stated(name), replace(self.place, globe=whole))

    def _stated(self, name: str) -> str | None:
        """The unit that the file states, plainly spelled."""
        unit: object = self.dataset[name].attrs.get("units")
        if self.layout is not None and name in self.layout.fields:
            unit = self.layout.fields[name].units
        return plain_unit(str(unit), name) if unit else None

    @cached_property
    def _geopotential(self) -> Summary:
        return summarize(self.dataset["z"], self.positions, self.grid)

    def _summary(self, name: str) -> Summary:
        if name == "z":
            return self._geopotential  # looked at twice, read once
        return summarize(self.dataset[name], self.positions, self.grid)

    def _check(
        self, case: UnitCase, verdict: Verdict, summary: Summary, findings: list[Finding]
    ) -> FieldCheck:
        low, high = summary.extremes()
        score = scores(case.name, summary, self.normal)
        return FieldCheck(
            name=case.name,
            dims=tuple(str(d) for d in self.dataset[case.name].dims),
            stated=case.stated or "",
            unit=verdict.unit,
            si=case.si,
            low=low,
            high=high,
            missing=float(summary.missing.mean()),
            score=None if score is None or np.isnan(score).all() else float(np.nanmax(abs(score))),
            severity=worst(findings),
        )

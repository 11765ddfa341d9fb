"""The tidy tables: scores with intervals, and paired differences of the systems."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from weather.verification.bootstrap import (
    FEWEST,
    Bootstrap,
    interval,
    p_value,
    significant,
    weighted_means,
)
from weather.verification.events import SEASONS, season
from weather.verification.metrics import (
    DETERMINISTIC,
    ENSEMBLE,
    Metric,
    Quantities,
    event_metrics,
)
from weather.verification.one_pass import ChannelPass, Setup

ALL = "all"
COMPARED = ("rmse", "mae", "acc", "crps", "brier")
_HOUR = np.timedelta64(1, "h")

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Tabulation:
    """How tables are made of what was gathered.

    Attributes:
        gathered: one channel.
        unit: of the field.
        bootstrap: the samples of cases.
        seasons: whether those of the valid time are scored apart, too.
    """

    gathered: ChannelPass
    unit: str
    bootstrap: Bootstrap
    seasons: bool

    def scores(self) -> pd.DataFrame:
        """One row for each system, lead time, region, season and metric."""
        parts = [
            self._scores(metric, name, chosen)
            for name, chosen in self._seasons()
            for metric in self._metrics()
        ]
        return pd.concat(parts, ignore_index=True)

    def differences(self) -> pd.DataFrame:
        """The first system minus each other one, on the cases that both have."""
        parts = [
            self._differences(metric, number, name, chosen)
            for name, chosen in self._seasons()
            for metric in self._metrics()
            if metric.name in COMPARED
            for number in range(1, len(self._setup.systems))
        ]
        return pd.concat(parts, ignore_index=True)

    @property
    def _setup(self) -> Setup:
        return self.gathered.setup

    def _metrics(self) -> tuple[Metric, ...]:
        ensemble = ENSEMBLE if "crps" in self.gathered.quantities else ()
        events = [str(climate.event) for climate in self.gathered.events]
        return (*DETERMINISTIC, *ensemble, *(m for e in events for m in event_metrics(e)))

    def _seasons(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Names, and (time, lead) which cases belong."""
        valid = self._setup.initial[:, None] + self._setup.leads
        yield ALL, np.ones(valid.shape, bool)
        present = np.unique(season(valid))
        if self.seasons and len(present) > 1:
            for number in present:
                yield SEASONS[number], season(valid) == number

    def _scores(self, metric: Metric, season: str, chosen: NDArray[np.bool_]) -> pd.DataFrame:
        parts = _masked(metric, self.gathered.quantities, chosen)
        cases = np.isfinite(parts[0]).sum(0)  # (lead, system, region)
        value, lower, upper = self._with_interval(metric, parts, cases)
        missing = chosen.sum(0)[:, None, None] - cases
        columns = {"value": value, "lower": lower, "upper": upper, "cases": cases}
        table = self._frame(columns | {"missing": missing}, self._setup.systems, "system")
        table = table[(table["cases"] > 0) | (table["system"] == self._setup.models[0])]
        table = table.assign(season=season, metric=metric.name, event=metric.event or None)
        if metric.name in ("spread", "spread_skill", "brier_fair"):
            table = table[table["cases"] > 0]
        return table.assign(unit=self.unit if metric.unit == "field" else "1")

    def _with_interval(
        self, metric: Metric, parts: tuple[Values, ...], cases: NDArray[np.int64]
    ) -> tuple[Values, Values, Values]:
        value = metric.combine(*_means(parts))
        if cases.max(initial=0) < FEWEST:
            return value, np.full(value.shape, np.nan), np.full(value.shape, np.nan)
        samples = metric.combine(*(self.bootstrap.means(part) for part in parts))
        lower, upper = interval(samples)
        enough = cases >= FEWEST
        return value, np.where(enough, lower, np.nan), np.where(enough, upper, np.nan)

    def _differences(
        self, metric: Metric, number: int, season: str, chosen: NDArray[np.bool_]
    ) -> pd.DataFrame:
        """Of one metric and one other system."""
        parts = _masked(metric, self.gathered.quantities, chosen)
        both = np.isfinite(parts[0][:, :, 0]) & np.isfinite(parts[0][:, :, number])
        own, other = (
            tuple(np.where(both, part[:, :, place], np.nan) for part in parts)
            for place in (0, number)
        )
        cases = both.sum(0)  # (lead, region)
        columns = _compared(metric, _means(own), _means(other))
        enough = cases >= FEWEST
        if enough.any():
            ours, theirs = (tuple(self.bootstrap.means(p) for p in x) for x in (own, other))
            samples = _compared(metric, ours, theirs)
            for name, values in samples.items():
                lower, upper = interval(values)
                columns[f"{name}_lower"] = np.where(enough, lower, np.nan)
                columns[f"{name}_upper"] = np.where(enough, upper, np.nan)
            columns["p"] = np.where(enough, p_value(samples["difference"]), np.nan)
        table = self._frame(
            {name: values[:, None] for name, values in (columns | {"cases": cases}).items()},
            (self._setup.systems[number],),
            "reference",
        )
        table = table[table["cases"] > 0]
        names = {"season": season, "metric": metric.name, "event": metric.event or None}
        unit = self.unit if metric.unit == "field" else "1"
        return table.assign(system=self._setup.models[0], **names, unit=unit)

    def _frame(
        self, columns: dict[str, NDArray], systems: tuple[str, ...], name: str
    ) -> pd.DataFrame:
        """Arrays (lead, system, region) as columns, with what they belong to."""
        channel = self.gathered.channel
        hours = self._setup.leads / _HOUR
        axes = (systems, hours.tolist(), list(self._setup.regions))
        index = pd.MultiIndex.from_product(axes, names=[name, "lead_hours", "region"])
        flat = {key: np.swapaxes(values, 0, 1).reshape(-1) for key, values in columns.items()}
        table = pd.DataFrame(flat, index).reset_index()
        return table.assign(channel=channel.name, variable=channel.variable, level=channel.level)


def marked(differences: pd.DataFrame) -> pd.DataFrame:
    """With a column `significant`, tests of one metric against one reference being a family."""
    if "p" not in differences:
        differences = differences.assign(p=np.nan)
    families = differences.groupby(["reference", "metric", "season"])["p"]
    marks = families.transform(lambda p: significant(p.to_numpy()))
    return differences.assign(significant=marks.astype(bool))


def _masked(
    metric: Metric, quantities: Quantities, chosen: NDArray[np.bool_]
) -> tuple[Values, ...]:
    """The parts of a metric (time, lead, system, region), NaN in cases that are not meant."""
    parts = metric.parts(quantities)
    known = np.isfinite(np.sum(parts, axis=0)) & chosen[:, :, None, None]
    return tuple(np.where(known, part, np.nan) for part in parts)


def _means(parts: tuple[Values, ...]) -> tuple[Values, ...]:
    return tuple(weighted_means(np.ones((1, len(part))), part)[0] for part in parts)


def _compared(
    metric: Metric, own: tuple[Values, ...], other: tuple[Values, ...]
) -> dict[str, Values]:
    """Difference, and skill: the share of the other's distance to a perfect score that is gone."""
    ours, theirs = metric.combine(*own), metric.combine(*other)
    gone, whole = ours - theirs, np.asarray(metric.best) - theirs
    skill = np.divide(gone, whole, out=np.full(gone.shape, np.nan), where=np.abs(whole) > 0)
    return {"difference": gone, "skill": skill}

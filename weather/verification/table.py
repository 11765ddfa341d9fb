"""The tidy tables: scores with intervals, and paired differences of the systems."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from weather.dates import HOUR
from weather.verification.events import SEASONS, season
from weather.verification.intervals import (
    interval,
    known_means,
    p_value,
    significant,
    without_each,
)
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

_OPTIONAL = ("spread", "spread_skill", "brier_fair")  # of ensembles alone

Values = NDArray[np.float64]
_Part = tuple[dict[str, str | None], dict[str, NDArray[Any]]]  # labels, columns


@dataclass(frozen=True)
class Tabulation:
    """How tables are made of what was gathered.

    Attributes:
        gathered: one channel.
        unit: of the field.
        seasons: whether those of the valid time are scored apart, too.
    """

    gathered: ChannelPass
    unit: str
    seasons: bool

    def scores(self) -> pd.DataFrame:
        """One row for each system, lead time, region, season and metric."""
        parts = [
            self._scores(metric, name, chosen)
            for name, chosen in self._seasons()
            for metric in self._metrics()
        ]
        table = self._frame(parts, self._setup.systems)
        own = (table["system"] == self._setup.models[0]) & ~table["metric"].isin(_OPTIONAL)
        return table[(table["cases"] > 0) | own]

    def differences(self) -> pd.DataFrame:
        """The first system minus each other one, on the cases that both have."""
        parts = [
            self._differences(metric, number, name, chosen)
            for name, chosen in self._seasons()
            for metric in self._metrics()
            if metric.name in COMPARED
            for number in range(1, len(self._setup.systems))
        ]
        table = self._frame(parts, self._setup.models[:1])
        return table[table["cases"] > 0]

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

    def _scores(self, metric: Metric, season: str, chosen: NDArray[np.bool_]) -> _Part:
        parts = _masked(metric, self.gathered.quantities, chosen)
        cases = np.isfinite(parts[0]).sum(0)  # (lead, system, region)
        value = metric.combine(*map(known_means, parts))
        series = without_each(parts, lambda *means: {"value": metric.combine(*means)})["value"]
        lower, upper = _possible(metric, interval(value, series))
        missing = chosen.sum(0)[:, None, None] - cases
        columns = {"value": value, "lower": lower, "upper": upper, "cases": cases}
        return self._labels(metric, season), columns | {"missing": missing}

    def _differences(
        self, metric: Metric, number: int, season: str, chosen: NDArray[np.bool_]
    ) -> _Part:
        """Of one metric and one other system."""
        parts = _masked(metric, self.gathered.quantities, chosen)
        both = np.isfinite(parts[0][:, :, 0]) & np.isfinite(parts[0][:, :, number])
        own, other = (
            tuple(np.where(both, part[:, :, place], np.nan) for part in parts)
            for place in (0, number)
        )
        cases = both.sum(0)  # (lead, region)

        def compared(*means: Values) -> dict[str, Values]:
            return _compared(metric, means[: len(own)], means[len(own) :])

        columns = compared(*map(known_means, (*own, *other)))
        series = without_each((*own, *other), compared)
        for name, values in tuple(columns.items()):
            lower, upper = interval(values, series[name])
            columns |= {f"{name}_lower": lower, f"{name}_upper": upper}
        columns["p"] = p_value(columns["difference"], series["difference"])
        columns["cases"] = cases
        labels = {"reference": self._setup.systems[number], **self._labels(metric, season)}
        return labels, {name: values[:, None] for name, values in columns.items()}

    def _labels(self, metric: Metric, season: str) -> dict[str, str | None]:
        unit = self.unit if metric.unit == "field" else "1"
        event = metric.event or None
        return {"season": season, "metric": metric.name, "event": event, "unit": unit}

    def _frame(self, parts: list[_Part], systems: tuple[str, ...]) -> pd.DataFrame:
        """Arrays (lead, system, region) one below the other, with what they belong to."""
        channel, hours = self.gathered.channel, (self._setup.leads / HOUR).tolist()
        shape = (len(systems), len(hours), len(self._setup.regions))
        axes = (
            np.array(systems, object),
            np.array(hours),
            np.array([*self._setup.regions], object),
        )
        keys = [
            np.broadcast_to(axis.reshape([-1 if i == place else 1 for i in range(3)]), shape)
            for place, axis in enumerate(axes)
        ]
        names = ("system", "lead_hours", "region")
        data = {
            name: np.tile(key.reshape(-1), len(parts))
            for name, key in zip(names, keys, strict=True)
        }
        labels = pd.DataFrame([label for label, _ in parts])
        data |= {str(k): np.repeat(labels[k].to_numpy(object), np.prod(shape)) for k in labels}
        for name in parts[0][1]:
            arrays = [np.swapaxes(columns[name], 0, 1).reshape(-1) for _, columns in parts]
            data[name] = np.concatenate(arrays)
        level = np.nan if channel.level is None else channel.level
        return pd.DataFrame(data).assign(
            channel=channel.name, variable=channel.variable, level=level
        )


def marked(differences: pd.DataFrame) -> pd.DataFrame:
    """With a column `significant`, tests of one metric against one reference being a family."""
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


def _possible(metric: Metric, limits: tuple[Values, Values]) -> tuple[Values, Values]:
    """Limits that a score can take: no error below zero, no correlation above one."""
    lower, upper = limits
    if metric.best == 0 and metric.name != "brier_fair":
        lower = np.maximum(lower, 0)
    return lower, np.minimum(upper, 1) if metric.best == 1 else upper


def _compared(
    metric: Metric, own: tuple[Values, ...], other: tuple[Values, ...]
) -> dict[str, Values]:
    """Difference, and skill: the share of the other's distance to a perfect score that is gone."""
    ours, theirs = metric.combine(*own), metric.combine(*other)
    gone, whole = ours - theirs, np.asarray(metric.best) - theirs
    skill = np.divide(gone, whole, out=np.full(gone.shape, np.nan), where=np.abs(whole) > 0)
    return {"difference": gone, "skill": skill}

"""From data sets to what is kept of each case: reading in blocks that fit into memory."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.verification.baselines import damping
from weather.verification.cases import Block, Channel, Series, grouped, stacked
from weather.verification.climatology import (
    HARMONICS,
    PENTADS,
    Climatology,
    ClimatologyFit,
    ClimatologyKind,
    Field,
    Times,
)
from weather.verification.events import Event, EventClimate
from weather.verification.one_pass import PERSISTENCE, ChannelPass, Setup

_WORK = 16  # fields of a case, in float64, that are in memory at once beside its members


@dataclass(frozen=True)
class Gatherer:
    """Reads what is to be scored.

    Attributes:
        setup: what all channels have in common.
        models: forecasts by name, of the same initial times.
        truth: analyses.
        training: analyses that the baselines are fitted on.
        kind: of climatology.
        events: to be scored.
        memory: bytes of fields to hold at once, about.
    """

    setup: Setup
    models: Mapping[str, xr.Dataset]
    truth: xr.Dataset
    training: xr.Dataset
    kind: ClimatologyKind
    events: list[Event]
    memory: int

    def each(self, chosen: list[Channel], mapped: set[Channel]) -> Iterator[ChannelPass]:
        """The gathered scores of each channel; maps are kept of some."""
        for group in grouped(chosen, self._levels()):
            yield from self._group(group, mapped)

    def _group(self, group: list[Channel], mapped: set[Channel]) -> list[ChannelPass]:
        past, truth = (self._series(group, dataset) for dataset in (self.training, self.truth))
        forecasts = {name: stacked(group, model) for name, model in self.models.items()}
        climatology = self._climatology(past)
        fading = self._damping(past, climatology, len(group))
        passes = [
            ChannelPass(
                self.setup,
                channel,
                climatology.level(number),
                fading[:, number],
                [
                    EventClimate.fit(e, past.level(number), climatology.level(number), self.memory)
                    for e in self.events
                    if e.channel == channel.name
                ],
                channel in mapped,
                partial(self._held, forecasts, truth, number),
            )
            for number, channel in enumerate(group)
        ]
        for blocks in self._blocks(forecasts, truth):
            for gathered, block in zip(passes, blocks, strict=True):
                gathered.add(block)
        return passes

    def _climatology(self, past: Series) -> Climatology:
        fit = ClimatologyFit(self.kind)
        for times, fields in past.blocks(self._fields(past.field.sizes["channel"])):
            fit.add(times, fields)
        return fit.result()

    def _damping(self, past: Series, climatology: Climatology, levels: int) -> NDArray[np.float64]:
        """(lead, channel)"""
        together = self._fields(levels * (1 + len(self.setup.leads)))
        weights = self.setup.grid.area_weights()
        anomaly_at = partial(_anomaly, past, climatology)
        return damping(past.times, anomaly_at, self.setup.leads, weights, together)

    def _held(
        self,
        forecasts: Mapping[str, xr.DataArray],
        truth: Series,
        channel: int,
        name: str,
        lead: int,
    ) -> bool:
        """Whether a model, or persistence, holds a channel at a lead time in any case."""
        wanted = self.setup.leads[lead]
        if name == PERSISTENCE:  # an initial analysis with one at the valid time
            pairs = (truth.at(np.array([t, t + wanted]))[:, channel] for t in self.setup.initial)
            return any(np.isfinite(pair).all(0).any() for pair in pairs)
        field = forecasts[name]
        if wanted not in field["lead_time"].values:
            return False
        field = field.isel(channel=channel).sel(lead_time=wanted)
        each = (field.isel(time=time).values for time in range(field.sizes["time"]))
        return any(np.isfinite(values).any() for values in each)

    def _blocks(
        self, forecasts: Mapping[str, xr.DataArray], truth: Series
    ) -> Iterator[list[Block]]:
        """Blocks of all channels of a group, those of the same cases together."""
        levels = truth.field.sizes["channel"]
        for times, leads in self._cuts(levels):
            initial = self.setup.initial[times]
            valid = initial[:, None] + self.setup.leads[leads]
            read = {name: self._forecast(f, times, leads) for name, f in forecasts.items()}
            after, now = truth.at(valid), truth.at(initial)
            yield [
                Block(
                    times, leads, {name: f[:, :, :, number] for name, f in read.items()},
                    after[:, :, number], now[:, number],
                )
                for number in range(levels)
            ]  # fmt: skip

    def _forecast(self, forecast: xr.DataArray, times: slice, leads: slice) -> Field:
        """(time, lead, member, channel, lat, lon), NaN at lead times that there are not."""
        wanted = self.setup.leads[leads]
        index = forecast.indexes["lead_time"].get_indexer(wanted)
        there = index >= 0
        values = forecast.isel(time=times, lead_time=index[there])
        if "member" not in values.dims:
            values = values.expand_dims("member")
        order = ("time", "lead_time", "member", "channel", "lat", "lon")
        found = values.transpose(*order).values
        if there.all():
            return found
        result = np.full((found.shape[0], len(wanted), *found.shape[2:]), np.nan, found.dtype)
        result[:, there] = found
        return result

    def _cuts(self, levels: int) -> Iterator[tuple[slice, slice]]:
        """Initial and lead times of each block."""
        members = sum(max(1, count) for count in self.setup.members.values())
        cases = max(1, self._fields(levels * (members + _WORK)))
        leads = min(cases, len(self.setup.leads))
        times = max(1, cases // leads)
        for first in range(0, len(self.setup.initial), times):
            for lead in range(0, len(self.setup.leads), leads):
                last = min(lead + leads, len(self.setup.leads))
                yield slice(first, min(first + times, len(self.setup.initial))), slice(lead, last)

    def _levels(self) -> int:
        """How many levels are read together: as many as the climatology leaves room for."""
        hours = 1 if self.kind == "mean" else len(_hours(self.training["time"].values))
        terms = {"mean": 1, "seasonal": 1 + 2 * HARMONICS}.get(self.kind, PENTADS)
        fields = 2 * hours * terms + len(self.setup.models) * 2 * len(self.setup.mapped) + 2 * _WORK
        return max(1, self._fields(fields))

    def _fields(self, each: int) -> int:
        """How many times `each` fields fit into half of the memory, at least once."""
        return max(1, self.memory // (16 * math.prod(self.setup.grid.shape) * each))

    def _series(self, group: list[Channel], dataset: xr.Dataset) -> Series:
        """Analyses, held in memory if they take a quarter of it only."""
        field = stacked(group, dataset)
        return Series(field.load() if 4 * field.nbytes <= self.memory else field)


def _anomaly(past: Series, climatology: Climatology, times: Times) -> Field:
    return past.at(times) - climatology.at(times)


def _hours(times: Times) -> NDArray[np.int64]:
    return np.unique((times - times.astype("datetime64[D]")).astype(np.int64))

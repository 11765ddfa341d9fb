"""The scores of one channel, gathered block by block: every field is looked at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from weather.grid import LatLonGrid
from weather.verification import probabilistic
from weather.verification.cases import Block, Channel
from weather.verification.climatology import Climatology, Field, Times
from weather.verification.events import EventClimate
from weather.verification.metrics import (
    ENSEMBLE_QUANTITIES,
    QUANTITIES,
    lacking,
    quantities,
    region_means,
)
from weather.verification.spectra import band_spectrum, band_weights

FORECAST, PERSISTENCE, DAMPED = "forecast", "persistence", "damped persistence"
CLIMATOLOGY, LINEAR = "climatology", "linear"
TRUTH = "analysis"

Values = NDArray[np.float64]
_Place = tuple[NDArray[np.int64], int, int]  # of cases: initial times, lead time, system


@dataclass(frozen=True)
class Setup:
    """What all channels have in common.

    Attributes:
        grid: of all fields.
        regions: (lat, lon) weights by name; the first is the whole grid.
        initial: (time,) initial times.
        leads: (lead,) lead times.
        members: number of members of each model, 0 for a single forecast; the first
            model is the one that is evaluated.
        mapped: positions of the lead times that maps are drawn of.
        pairs: members of a model that are not independent, see `probabilistic.pairs_of`.
    """

    grid: LatLonGrid
    regions: dict[str, Values]
    initial: Times
    leads: NDArray[np.timedelta64]
    members: dict[str, int]
    mapped: tuple[int, ...]
    pairs: Mapping[str, probabilistic.Pairs] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(self.members)

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of all that is scored: the models, then the baselines."""
        return (*self.members, PERSISTENCE, DAMPED, CLIMATOLOGY)

    @cached_property
    def weights(self) -> Values:
        """(region, cell)"""
        return np.stack([region.reshape(-1) for region in self.regions.values()])

    @cached_property
    def band(self) -> Values:
        """(lat,) weights of the rows whose spectra are taken."""
        return band_weights(self.grid)

    @property
    def ensemble(self) -> int:
        """Members of the evaluated forecast."""
        return self.members[self.models[0]]


class ChannelPass:
    """Gathers what all scores of a channel follow from.

    All systems are scored on the same cells of the same cases: those that every model has
    and that the initial analyses have, from which persistence starts, but for lead times
    that one of them lacks altogether; and those that climatology, damped persistence and
    linear model have, but for cases that one of these lacks altogether, as outside of the
    seasons that they were fitted on.

    Args:
        setup: see there.
        channel: which.
        climatology: expected field.
        damping: (lead,) of damped persistence.
        events: with their climatological probability.
        mapped: whether maps are kept.
        held: whether a model, or persistence, has any field of the channel at a lead time,
            given by its position; asked only where a case of it is empty.

    Attributes:
        quantities: (time, lead, system, region) by name, see `metrics`; the Brier scores of
            an event as `brier msl<100000` and `brier_fair msl<100000`.
        power: (model and analyses, lead, wavenumber) sum of spectra, and `power_count` (..., lead).
        maps: (2, model, mapped lead, lat, lon) sums of error and squared error, and
            `map_count` of cases.
        ranks: (lead, rank) area by rank of the analysis among the members.
        reliability: (lead, 3, bin) of each event, see `probabilistic.reliability`.
    """

    def __init__(
        self,
        setup: Setup,
        channel: Channel,
        climatology: Climatology,
        damping: Values,
        events: list[EventClimate],
        mapped: bool,
        held: Callable[[str, int], bool],
    ) -> None:
        self.setup, self.channel, self.climatology = setup, channel, climatology
        self._held = cache(held)
        self.damping, self.events, self.mapped = damping, events, mapped
        leads, models = len(setup.leads), len(setup.models)
        shape = (len(setup.initial), leads, len(setup.systems), len(setup.regions))
        names = [*QUANTITIES, *(ENSEMBLE_QUANTITIES if any(setup.members.values()) else ())]
        names += [f"{kind} {c.event}" for c in events for kind in ("brier", "brier_fair")]
        self.quantities = {name: np.full(shape, np.nan) for name in names}
        columns = len(setup.grid.lon)
        waves = columns // 2 + 1 if setup.grid.periodic else columns
        self.power = np.zeros((models + 1, leads, waves))
        self.power_count = np.zeros((models + 1, leads))
        drawn = (models, len(setup.mapped) if mapped else 0, *setup.grid.shape)
        self.maps, self.map_count = np.zeros((2, *drawn)), np.zeros(drawn)
        self.ranks = np.zeros((leads, setup.ensemble + 1))
        self.reliability = {
            str(c.event): np.zeros((leads, 3, probabilistic.BINS)) for c in events if setup.ensemble
        }

    def add(self, block: Block) -> None:
        """Take in a block; each case comes in one block only."""
        initial = self.setup.initial[block.times]
        at_start = self.climatology.at(initial)
        places = np.arange(len(self.setup.initial))[block.times]
        for column, lead in enumerate(range(len(self.setup.leads))[block.leads]):
            fields = {name: f[:, column] for name, f in block.forecasts.items()}
            needed = {name: f for name, f in fields.items() if name != LINEAR}
            needed[PERSISTENCE] = block.now[:, None]
            truth = self._comparable(needed, block.truth[:, column], lead)
            if not np.isfinite(truth).any():
                continue
            expected = self.climatology.at(initial + self.setup.leads[lead])
            damped = expected + self.damping[lead] * (block.now - at_start)
            fitted = [expected, damped, *(f[:, 0] for n, f in fields.items() if n == LINEAR)]
            for baseline in fitted:
                truth[lacking(baseline)] = np.nan
            there = np.isfinite(truth).any((1, 2))
            if not there.any():
                continue
            chosen = slice(None) if there.all() else there  # a view where all are there
            case = _Case(
                places[chosen], lead, {name: f[chosen] for name, f in fields.items()},
                truth[chosen], expected[chosen], block.now[chosen], damped[chosen],
            )  # fmt: skip
            self._add_quantities(case)
            self._add_spectra(case)
            self._add_events(case)
            if self.mapped and lead in self.setup.mapped:
                self._add_maps(case)
            if self.setup.ensemble:
                members = np.moveaxis(case.fields[self.setup.models[0]], 1, 0)
                self.ranks[lead] += probabilistic.ranks(members, case.truth, self._area)

    def _comparable(self, fields: Mapping[str, Field], truth: Field, lead: int) -> Field:
        """The truth (case, lat, lon), NaN where a field of those with the lead time is NaN."""
        truth = truth.copy()
        for name, members in fields.items():
            known = np.asarray(np.isfinite(members).all(1))
            if known.any((1, 2)).all() or self._held(name, lead):
                truth[~known] = np.nan
        return truth

    @property
    def _area(self) -> Values:
        return next(iter(self.setup.regions.values()))

    def _means(self, fields: Field) -> Values:
        """(case, region) of fields (case, lat, lon)."""
        return region_means(fields.reshape(len(fields), -1), self.setup.weights)

    def _add_quantities(self, case: "_Case") -> None:
        known = np.isfinite(case.truth)
        for number, (system, values) in enumerate(case.systems.items()):
            forecast = values if known.all() else np.where(known, values, np.nan)
            cells = (len(forecast), -1)
            means = quantities(
                forecast.reshape(cells),
                case.truth.reshape(cells),
                case.expected.reshape(cells),
                self.setup.weights,
            )
            place = (case.times, case.lead, number)
            for name, value in zip(QUANTITIES, means, strict=True):
                self.quantities[name][place] = value
            if "crps" in self.quantities:
                self._add_ensemble(case, system, place)

    def _add_ensemble(self, case: "_Case", system: str, place: _Place) -> None:
        if not self.setup.members.get(system):
            self.quantities["crps"][place] = self.quantities["absolute_error"][place]
            return
        members = np.moveaxis(case.fields[system], 1, 0)
        pairs = self.setup.pairs.get(system, ())
        crps = probabilistic.fair_crps(members, case.truth, pairs)
        variance, of_mean = (
            np.where(np.isfinite(case.truth), each, np.nan)
            for each in probabilistic.variances(members, pairs)
        )
        self.quantities["crps"][place] = self._means(crps)
        self.quantities["variance"][place] = self._means(variance)
        self.quantities["corrected_variance"][place] = self._means(variance + of_mean)

    def _add_spectra(self, case: "_Case") -> None:
        sources = (*case.fields.values(), case.truth[:, None])
        grid, band = self.setup.grid, self.setup.band
        power = [band_spectrum(fields, grid, band).mean(1) for fields in sources]
        comparable = np.isfinite(power[-1]).all(-1)  # no cell of the band is masked in the truth
        for number, spectra in enumerate(power):
            known = comparable & np.isfinite(spectra).all(-1)
            self.power[number, case.lead] += spectra[known].sum(0)
            self.power_count[number, case.lead] += known.sum()

    def _add_maps(self, case: "_Case") -> None:
        drawn = self.setup.mapped.index(case.lead)
        for number, fields in enumerate(case.fields.values()):
            error = fields.mean(1) - case.truth
            known = np.isfinite(error)
            error = np.where(known, error, 0)
            self.maps[0, number, drawn] += error.sum(0)
            self.maps[1, number, drawn] += (error**2).sum(0)
            self.map_count[number, drawn] += known.sum(0)

    def _add_events(self, case: "_Case") -> None:
        times = self.setup.initial[case.times] + self.setup.leads[case.lead]
        for climate in self.events:
            likely = np.where(np.isfinite(case.expected), climate.chance(times), np.nan)
            threshold = climate.threshold(times, case.expected)
            threshold = np.where(lacking(likely), np.nan, threshold)
            happened = climate.happened(case.truth, threshold)
            for number, (system, forecast) in enumerate(case.systems.items()):
                place = (case.times, case.lead, number)
                if self.setup.members.get(system):
                    members = case.fields[system]
                    pairs = self.setup.pairs.get(system, ())
                    self._add_probability(case, climate, threshold, members, pairs, place)
                    continue
                says = climate.happened(forecast, threshold)
                chance = likely if system == CLIMATOLOGY else says
                score = self._means((chance - happened) ** 2)
                self.quantities[f"brier {climate.event}"][place] = score
            if self.setup.ensemble:
                members = case.fields[self.setup.models[0]]
                shown = climate.happened(members, threshold[:, None]).mean(1)
                sums = probabilistic.reliability(shown, happened, self._area)
                self.reliability[str(climate.event)][case.lead] += sums

    def _add_probability(
        self,
        case: "_Case",
        climate: EventClimate,
        threshold: Field,
        members: Field,
        pairs: probabilistic.Pairs,
        place: _Place,
    ) -> None:
        """Brier scores of an ensemble."""
        known = np.isfinite(case.truth) & np.isfinite(members).all(1) & np.isfinite(threshold)
        beyond = np.moveaxis(np.where(known[:, None], members - threshold[:, None], 0), 1, 0)
        observed = np.where(known, case.truth - threshold, 0)
        for name, fair in (("brier", False), ("brier_fair", True)):
            score = probabilistic.brier(beyond, observed, climate.event.above, fair, pairs)
            means = self._means(np.where(known, score, np.nan))
            self.quantities[f"{name} {climate.event}"][place] = means


@dataclass(frozen=True)
class _Case:
    """Fields of one lead time in a block: (case, lat, lon), of models (case, member, ...)."""

    times: NDArray[np.int64]  # positions of the initial times
    lead: int
    fields: Mapping[str, Field]
    truth: Field
    expected: Field
    now: Field
    damped: Field

    @cached_property
    def systems(self) -> dict[str, Field]:
        """The single forecast of each system; of an ensemble its mean."""
        models = {name: f.mean(1, dtype=np.float64) for name, f in self.fields.items()}
        return {
            **models, PERSISTENCE: self.now, DAMPED: self.damped, CLIMATOLOGY: self.expected,
        }  # fmt: skip

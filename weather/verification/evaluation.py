"""Scores of forecasts, beside what a forecast must beat, in one pass and bounded memory.

The channels of a variable are read together, block by block of initial and lead times;
all scores follow from what `one_pass` keeps of each case.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from sciml.wording import count
from weather.dates import HOUR
from weather.files.history import simulated
from weather.files.members import one_member
from weather.grid import LatLonGrid
from weather.verification import diagnostics
from weather.verification.cases import channels, headline, interior
from weather.verification.climatology import ClimatologyKind, suitable_kind
from weather.verification.events import read_events
from weather.verification.facts import facts
from weather.verification.gather import Gatherer
from weather.verification.intervals import FEWEST, effective
from weather.verification.leakage import Leakage, leakage
from weather.verification.linear import linear_forecast
from weather.verification.one_pass import FORECAST, LINEAR, ChannelPass, Setup
from weather.verification.probabilistic import pairs_of
from weather.verification.regions import Weights, regions
from weather.verification.sample import check_grids, check_truth, common_cases
from weather.verification.table import Tabulation, marked

MAPPED = (24, 72, 120, 240)  # hours: lead times of the maps
_COLUMNS = (
    "system", "reference", "channel", "variable", "level", "lead_hours", "region", "season",
    "metric", "event",
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What is scored, and how.

    Attributes:
        climatology: kind; None takes `daily` from ten years on, `seasonal` from three, else
            `mean`.
        linear: also fit the linear model, for the headline channels at 24 h.
        regions: names, `all` among them, or None for the usual ones; see `regions.regions`.
        thresholds: events to score, such as `msl<980 hPa` or `t850>q0.9`.
        seasons: also score by season of the valid time.
        allow_leakage: score dates that were seen, and say so everywhere.
        memory: GiB of fields to hold at once, about.
    """

    climatology: ClimatologyKind | None = None
    linear: bool = False
    regions: list[str] | None = None
    thresholds: list[str] = field(default_factory=list)
    seasons: bool = False
    allow_leakage: bool = False
    memory: float = 1.0


@dataclass(frozen=True)
class Evaluation:
    """All scores, and what one must know to read them.

    Attributes:
        scores: one row for each system, channel, lead time, region, season and metric:
            value, its 95 % interval (`lower`, `upper`), unit, cases, missing, leakage.
        differences: the forecast minus each other system, paired, with skill, p and
            `significant`.
        fields: spectra, maps, rank histograms, reliability, errors of each case.
        facts: label to text, for people.
        leakage: dates that were seen.
        land: (lat, lon) land fraction, if there is one.
        earth: whether the analyses are of the Earth, not of `weather simulate`.
    """

    scores: pd.DataFrame
    differences: pd.DataFrame
    fields: xr.Dataset
    facts: dict[str, str]
    leakage: Leakage
    land: xr.DataArray | None
    earth: bool


def evaluate(
    forecast: xr.Dataset,
    truth: xr.Dataset,
    training: xr.Dataset,
    options: Options | None = None,
    others: Mapping[str, xr.Dataset] | None = None,
    on_field: Callable[[int, int], object] = lambda done, of: None,
) -> Evaluation:
    """Score forecasts against analyses, beside the baselines and other forecasts.

    Args:
        forecast: from `open_forecast`, with or without members.
        truth: analyses, from `open_reanalysis`; times that are missing are counted. Its
            `lsm`, if it has one, divides land from sea.
        training: analyses of another period, from which climatology and damped
            persistence (and the linear model) are fitted.
        options: see there.
        others: other forecasts by name. All are scored on the initial times that all have.
        on_field: told how many channels are done, and of how many.

    Returns:
        See `Evaluation`; `metrics.MEANINGS` explains the metrics. The frame of a limited
        area, `boundary_width` rows and columns at its edges, is given and not scored.

    Raises:
        InputError: different grids, no variable, initial or valid time in common, dates
            that model or climatology have seen, analyses of several members, or options
            that do not fit.
    """
    options = options or Options()
    truth, training = one_member(truth), one_member(training)
    models = {FORECAST: forecast, **(others or {})}
    check_grids(forecast, truth, training, *models.values())
    check_truth(forecast, truth)
    models, dropped = common_cases(models)
    kind = options.climatology or suitable_kind(training["time"].values)
    seen = leakage(models, training["time"].values, kind)
    if not options.allow_leakage:
        seen.require_none()
    width = int(forecast.attrs.get("boundary_width", 0))
    models = {name: interior(model, width) for name, model in models.items()}
    truth, training = interior(truth, width), interior(training, width)
    truth = truth.sel(time=slice(forecast["time"].min(), forecast["valid_time"].max()))
    chosen = channels(*models.values(), truth, training)
    units = {channel.name: channel.unit(forecast) for channel in chosen}
    events = read_events(options.thresholds, units)
    land = truth["lsm"] if "lsm" in truth and truth["lsm"].dims == ("lat", "lon") else None
    weights = _regions(models[FORECAST], land, options)
    if options.linear:
        models[LINEAR] = linear_forecast(headline(chosen), models[FORECAST], truth, training, kind)
    setup = _setup(models, weights)
    gatherer = Gatherer(
        setup, models, truth, training, kind, events, int(options.memory * 2**30)
    )  # fmt: skip
    parts = _Parts()
    on_field(0, len(chosen))
    for done, gathered in enumerate(gatherer.each(chosen, set(headline(chosen))), start=1):
        parts.add(gathered, gathered.channel.unit(forecast), options)
        on_field(done, len(chosen))
    known = facts(models, truth, training, kind, seen, setup) | {
        "intervals": parts.intervals(setup),
        "not scored": dropped,
        "frame": f"{width} cells at each edge are boundary data and not scored" if width else "",
    }
    known = {label: text for label, text in known.items() if text}
    return Evaluation(
        scores=_ordered(pd.concat(parts.scores, ignore_index=True), seen.stamp),
        differences=_ordered(marked(pd.concat(parts.differences, ignore_index=True)), seen.stamp),
        fields=parts.fields().assign_attrs(known),
        facts=known,
        leakage=seen,
        land=land,
        earth=not simulated(truth),
    )


class _Parts:
    """What is kept of each channel when its cases are let go."""

    def __init__(self) -> None:
        self.scores: list[pd.DataFrame] = []
        self.differences: list[pd.DataFrame] = []
        self.by_channel: list[xr.Dataset] = []
        self.maps: list[xr.Dataset] = []
        self.events: list[xr.Dataset] = []
        self.counts: list[float] = []

    def add(self, gathered: ChannelPass, unit: str, options: Options) -> None:
        """Tabulate a channel."""
        table = Tabulation(gathered, unit, options.seasons)
        self.counts += effective(gathered.quantities["squared_error"][:, :, 0, :1]).ravel().tolist()
        self.scores += [table.scores(), diagnostics.resolutions(gathered)]
        self.differences.append(table.differences())
        self.by_channel.append(diagnostics.diagnostics(gathered, unit))
        if gathered.mapped:
            self.maps.append(diagnostics.maps(gathered, unit))
        if (reliability := diagnostics.reliability(gathered)) is not None:
            self.events.append(reliability)

    def fields(self) -> xr.Dataset:
        """All that is no single number."""
        whole = [xr.concat(self.by_channel, "channel", data_vars="minimal", coords="minimal")]
        whole += [xr.concat(self.maps, "map_channel", data_vars="minimal", coords="minimal")]
        if self.events:
            whole += [xr.concat(self.events, "event", data_vars="minimal", coords="minimal")]
        return xr.merge(whole)

    def intervals(self, setup: Setup) -> str:
        """How the intervals were made, in words."""
        cases = len(setup.initial)
        if cases < FEWEST:
            return f"none: {count(cases, 'initial time')}, fewer than {FEWEST}"
        least, most = (round(one) for one in (np.nanmin(self.counts), np.nanmax(self.counts)))
        worth = f"{most}" if least == most else f"{least} to {most}"
        return (
            f"95 %, Student's t; {cases} initial times tell as much as {worth} independent ones; "
            "significant: at most 5 % false discoveries"
        )


def _regions(
    forecast: xr.Dataset, land: xr.DataArray | None, options: Options
) -> dict[str, Weights]:
    mask = None if land is None else land.values.astype(np.float64)
    return regions(LatLonGrid.from_dataset(forecast), mask, options.regions)


def _setup(models: Mapping[str, xr.Dataset], weights: dict[str, Weights]) -> Setup:
    forecast = models[FORECAST]
    leads = forecast["lead_time"].values
    hours = leads / HOUR
    mapped = [i for i, hour in enumerate(hours) if hour in MAPPED] or [len(leads) - 1]
    return Setup(
        grid=LatLonGrid.from_dataset(forecast),
        regions=weights,
        initial=forecast["time"].values,
        leads=leads,
        members={name: int(model.sizes.get("member", 0)) for name, model in models.items()},
        mapped=tuple(mapped),
        pairs={name: pairs_of(model) for name, model in models.items()},
    )


def _ordered(table: pd.DataFrame, stamp: str) -> pd.DataFrame:
    """Keys first, the leakage stamp last."""
    keys = [name for name in _COLUMNS if name in table]
    rest = [name for name in table if name not in keys]
    return table[[*keys, *rest]].assign(leakage=stamp)

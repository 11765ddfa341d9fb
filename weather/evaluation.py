"""Scores of forecasts, beside what a forecast must beat.

One channel (a surface variable, or one level of an upper one) is read and scored at a
time, so that memory stays small. A score is the mean over initial times of what
`metrics` gives for one case; all baselines are scored on the same cases.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather import metrics
from weather.baselines import Climatology, ClimatologyKind, Times, damping, suitable_kind
from weather.grid import LatLonGrid
from weather.linear import LinearModel
from weather.variables import describe

HEADLINE = ("z500", "t850", "u850", "v850", "msl", "t2m", "u10", "v10", "q700")
FORECAST, PERSISTENCE, DAMPED = "forecast", "persistence", "damped persistence"
CLIMATOLOGY, LINEAR = "climatology", "linear"
_LINEAR_LEAD = np.timedelta64(24, "h")
_WHOLE = 2**30  # bytes of a variable up to which all its levels are read at once
_HOUR = np.timedelta64(1, "h")

Field = NDArray[np.floating]
Row = dict[str, str | float | None]
Fields = tuple[xr.DataArray, xr.DataArray, xr.DataArray]  # forecast, truth, training


@dataclass(frozen=True)
class Channel:
    """One 2-D field: a surface variable, or an upper one at a level in hPa."""

    variable: str
    level: float | None = None

    @property
    def name(self) -> str:
        """`msl`, `z500`."""
        return self.variable if self.level is None else f"{self.variable}{self.level:g}"

    @property
    def unit(self) -> str:
        """SI unit, empty where unknown."""
        known = describe(self.name)
        return known.units if known else ""

    def of(self, dataset: xr.Dataset) -> xr.DataArray:
        """This field of a data set."""
        field = dataset[self.variable]
        return field if self.level is None else field.sel(level=self.level)


@dataclass(frozen=True)
class _Cases:
    """What the scores of one channel need: cases, truth and climatology, in float64.

    Attributes:
        forecast: (time, lead, lat, lon)
        leads: (lead,)
        valid: (time, lead) valid times.
        truth: field of given times, NaN where there is none.
        climatology: expected field.
        damping: (lead,) coefficients.
        now: (time, lat, lon) truth at the initial times.
        weights: (lat,) cell areas.
    """

    forecast: Field
    leads: NDArray[np.timedelta64]
    valid: Times
    truth: Callable[[Times], Field]
    climatology: Climatology
    damping: NDArray[np.float64]
    now: Field
    weights: NDArray[np.float64]


def evaluate(
    forecast: xr.Dataset,
    truth: xr.Dataset,
    training: xr.Dataset,
    climatology: ClimatologyKind | None = None,
    linear: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """Score forecasts against analyses, beside the baselines.

    Args:
        forecast: from `open_forecast`.
        truth: analyses, from `open_reanalysis`; times that are missing are counted.
        training: analyses of another period, from which climatology and damped
            persistence (and the linear model) are fitted.
        climatology: its kind; None takes `seasonal` from three years on, else `mean`.
        linear: also fit the linear model, for the headline channels at 24 h.
        advance: called after each channel.

    Returns:
        One row for each system, channel, lead time and metric: columns system,
        channel, variable, level (hPa), lead_hours, metric, value, unit, cases and
        missing (cases without truth). Metrics: `rmse` (root after the mean over cases,
        WeatherBench 2), `rmse_by_case` (mean of the roots), `bias`, `acc` (mean over
        cases). `attrs` holds `climatology`, its kind and period, and `missing`, how
        many and which valid times have no truth.

    Raises:
        InputError: different grids, no variable in common, no truth at all, or a
            training period that overlaps the forecasts.
    """
    _check_grids(forecast, truth, training)
    _check_periods(forecast, training)
    _check_truth(forecast, truth)
    kind = climatology or suitable_kind(training["time"].values)
    truth = truth.sel(time=slice(forecast["time"][0], forecast["valid_time"].max()))
    chosen = channels(forecast, truth, training)
    rows: list[Row] = []
    for channel, fields in _each(chosen, forecast, truth, training):
        cases = _cases(fields, kind)
        for lead in range(len(cases.leads)):
            rows += _rows(channel, cases, lead, _systems(cases, lead))
        advance()
    if linear:
        rows += _linear_rows(chosen, forecast, truth, training, kind)
    table = pd.DataFrame(rows)
    first, last = training["time"].values[[0, -1]].astype("datetime64[D]")
    table.attrs["climatology"] = f"{kind}, fitted on {first} to {last}"
    table.attrs["missing"] = _missing(forecast, truth)
    return table


def training_period(
    analyses: xr.Dataset, forecast: xr.Dataset, period: str | None = None
) -> xr.Dataset:
    """The analyses to fit baselines on.

    Args:
        analyses: canonical.
        forecast: from `open_forecast`.
        period: `2000-01-01/2007-12-31`, both days included; None takes all times
            before the first forecast.

    Raises:
        InputError: if the period cannot be read or holds fewer than two times.
    """
    _check_time(analyses)
    times = analyses["time"].values
    start, end = times[0], forecast["time"].values.min() - np.timedelta64(1, "ns")
    if period is not None:
        try:
            start, last = (np.datetime64(day, "D") for day in period.split("/"))
        except ValueError:
            raise InputError(
                f"cannot read the period {period!r}; expected 2000-01-01/2007-12-31"
            ) from None
        end = last + np.timedelta64(1, "D") - np.timedelta64(1, "ns")
    chosen = analyses.isel(time=(times >= start) & (times <= end))
    if chosen.sizes["time"] < 2:
        raise InputError(
            f"{chosen.sizes['time']} analyses to fit the climatology on, of {_day(times[0])} to "
            f"{_day(times[-1])}; give --climatology-from or --climatology-period"
        )
    return chosen


def channels(*datasets: xr.Dataset) -> list[Channel]:
    """The 2-D fields that all data sets have.

    Raises:
        InputError: if there is none.
    """
    first, *others = datasets
    result = []
    for name in map(str, first.data_vars):
        if "time" not in first[name].dims or any(name not in other for other in others):
            continue
        on_levels = ["level" in dataset[name].dims for dataset in datasets]
        if all(on_levels):
            common = set.intersection(*({*d["level"].values.tolist()} for d in datasets))
            result += [Channel(name, level) for level in sorted(common)]
        elif not any(on_levels):
            result.append(Channel(name))
    if not result:
        listed = "; ".join(", ".join(map(str, dataset.data_vars)) for dataset in datasets)
        raise InputError(f"forecast and truth have no variable in common ({listed})")
    return result


def headline(chosen: list[Channel]) -> list[Channel]:
    """The channels to look at first: the usual ones, or any four if none of these is there."""
    usual = {channel.name: channel for channel in chosen if channel.name in HEADLINE}
    return [usual[name] for name in HEADLINE if name in usual] or chosen[:4]


def _check_grids(forecast: xr.Dataset, *others: xr.Dataset) -> None:
    grid = LatLonGrid.from_dataset(forecast)
    for other in others:
        there = LatLonGrid.from_dataset(other)
        if not grid.matches(there):
            raise InputError(
                f"the forecast has {grid.describe()}, the truth {there.describe()}; "
                "regrid one to the other"
            )


def _check_periods(forecast: xr.Dataset, training: xr.Dataset) -> None:
    times = training["time"].values
    start, end = forecast["time"].values.min(), forecast["valid_time"].values.max()
    if times[0] <= end and times[-1] >= start:
        raise InputError(
            f"the climatology's period {_day(times[0])} to {_day(times[-1])} overlaps the "
            f"forecasts, {_day(start)} to {_day(end)}; give another with --climatology-period"
        )


def _check_truth(forecast: xr.Dataset, truth: xr.Dataset) -> None:
    _check_time(truth)
    times, valid = truth["time"].values, forecast["valid_time"].values
    if not np.isin(valid, times).any():
        raise InputError(
            f"the truth, {_day(times[0])} to {_day(times[-1])}, has none of the forecasts' valid "
            f"times, {_day(valid.min())} to {_day(valid.max())}"
        )


def _check_time(analyses: xr.Dataset) -> None:
    if "time" not in analyses.dims:
        raise InputError("the analyses have no time; give a time series")


def _missing(forecast: xr.Dataset, truth: xr.Dataset) -> str:
    valid = np.unique(forecast["valid_time"].values)
    absent = valid[~np.isin(valid, truth["time"].values)]
    if not len(absent):
        return "none"
    first, last = absent[[0, -1]].astype("datetime64[m]")
    return f"{len(absent)} of {len(valid)} valid times, between {first} and {last}"


def _each(
    chosen: list[Channel], forecast: xr.Dataset, truth: xr.Dataset, training: xr.Dataset
) -> Iterator[tuple[Channel, Fields]]:
    """Each channel with its field in each data set; a small variable is read only once."""
    read: list[xr.Dataset] = []
    for number, channel in enumerate(chosen):
        if number == 0 or chosen[number - 1].variable != channel.variable:
            fields = [dataset[[channel.variable]] for dataset in (forecast, truth, training)]
            read = [f.load() if f.nbytes <= _WHOLE else f for f in fields]
        yield channel, _fields(channel, *read)


def _fields(
    channel: Channel, forecast: xr.Dataset, truth: xr.Dataset, training: xr.Dataset
) -> Fields:
    return channel.of(forecast), channel.of(truth), channel.of(training)


def _cases(fields: Fields, kind: ClimatologyKind) -> _Cases:
    forecast, truth, training = fields
    grid = LatLonGrid.from_dataset(forecast.to_dataset(name="field"))
    weights = grid.area_weights()
    times, past = training["time"].values, training.values
    climatology = Climatology.fit(times, past, kind)
    leads = forecast["lead_time"].values
    truth_at = _lookup(truth)
    return _Cases(
        forecast=forecast.values,
        leads=leads,
        valid=forecast["valid_time"].values,
        truth=truth_at,
        climatology=climatology,
        damping=damping(times, past - climatology.at(times), leads, weights),
        now=truth_at(forecast["time"].values),
        weights=weights,
    )


def _lookup(truth: xr.DataArray) -> Callable[[Times], Field]:
    """A function that gives the fields at some times, NaN where the truth has none."""
    times, values = truth["time"].values, truth.values

    def at(wanted: Times) -> Field:
        index = np.searchsorted(times, wanted).clip(max=len(times) - 1)
        fields = values[index].astype(np.float64)
        fields[times[index] != wanted] = np.nan
        return fields

    return at


def _systems(cases: _Cases, lead: int) -> dict[str, Field]:
    """Forecasts of each system at one lead time, (time, lat, lon)."""
    valid = cases.valid[:, lead]
    expected = cases.climatology.at(valid)
    anomaly = cases.now - cases.climatology.at(valid - cases.leads[lead])
    return {
        FORECAST: cases.forecast[:, lead].astype(np.float64),
        PERSISTENCE: cases.now,
        DAMPED: expected + cases.damping[lead] * anomaly,
        CLIMATOLOGY: expected,
    }


def _rows(channel: Channel, cases: _Cases, lead: int, systems: dict[str, Field]) -> list[Row]:
    valid = cases.valid[:, lead]
    truth, expected, weights = cases.truth(valid), cases.climatology.at(valid), cases.weights
    rows: list[Row] = []
    for system, fields in systems.items():
        squared = metrics.mean_squared_error(fields, truth, weights)
        rmse, by_case = metrics.over_cases(squared)
        bias = metrics.mean_cases(metrics.mean_error(fields, truth, weights))
        acc = metrics.mean_cases(metrics.anomaly_correlation(fields, truth, expected, weights))
        known = int(np.isfinite(squared).sum())
        for metric, value in (
            ("rmse", rmse),
            ("rmse_by_case", by_case),
            ("bias", bias),
            ("acc", acc),
        ):
            if metric == "acc" and system == CLIMATOLOGY:
                continue  # its anomaly is zero
            rows.append(
                {
                    "system": system,
                    "channel": channel.name,
                    "variable": channel.variable,
                    "level": channel.level,
                    "lead_hours": float(cases.leads[lead] / _HOUR),
                    "metric": metric,
                    "value": float(value),
                    "unit": "1" if metric == "acc" else channel.unit,
                    "cases": known,
                    "missing": len(valid) - known,
                }
            )
    return rows


def _linear_rows(
    chosen: list[Channel],
    forecast: xr.Dataset,
    truth: xr.Dataset,
    training: xr.Dataset,
    kind: ClimatologyKind,
) -> list[Row]:
    """The linear model's rows: all headline channels together, 24 h ahead."""
    if _LINEAR_LEAD not in forecast["lead_time"].values:
        raise InputError("the linear model forecasts 24 h ahead, a lead time the files do not have")
    used = headline(chosen)
    past = np.stack([channel.of(training).values for channel in used], axis=1)
    weights = LatLonGrid.from_dataset(forecast).area_weights()
    model = LinearModel.fit(training["time"].values, past, _LINEAR_LEAD, weights, kind)
    initial = forecast["time"].values
    now = np.stack([_lookup(channel.of(truth))(initial) for channel in used], axis=1)
    predicted = model.predict(initial, now)
    lead = int(np.flatnonzero(forecast["lead_time"].values == _LINEAR_LEAD)[0])
    rows: list[Row] = []
    for number, channel in enumerate(used):
        cases = _cases(_fields(channel, forecast, truth, training), kind)
        rows += _rows(channel, cases, lead, {LINEAR: predicted[:, number]})
    return rows


def _day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))

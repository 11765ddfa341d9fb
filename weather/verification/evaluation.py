"""Scores of forecasts, beside what a forecast must beat.

One channel (a surface variable, or one level of an upper one) is read and scored at a
time, so that memory stays small. A score is the mean, over the initial times whose
valid time has a truth, of what `metrics` gives for one case.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.verification import metrics
from weather.verification.baselines import ClimatologyKind, suitable_kind
from weather.verification.cases import (
    Cases,
    Channel,
    Field,
    build_cases,
    channels,
    each_channel,
    fields_of,
    headline,
    interior,
    lookup,
)
from weather.verification.linear import LinearModel

FORECAST, PERSISTENCE, DAMPED = "forecast", "persistence", "damped persistence"
CLIMATOLOGY, LINEAR = "climatology", "linear"
_LINEAR_LEAD = np.timedelta64(24, "h")
_HOUR = np.timedelta64(1, "h")

Row = dict[str, str | float | None]


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
        many and which valid times have no truth, and `seen`, how many forecasts start
        in the model's training period, if that is known. The frame of a limited area,
        `boundary_width` rows and columns at its edges, is given and not scored.

    Raises:
        InputError: different grids, no variable in common, no truth at all, or a
            training period that overlaps the forecasts.
    """
    _check_grids(forecast, truth, training)
    _check_periods(forecast, training)
    _check_truth(forecast, truth)
    kind = climatology or suitable_kind(training["time"].values)
    width = int(forecast.attrs.get("boundary_width", 0))
    forecast, truth, training = (interior(d, width) for d in (forecast, truth, training))
    truth = truth.sel(time=slice(forecast["time"][0], forecast["valid_time"].max()))
    chosen = channels(forecast, truth, training)
    rows: list[Row] = []
    for channel, fields in each_channel(chosen, forecast, truth, training):
        cases, unit = build_cases(fields, kind), channel.unit(forecast)
        for lead in range(len(cases.leads)):
            for system, forecasts in _systems(cases, lead).items():
                rows += _rows(channel, unit, cases, lead, system, forecasts)
        advance()
    if linear:
        rows += _linear_rows(chosen, forecast, truth, training, kind)
    table = pd.DataFrame(rows)
    first, last = training["time"].values[[0, -1]].astype("datetime64[D]")
    table.attrs["climatology"] = f"{kind}, fitted on {first} to {last}"
    table.attrs["missing"] = _missing(forecast, truth)
    table.attrs["seen"] = _seen(forecast)
    table.attrs["boundary_width"] = width
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


def _seen(forecast: xr.Dataset) -> str:
    """Forecasts from states that the model was trained on are no test of it."""
    start, dots, end = str(forecast.attrs.get("training_period", "")).partition("..")
    if not dots:
        return ""
    initial = forecast["time"].values
    seen = (initial >= np.datetime64(start)) & (initial <= np.datetime64(end))
    if not seen.any():
        return ""
    return f"{seen.sum()} of {len(seen)} forecasts start in the model's training period"


def _systems(cases: Cases, lead: int) -> dict[str, Field]:
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


def _rows(
    channel: Channel, unit: str, cases: Cases, lead: int, system: str, forecasts: Field
) -> list[Row]:
    """The scores of one system at one lead time."""
    scores, known = _scores(cases, lead, forecasts)
    if system == CLIMATOLOGY:
        del scores["acc"]  # its anomaly is zero
    common: Row = {
        "system": system,
        "channel": channel.name,
        "variable": channel.variable,
        "level": channel.level,
        "lead_hours": float(cases.leads[lead] / _HOUR),
    }
    counts: Row = {"cases": known, "missing": len(forecasts) - known}
    return [
        common | {"metric": name, "value": value, "unit": "1" if name == "acc" else unit} | counts
        for name, value in scores.items()
    ]


def _scores(cases: Cases, lead: int, forecasts: Field) -> tuple[dict[str, float], int]:
    """Means over the cases that have a truth, and the number of these."""
    valid, weights = cases.valid[:, lead], cases.weights
    truth, expected = cases.truth(valid), cases.climatology.at(valid)
    truth[np.isnan(cases.forecast[:, lead])] = np.nan  # the same cells for all systems
    squared = metrics.mean_squared_error(forecasts, truth, weights)
    bias = metrics.mean_error(forecasts, truth, weights)
    acc = metrics.anomaly_correlation(forecasts, truth, expected, weights)
    rmse, by_case = metrics.over_cases(squared)
    scores = {
        "rmse": float(rmse),
        "rmse_by_case": float(by_case),
        "bias": float(metrics.mean_cases(bias)),
        "acc": float(metrics.mean_cases(acc)),
    }
    return scores, int(np.isfinite(squared).sum())


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
    now = np.stack([lookup(channel.of(truth))(initial) for channel in used], axis=1)
    predicted = model.predict(initial, now)
    lead = int(np.flatnonzero(forecast["lead_time"].values == _LINEAR_LEAD)[0])
    rows: list[Row] = []
    for number, channel in enumerate(used):
        cases = build_cases(fields_of(channel, forecast, truth, training), kind)
        unit = channel.unit(forecast)
        rows += _rows(channel, unit, cases, lead, LINEAR, predicted[:, number])
    return rows


def _day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))

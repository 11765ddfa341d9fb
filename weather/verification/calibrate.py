"""How an ensemble's spread is to be scaled, from past forecasts; see `forecasting.calibration`."""

import math
from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.table import Table

from sciml.errors import InputError
from sciml.wording import count
from weather.dates import HOUR
from weather.files.members import one_member
from weather.forecasting.calibration import SpreadCalibration, settings
from weather.grid import LatLonGrid
from weather.verification.cases import (
    HEADLINE,
    Channel,
    Series,
    channels,
    grouped,
    interior,
    stacked,
)
from weather.verification.intervals import FEWEST
from weather.verification.leakage import leakage
from weather.verification.metrics import area_mean
from weather.verification.one_pass import FORECAST
from weather.verification.probabilistic import Pairs, pairs_of, variances
from weather.verification.sample import check_grids, check_truth

_NOT_FROM = ("training_period", "earlier_period")  # there errors are smaller than in a forecast
_TOGETHER = 2**26  # values of members that are read at once


def fit_calibration(
    forecast: xr.Dataset,
    truth: xr.Dataset,
    on_field: Callable[[int, int], object] = lambda done, of: None,
) -> SpreadCalibration:
    """Factors that make the spread of past forecasts as large as the error of their mean.

    Args:
        forecast: from `open_forecast`, with members, of dates that its model did not learn from.
        truth: analyses, from `open_reanalysis`; valid times that they lack are left out.
        on_field: told how many fields are done, and of how many.

    Raises:
        InputError: no members, or members that are alike; forecasts that are calibrated already;
            dates of the training period; no analyses to compare with, or those of several members.
    """
    if forecast.sizes.get("member", 1) < 2:
        raise InputError("the past forecasts have no members; make them with --members")
    if forecast.sizes["member"] == 2 and pairs_of(forecast):
        raise InputError(
            "the past forecasts have two members, plus and minus the same perturbation, which do "
            "not tell the spread; make four or more"
        )
    if "calibration_sha256" in forecast.attrs:
        raise InputError(
            "past forecasts are calibrated already, so that their spread says nothing of new ones; "
            "give those of weather forecast without --calibration"
        )
    truth = one_member(truth)
    check_grids(forecast, truth)
    check_truth(forecast, truth)
    _require_unseen(forecast)
    width = int(forecast.attrs.get("boundary_width", 0))
    inner, truth = interior(forecast, width), interior(truth, width)
    most = _TOGETHER // (forecast.sizes["member"] * math.prod(LatLonGrid.from_dataset(inner).shape))
    factors: dict[str, tuple[float, ...]] = {}
    chosen = channels(inner, truth)
    on_field(0, len(chosen))
    for group in grouped(chosen, max(1, most)):
        found = _factors(stacked(group, inner), Series(stacked(group, truth)), pairs_of(inner))
        _require_known(found, group, forecast["lead_time"].values)
        names = [channel.name for channel in group]
        factors |= {name: tuple(row) for name, row in zip(names, found.T.tolist(), strict=True)}
        on_field(len(factors), len(chosen))
    return SpreadCalibration(
        model_sha256=str(forecast.attrs.get("model_sha256", "")),
        settings=settings(forecast.attrs),
        period=_period(forecast),
        cases=forecast.sizes["time"],
        members=forecast.sizes["member"],
        lead_hours=tuple((forecast["lead_time"].values / HOUR).tolist()),
        factors=factors,
    )


def _factors(forecast: xr.DataArray, truth: Series, pairs: Pairs) -> NDArray[np.float64]:
    """(lead, channel), NaN where there is no analysis, infinite where members are alike."""
    times, leads = forecast["time"].values, forecast["lead_time"].values
    weights = LatLonGrid.from_dataset(forecast.to_dataset(name="field")).area_weights()
    squares = np.empty((2, len(times), len(leads), forecast.sizes["channel"]))
    for time, lead in np.ndindex(len(times), len(leads)):
        members = forecast.isel(time=time, lead_time=lead).transpose("member", ...).values
        analysis = truth.at(times[time : time + 1] + leads[lead])[0]
        error = members.mean(0, dtype=np.float64) - analysis
        known = np.where(np.isfinite(error), sum(variances(members, pairs)), np.nan)
        squares[:, time, lead] = area_mean(np.stack([error**2, known]), weights)
    there = np.isfinite(squares).all(0)
    error, spread = np.where(there, squares, 0).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(error / spread)


def _require_known(
    factors: NDArray[np.float64], group: list[Channel], leads: NDArray[np.timedelta64]
) -> None:
    for lead, channel in np.argwhere(~np.isfinite(factors)):
        hours = leads[lead] / HOUR
        alike = np.isinf(factors[lead, channel])
        raise InputError(
            f"{group[channel].name} at {hours:g} h: "
            f"{'all members are alike' if alike else 'no analysis at any valid time'}; "
            "calibrate past forecasts of other lead times, or give more analyses"
        )


def _require_unseen(forecast: xr.Dataset) -> None:
    """Check that the model did not learn from these dates.

    Raises:
        InputError: says which it did.
    """
    periods = {key: forecast.attrs[key] for key in _NOT_FROM if key in forecast.attrs}
    dates = xr.Dataset(coords=forecast[["time", "valid_time"]].coords, attrs=periods)
    found = leakage({FORECAST: dates}, np.empty(0, "datetime64[ns]"), "").findings
    if found:
        raise InputError(
            f"{found[0].text}: errors are smaller there; forecast from other dates, such as those "
            "of the validation"
        )


def _period(forecast: xr.Dataset) -> str:
    """`first..end` of all dates, the end not included."""
    end = forecast["valid_time"].values.max() + np.timedelta64(1, "s")
    ends = (forecast["time"].values.min(), end)
    return "..".join(str(time.astype("datetime64[s]")) for time in ends)


def spread_table(calibration: SpreadCalibration) -> Table:
    """Spread over error of the past forecasts, of the usual fields and up to six lead times."""
    hours = calibration.lead_hours
    shown = [hours[i] for i in np.unique(np.linspace(0, len(hours) - 1, 6).round().astype(int))]
    names = [name for name in HEADLINE if name in calibration.factors]
    table = Table(title="Spread over error before, 1 is right", title_justify="left")
    for heading in ("field", *(f"{hour:g} h" for hour in shown)):
        table.add_column(heading, justify="left" if heading == "field" else "right")
    for name in names or list(calibration.factors)[:4]:
        factors = calibration.at(name, shown)
        table.add_row(name, *(f"{1 / factor:.2f}" for factor in factors))
    return table


def few_cases(calibration: SpreadCalibration) -> str:
    """A warning where the factors are of too few forecasts; empty where not."""
    if calibration.cases >= FEWEST:
        return ""
    cases = count(calibration.cases, "forecast")
    return f"warning: factors of {cases} are mostly chance; give some twenty, from days apart"


def remark(calibration: SpreadCalibration) -> str:
    """What to do first where members are far from reliable; empty where they are not."""
    factors = np.concatenate(list(calibration.factors.values()))
    wide, narrow = (factors < 0.5).mean(), (factors > 2).mean()
    if max(wide, narrow) < 0.5:
        return ""
    more = "greater" if narrow > wide else "smaller"
    side = "above 2" if narrow > wide else "below 0.5"
    return f"most factors are {side}: make the past forecasts with a {more} --amplitude first"

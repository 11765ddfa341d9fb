"""A linear forecast: ridge regression on principal components, the honest yardstick.

All fields together, as anomalies from climatology, each scaled by its standard
deviation and weighted by area, are projected on their leading principal components.
What damped persistence leaves unexplained one lead time later is regressed on these,
so that a heavy penalty leads back to damped persistence. The number of components and
the penalty are those that do best on the last quarter of the training period.
"""

from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.verification.cases import Channel, Series, stacked
from weather.verification.climatology import Climatology, ClimatologyKind, Times

Matrix = NDArray[np.float64]

COMPONENTS = (20, 40, 80, 160, 300)
LEAD = np.timedelta64(24, "h")
PENALTIES = (0.0, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # times the mean variance of a scaled field


@dataclass(frozen=True)
class LinearModel:
    """A linear map from the state at one time to the state one lead time later.

    Attributes:
        lead: the lead time.
        climatologies: one for each channel.
        scale: (feature,) what one scaled anomaly is worth, in the field's unit.
        patterns: (feature, component) principal components.
        damping: (feature,) regression of a scaled anomaly on itself, equal within a channel.
        coefficients: (component, feature)
        penalty: of the ridge regression.
    """

    lead: np.timedelta64
    climatologies: tuple[Climatology, ...]
    scale: Matrix
    damping: Matrix
    patterns: Matrix
    coefficients: Matrix
    penalty: float

    @classmethod
    def fit(
        cls,
        times: Times,
        fields: NDArray[np.floating],
        lead: np.timedelta64,
        weights: Matrix,
        kind: ClimatologyKind,
    ) -> Self:
        """Fit to a training period.

        Args:
            times: (time,) ascending.
            fields: (time, channel, lat, lon) without NaN.
            lead: the lead time.
            weights: (lat,) cell areas.
            kind: of climatology.

        Raises:
            InputError: on NaN, or too few pairs of times one lead time apart.
        """
        if not np.isfinite(fields).all():
            raise InputError("the linear model takes no NaN; leave that variable out")
        climatologies = tuple(
            Climatology.fit(times, fields[:, channel], kind) for channel in range(fields.shape[1])
        )
        anomalies = _anomalies(times, fields, climatologies)
        spread = np.sqrt((anomalies**2).mean((0, 3)) @ weights / weights.sum())  # (channel,)
        spread = np.where(spread > 0, spread, 1)  # a constant field is its climatology
        scale = spread[:, None, None] / np.sqrt(weights / weights.mean())[:, None]
        scale = np.broadcast_to(scale, anomalies.shape[1:]).reshape(-1)
        scaled = anomalies.reshape(len(times), -1) / scale
        now, later = _pairs(times, lead)
        damping = _damping(scaled[now], scaled[later], fields.shape[1])
        targets = scaled[later] - damping * scaled[now]
        count, penalty = _choose(scaled, targets, now, times[later] <= times[now[_edge(now)]])
        patterns = _principal_components(scaled)[:, :count]
        coefficients = _ridge(scaled[now] @ patterns, targets, penalty)
        return cls(lead, climatologies, scale, damping, patterns, coefficients, penalty)

    def predict(self, times: Times, fields: NDArray[np.floating]) -> Matrix:
        """Forecasts (time, channel, lat, lon), valid one lead time after `times`."""
        anomalies = _anomalies(times, fields, self.climatologies)
        scaled = anomalies.reshape(len(times), -1) / self.scale
        forecast = self.damping * scaled + (scaled @ self.patterns) @ self.coefficients
        expected = _expected(times + self.lead, self.climatologies)
        return expected + (forecast * self.scale).reshape(fields.shape)


def linear_forecast(
    chosen: list[Channel],
    forecast: xr.Dataset,
    truth: xr.Dataset,
    training: xr.Dataset,
    kind: ClimatologyKind,
) -> xr.Dataset:
    """The linear model's forecasts of some channels, 24 h ahead, from the same initial times.

    Returns:
        Dimensions (time, lead_time, [level,] lat, lon); other channels are NaN.

    Raises:
        InputError: if the forecast has no lead time of 24 h, or see `LinearModel.fit`.
    """
    if LEAD not in forecast["lead_time"].values:
        raise InputError("the linear model forecasts 24 h ahead, a lead time the files do not have")
    past, now = (
        [Series(stacked([channel], dataset)) for channel in chosen] for dataset in (training, truth)
    )
    fields = np.concatenate([series.field.values for series in past], axis=1)
    weights = LatLonGrid.from_dataset(forecast).area_weights()
    model = LinearModel.fit(training["time"].values, fields, LEAD, weights, kind)
    initial = forecast["time"].values
    start = np.concatenate([series.at(initial) for series in now], axis=1)
    predicted = model.predict(initial, start)
    result = xr.full_like(forecast.isel(member=0, drop=True) if "member" in forecast.dims
                          else forecast, np.nan).sel(lead_time=[LEAD]).load()  # fmt: skip
    for number, channel in enumerate(chosen):
        place = {} if channel.level is None else {"level": channel.level}
        result[channel.variable].loc[{"lead_time": LEAD, **place}] = predicted[:, number]
    return result


def _expected(times: Times, climatologies: tuple[Climatology, ...]) -> Matrix:
    return np.stack([climatology.at(times) for climatology in climatologies], axis=1)


def _anomalies(
    times: Times, fields: NDArray[np.floating], climatologies: tuple[Climatology, ...]
) -> Matrix:
    return fields.astype(np.float64) - _expected(times, climatologies)


def _pairs(times: Times, lead: np.timedelta64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    later = np.searchsorted(times, times + lead).clip(max=len(times) - 1)
    now = np.flatnonzero(times[later] == times + lead)
    if len(now) < 40:
        raise InputError(
            f"{len(now)} pairs of times {lead.astype('timedelta64[h]')} apart; "
            "the linear model needs at least 40"
        )
    return now, later[now]


def _edge(now: NDArray[np.int64]) -> int:
    """Where the last quarter, kept for validation, begins."""
    return len(now) * 3 // 4


def _damping(now: Matrix, later: Matrix, channels: int) -> Matrix:
    """(feature,) Σ a(t) a(t + lead) / Σ a(t)² of each channel, repeated over its cells."""
    both = (now * later).sum(0).reshape(channels, -1).sum(1)
    power = (now**2).sum(0).reshape(channels, -1).sum(1)
    damping = np.divide(both, power, out=np.zeros(channels), where=power > 0)
    return np.repeat(damping, now.shape[1] // channels)


def _choose(
    scaled: Matrix, targets: Matrix, now: NDArray[np.int64], before: NDArray[np.bool_]
) -> tuple[int, float]:
    """Number of components and penalty with the least error on the last quarter of pairs.

    Args:
        scaled: (time, feature)
        targets: (pair, feature) to be explained by `scaled[now]`.
        now: (pair,) index of the earlier time.
        before: (pair,) pairs that end before the last quarter begins.
    """
    edge = _edge(now)
    patterns = _principal_components(scaled[: now[edge]])
    inputs = scaled[now] @ patterns
    errors = {}
    counts = sorted({min(count, patterns.shape[1]) for count in COMPONENTS})
    for count, penalty in product(counts, PENALTIES):
        fit = _ridge(inputs[before, :count], targets[before], penalty)
        errors[count, penalty] = ((inputs[edge:, :count] @ fit - targets[edge:]) ** 2).mean()
    return min(errors, key=lambda choice: errors[choice])


def _principal_components(scaled: Matrix) -> Matrix:
    """(feature, component), by the smaller of the two covariance matrices."""
    samples, features = scaled.shape
    count = min(max(COMPONENTS), samples // 2, features)
    if features <= samples:
        return np.linalg.eigh(scaled.T @ scaled)[1][:, ::-1][:, :count]
    values, vectors = np.linalg.eigh(scaled @ scaled.T)
    return scaled.T @ (vectors[:, ::-1][:, :count] / np.sqrt(values[::-1][:count]))


def _ridge(inputs: Matrix, targets: Matrix, penalty: float) -> Matrix:
    gram = inputs.T @ inputs
    gram[np.diag_indices_from(gram)] += penalty * len(inputs)
    return np.asarray(np.linalg.solve(gram, inputs.T @ targets), np.float64)

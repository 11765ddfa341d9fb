"""Persistence damped towards climatology: how fast an anomaly fades."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from weather.verification.climatology import Field, Times

SAMPLES = 256  # times, about, from which a damping coefficient is estimated


def damping(
    times: Times,
    anomaly_at: Callable[[Times], Field],
    leads: NDArray[np.timedelta64],
    weights: NDArray[np.float64],
    together: int = SAMPLES,
) -> NDArray[np.float64]:
    """Regression of the anomaly at a lead time on the anomaly now, through the origin.

    r = Σ a(t) a(t + lead) / Σ a(t)², over cells by area and over some 256 times t (see `spread`).
    Damped persistence is then climatology + r · anomaly. r is NaN for a lead time
    without pairs. A NaN at either time takes its cell out of both sums.

    Args:
        times: (time,) ascending.
        anomaly_at: the anomalies from climatology (time, ..., lat, lon) at some of the times.
        leads: (lead,)
        weights: (lat,) cell areas.
        together: times that are read at once, not counting those one lead time later.

    Returns:
        (lead, ...) dimensionless.
    """
    chosen = times[spread(len(times))]
    sums = [_products(chosen[i : i + together], times, anomaly_at, leads, weights)
            for i in range(0, len(chosen), together)]  # fmt: skip
    covariance, power = (np.sum(part, axis=0) for part in zip(*sums, strict=True))
    return np.divide(covariance, power, out=np.full(power.shape, np.nan), where=power > 0)


def spread(number: int) -> NDArray[np.intp]:
    """Positions of at most `SAMPLES` of so many times, ascending, at any hour of the day.

    One in each of equally long stretches, drawn: equal steps would be whole days now and then.
    """
    if number <= SAMPLES:
        return np.arange(number)
    drawn = np.random.default_rng(0).random(SAMPLES)
    return np.floor((np.arange(SAMPLES) + drawn) * number / SAMPLES).astype(np.intp)


def _products(
    now: Times,
    times: Times,
    anomaly_at: Callable[[Times], Field],
    leads: NDArray[np.timedelta64],
    weights: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σ a(t) a(t + lead) and Σ a(t)², each (lead, ...)."""
    later = now[:, None] + leads
    there = np.isin(later, times)
    needed = np.unique(np.concatenate([now, later[there]]))
    weighted = anomaly_at(needed) * np.sqrt(weights)[:, None]
    weighted = np.moveaxis(weighted.reshape(*weighted.shape[:-2], -1), 0, -2)  # (..., time, cell)
    known = np.isfinite(weighted)
    start = np.searchsorted(needed, now)
    weighted = weighted if known.all() else np.where(known, weighted, 0)
    products = weighted[..., start, :] @ np.swapaxes(weighted, -1, -2)
    squares = None  # (..., time, time) of what is known one lead time later
    if not known.all():
        squares = weighted[..., start, :] ** 2 @ np.swapaxes(known, -1, -2).astype(np.float64)
    covariance = np.zeros((len(leads), *products.shape[:-2]))
    power = np.zeros_like(covariance)
    for number in range(len(leads)):
        pairs = np.flatnonzero(there[:, number])
        end = np.searchsorted(needed, later[pairs, number])
        covariance[number] = products[..., pairs, end].sum(-1)
        own = products[..., pairs, start[pairs]] if squares is None else squares[..., pairs, end]
        power[number] = own.sum(-1)
    return covariance, power

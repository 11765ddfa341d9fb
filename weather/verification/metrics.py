"""Scores of one field against another: pure functions of arrays (..., lat, lon).

They follow WeatherBench 2 (Rasp et al. 2024, JAMES 16, e2023MS004019, §4): averages
over the globe use cell areas; the RMSE of many cases is the root of the mean over
cases, not the mean of roots. Cells that are NaN in any argument are left out.
"""

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating]
Scores = NDArray[np.float64]


def area_mean(field: Field, weights: NDArray[np.float64]) -> Scores:
    """Mean over cells; NaN where no cell is finite.

    Args:
        field: (..., lat, lon).
        weights: (lat,) proportional to cell area.

    Returns:
        (...)
    """
    plain = field.mean(-1, dtype=np.float64) @ weights / weights.sum()
    if np.isfinite(plain).all():
        return plain
    finite = np.isfinite(field)
    total = np.where(finite, field, 0).sum(-1, dtype=np.float64) @ weights
    area = finite.sum(-1) @ weights
    return np.divide(total, area, out=np.full(area.shape, np.nan), where=area > 0)


def mean_error(forecast: Field, truth: Field, weights: NDArray[np.float64]) -> Scores:
    """Bias: area mean of forecast minus truth; positive is too high."""
    return area_mean(forecast - truth, weights)


def mean_squared_error(forecast: Field, truth: Field, weights: NDArray[np.float64]) -> Scores:
    """Area mean of the squared difference."""
    return area_mean((forecast - truth) ** 2, weights)


def anomaly_correlation(
    forecast: Field, truth: Field, climatology: Field, weights: NDArray[np.float64]
) -> Scores:
    """Correlation in space, about zero, of two anomalies from the same climatology.

    ACC = Σ w f' o' / √(Σ w f'² Σ w o'²) with f' = f - c, o' = o - c. The mean anomaly
    is not subtracted. NaN where an anomaly is zero everywhere.
    """
    f, o = forecast - climatology, truth - climatology
    f, o = f + 0 * o, o + 0 * f  # NaN in one is NaN in both
    power = area_mean(f**2, weights) * area_mean(o**2, weights)
    covariance = area_mean(f * o, weights)
    return np.divide(
        covariance, np.sqrt(power), out=np.full(np.shape(power), np.nan), where=power > 0
    )


def over_cases(mean_squared: Scores, axis: int = 0) -> tuple[Scores, Scores]:
    """RMSE over cases: the root of the mean (WeatherBench 2) and the mean of the roots.

    The second, used by ClimaX and others, is never larger. Missing cases are NaN.
    """
    return np.sqrt(mean_cases(mean_squared, axis)), mean_cases(np.sqrt(mean_squared), axis)


def mean_cases(scores: Scores, axis: int = 0) -> Scores:
    """Mean over cases that are not NaN; NaN where there is none."""
    finite = np.isfinite(scores)
    count = finite.sum(axis)
    total = np.where(finite, scores, 0).sum(axis)
    return np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0)

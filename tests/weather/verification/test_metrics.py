"""Scores with known values."""

import numpy as np
import pytest

from weather.grid import LatLonGrid
from weather.verification import metrics
from weather.verification.intervals import known_means

GRID = LatLonGrid(lat=(75, 45, 15, -15, -45, -75), lon=tuple(range(0, 360, 45)))
WEIGHTS = GRID.area_weights()
CELLS = np.broadcast_to(WEIGHTS[:, None], GRID.shape).reshape(1, -1)
RNG = np.random.default_rng(0)
SHAPE = (5, CELLS.shape[1])


def score(name: str, forecast: np.ndarray, truth: np.ndarray, climatology: np.ndarray) -> float:
    """One score of cases (case, cell)."""
    values = metrics.quantities(forecast, truth, climatology, CELLS)
    kept = dict(zip(metrics.QUANTITIES, values, strict=True))
    metric = next(m for m in metrics.DETERMINISTIC if m.name == name)
    return float(metric.combine(*(known_means(p) for p in metric.parts(kept)))[0])


def test_area_mean_of_sine_squared_is_one_third() -> None:
    """∫ sin² over the sphere is 1/3; the six bands miss it by their width."""
    lat = np.linspace(89.5, -89.5, 180)
    grid = LatLonGrid(lat=tuple(lat), lon=(0.0, 90.0, 180.0, 270.0))
    field = np.repeat(np.sin(np.radians(lat))[:, None] ** 2, 4, axis=1)
    assert metrics.area_mean(field, grid.area_weights()) == pytest.approx(1 / 3, abs=1e-4)


def test_weights_are_areas() -> None:
    field = np.zeros(GRID.shape)
    field[0] = 1.0  # the cap north of 60 degrees
    share = (1 - np.sin(np.pi / 3)) / 2
    assert metrics.area_mean(field, WEIGHTS) == pytest.approx(share, abs=1e-12)


def test_nan_cells_are_left_out() -> None:
    field = np.full(GRID.shape, 4.0)
    field[:3] = np.nan
    assert metrics.area_mean(field, WEIGHTS) == pytest.approx(4)
    assert np.isnan(metrics.area_mean(np.full(GRID.shape, np.nan), WEIGHTS))


def test_constant_error() -> None:
    truth, climatology = RNG.standard_normal((2, *SHAPE))
    for name, expected in {"bias": -2, "rmse": 2, "rmse_by_case": 2, "mae": 2}.items():
        assert score(name, truth - 2, truth, climatology) == pytest.approx(expected)


def test_the_root_after_the_mean_is_never_the_smaller() -> None:
    """Errors of 1, 3 and nothing known: √5 and 2."""
    truth = np.zeros((3, SHAPE[1]))
    forecast = truth + np.array([[1.0], [3.0], [np.nan]])
    assert score("rmse", forecast, truth, truth) == pytest.approx(5**0.5)
    assert score("rmse_by_case", forecast, truth, truth) == pytest.approx(2)


def test_anomaly_correlation_ignores_amplitude_and_sees_sign() -> None:
    climatology = RNG.standard_normal(SHAPE)
    truth = climatology + RNG.standard_normal(SHAPE)
    for factor in (0.1, 1.0, -3.0):
        forecast = climatology + factor * (truth - climatology)
        acc = score("acc", forecast, truth, climatology)
        assert acc == pytest.approx(np.sign(factor), rel=1e-12)
        ratio = score("activity_ratio", forecast, truth, climatology)
        assert ratio == pytest.approx(abs(factor), rel=1e-12)


def test_scores_by_the_formula() -> None:
    forecast, truth, climatology = RNG.standard_normal((3, *SHAPE))
    f, o, w = forecast - climatology, truth - climatology, CELLS[0] / CELLS.sum()
    acc = [
        (w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum())
        for a, b in zip(f, o, strict=True)
    ]
    assert score("acc", forecast, truth, climatology) == pytest.approx(np.mean(acc), rel=1e-12)
    variance = [np.average((a - np.average(a, weights=w)) ** 2, weights=w) for a in f]
    expected = np.sqrt(np.mean(variance))
    assert score("activity", forecast, truth, climatology) == pytest.approx(expected, rel=1e-12)


def test_anomaly_correlation_of_climatology_is_undefined() -> None:
    truth, climatology = RNG.standard_normal((2, *SHAPE))
    assert np.isnan(score("acc", climatology, truth, climatology))


def test_the_library_scores_agrees() -> None:
    """An independent program for the plain scores."""
    continuous = pytest.importorskip("scores.continuous")
    import xarray as xr

    forecast, truth = RNG.standard_normal((2, *SHAPE))
    arrays = [xr.DataArray(field, dims=("time", "cell")) for field in (forecast, truth)]
    weights = xr.DataArray(CELLS[0], dims="cell")
    for name, function in {"rmse": "rmse", "mae": "mae", "bias": "additive_bias"}.items():
        expected = float(getattr(continuous, function)(*arrays, weights=weights))
        assert score(name, forecast, truth, truth) == pytest.approx(expected, rel=1e-12)

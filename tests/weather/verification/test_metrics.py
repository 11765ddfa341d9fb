"""Scores with known values."""

import numpy as np
import pytest

from weather.grid import LatLonGrid
from weather.verification import metrics

GRID = LatLonGrid(lat=(75, 45, 15, -15, -45, -75), lon=tuple(range(0, 360, 45)))
WEIGHTS = GRID.area_weights()
RNG = np.random.default_rng(0)
SHAPE = (5, *GRID.shape)


def test_area_mean_of_sine_squared_is_one_third() -> None:
    """∫ sin² over the sphere is 1/3; the six bands miss it by their width."""
    lat = np.linspace(89.5, -89.5, 180)
    grid = LatLonGrid(lat=tuple(lat), lon=(0.0, 90.0, 180.0, 270.0))
    field = np.repeat(np.sin(np.radians(lat))[:, None] ** 2, 4, axis=1)
    assert metrics.area_mean(field, grid.area_weights()) == pytest.approx(1 / 3, abs=1e-4)


def test_constant_error() -> None:
    truth = RNG.standard_normal(SHAPE)
    np.testing.assert_allclose(metrics.mean_error(truth - 2, truth, WEIGHTS), -2, atol=1e-12)
    squared = metrics.mean_squared_error(truth - 2, truth, WEIGHTS)
    assert metrics.over_cases(squared) == (pytest.approx(2), pytest.approx(2))


def test_the_root_after_the_mean_is_never_the_smaller() -> None:
    squared = np.array([1.0, 9.0, np.nan])
    assert metrics.over_cases(squared) == (pytest.approx(5**0.5), pytest.approx(2))


def test_weights_are_areas() -> None:
    field = np.zeros(GRID.shape)
    field[0] = 1.0  # the cap north of 60 degrees
    share = (1 - np.sin(np.pi / 3)) / 2
    assert metrics.area_mean(field, WEIGHTS) == pytest.approx(share, abs=1e-12)


def test_nan_cells_are_left_out() -> None:
    truth = np.ones(GRID.shape)
    forecast = np.full(GRID.shape, 4.0)
    forecast[:3] = np.nan
    assert metrics.mean_error(forecast, truth, WEIGHTS) == pytest.approx(3)
    assert np.isnan(metrics.area_mean(np.full(GRID.shape, np.nan), WEIGHTS))


def test_anomaly_correlation_ignores_amplitude_and_sees_sign() -> None:
    climatology = RNG.standard_normal(SHAPE)
    truth = climatology + RNG.standard_normal(SHAPE)
    for factor in (0.1, 1.0, -3.0):
        forecast = climatology + factor * (truth - climatology)
        acc = metrics.anomaly_correlation(forecast, truth, climatology, WEIGHTS)
        np.testing.assert_allclose(acc, np.sign(factor), rtol=1e-12)


def test_anomaly_correlation_by_the_formula() -> None:
    forecast, truth, climatology = RNG.standard_normal((3, *SHAPE))
    f, o = forecast - climatology, truth - climatology
    w = np.broadcast_to(WEIGHTS[:, None], GRID.shape)
    expected = [
        (w * a * b).sum() / np.sqrt((w * a * a).sum() * (w * b * b).sum())
        for a, b in zip(f, o, strict=True)
    ]
    acc = metrics.anomaly_correlation(forecast, truth, climatology, WEIGHTS)
    np.testing.assert_allclose(acc, expected, rtol=1e-12)


def test_anomaly_correlation_of_climatology_is_undefined() -> None:
    truth, climatology = RNG.standard_normal((2, *SHAPE))
    acc = metrics.anomaly_correlation(climatology, truth, climatology, WEIGHTS)
    assert np.isnan(acc).all()

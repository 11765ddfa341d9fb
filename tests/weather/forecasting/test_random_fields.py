"""Noise on the sphere: its variance and correlations in closed form."""

import numpy as np
import pytest
from scipy.special import eval_legendre

from weather.forecasting.random_fields import SphericalNoise, vertical_factor
from weather.grid import LatLonGrid
from weather.sphere import EARTH_RADIUS

GRID = LatLonGrid(lat=(90.0, 45.0, 0.0, -45.0, -90.0), lon=(0.0, 90.0, 180.0, 270.0))


def covariance(noise, one, other):
    """Of two cells (row, column), exactly: the coefficients are independent with variance one."""
    cosines = noise.cosines[:, one[1]] * noise.cosines[:, other[1]]
    sines = noise.sines[:, one[1]] * noise.sines[:, other[1]]
    products = noise.harmonics[:, :, one[0]] * noise.harmonics[:, :, other[0]]
    return float((products * (cosines + sines)).sum())


@pytest.mark.parametrize("length", [300, 2000])
def test_variance_is_one_at_every_cell(length):
    noise = SphericalNoise(GRID, length)
    for row in range(5):
        assert covariance(noise, (row, 0), (row, 0)) == pytest.approx(1, abs=1e-12)


def test_correlation_depends_on_the_distance_alone():
    noise = SphericalNoise(GRID, 1000)
    lat, lon = np.radians(GRID.lat), np.radians(GRID.lon)
    for one, other in [((0, 1), (1, 2)), ((1, 0), (2, 1)), ((2, 3), (3, 0)), ((0, 0), (0, 3))]:
        cosine = np.sin(lat[one[0]]) * np.sin(lat[other[0]]) + np.cos(lat[one[0]]) * np.cos(
            lat[other[0]]
        ) * np.cos(lon[one[1]] - lon[other[1]])
        degrees = np.arange(noise.degree + 1)
        expected = (noise.variances * eval_legendre(degrees, cosine)).sum()
        assert covariance(noise, one, other) == pytest.approx(expected, abs=1e-10)


def test_the_length_is_that_of_a_gaussian():
    length = 700.0
    near = LatLonGrid(lat=(45.0, 45.0 - np.degrees(length / EARTH_RADIUS)), lon=(0.0, 10.0, 20.0))
    noise = SphericalNoise(near, length)
    assert covariance(noise, (0, 0), (1, 0)) == pytest.approx(np.exp(-0.5), abs=2e-3)


def test_samples_have_these_moments():
    noise = SphericalNoise(GRID, 3000)
    fields = noise.sample(np.random.default_rng(0), 4000)
    assert fields.shape == (4000, *GRID.shape)
    np.testing.assert_allclose(fields.var(axis=0), 1, atol=0.1)
    measured = (fields[:, 1, 0] * fields[:, 2, 1]).mean()
    assert measured == pytest.approx(covariance(noise, (1, 0), (2, 1)), abs=0.06)


def test_levels_correlate_by_their_distance_in_log_pressure():
    levels = (100.0, 500.0, 850.0, 1000.0)
    factor = vertical_factor(levels, 0.7)
    product = factor @ factor.T
    np.testing.assert_allclose(np.diag(product), 1)
    assert product[1, 2] == pytest.approx(np.exp(-np.log(850 / 500) / 0.7))

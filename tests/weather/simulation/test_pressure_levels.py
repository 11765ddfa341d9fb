"""The vertical interpolation obeys the hydrostatic equation and known atmospheres."""

from itertools import pairwise

import numpy as np
import pytest

from weather.simulation.pressure_levels import GRAVITY, LAPSE_RATE, SigmaColumn

R = 287.0
SIGMA = (np.arange(20) + 0.5) / 20


def column(temperature: np.ndarray, ps: float = 95000.0, zs: float = 3000.0) -> SigmaColumn:
    shape = temperature.shape[1:]
    return SigmaColumn(SIGMA, temperature, np.full(shape, ps), np.full(shape, zs), R)


def random_column() -> SigmaColumn:
    rng = np.random.default_rng(0)
    temperature = 250 + 20 * rng.standard_normal((20, 3, 4))
    ps = rng.uniform(60000, 103000, (3, 4))
    return SigmaColumn(SIGMA, temperature, ps, rng.uniform(-1000, 40000, (3, 4)), R)


def test_thickness_of_an_isothermal_layer() -> None:
    _, z = column(np.full((20, 1, 1), 260.0)).to_pressure(np.array([20000.0, 50000.0]))
    assert z[0] - z[1] == pytest.approx(R * 260 * np.log(2.5), rel=1e-12)


def test_standard_lapse_rate_below_ground_and_at_sea_level() -> None:
    """Below the lowest centre the column is an atmosphere of constant lapse rate."""
    lowest, ps, height = 280.0, 80000.0, 1800.0
    atmosphere = column(np.full((20, 1, 1), lowest), ps, GRAVITY * height)
    surface = lowest * SIGMA[-1] ** -atmosphere.alpha
    at_sea = surface + LAPSE_RATE * height
    expected = ps * (at_sea / surface) ** (1 / atmosphere.alpha)
    msl = atmosphere.mean_sea_level_pressure()
    assert msl == pytest.approx(expected, rel=1e-12)
    t, z = atmosphere.to_pressure(msl[0])
    assert z == pytest.approx(0, abs=1e-9)
    assert t == pytest.approx(at_sea, rel=1e-12)


def test_surface_pressure_lies_at_the_surface_geopotential() -> None:
    atmosphere = column(np.full((20, 1, 1), 270.0))
    _, z = atmosphere.to_pressure(np.array([95000.0]))
    assert z == pytest.approx(3000.0, rel=1e-12)


def test_hydrostatic_equation_holds_everywhere() -> None:
    """dΦ = -R T dln p by Gauss-Legendre quadrature on intervals inside one layer."""
    atmosphere = random_column()
    nodes, weights = np.polynomial.legendre.leggauss(8)
    for i, j in np.ndindex(3, 4):
        ps = atmosphere.surface_pressure[i, j]
        bounds = np.log(np.concatenate([SIGMA * ps, [ps, 110000.0]]))
        for a, b in pairwise(bounds):
            inside = np.exp(0.5 * (a + b) + 0.5 * (b - a) * nodes)
            t, _ = atmosphere.to_pressure(inside)
            _, z = atmosphere.to_pressure(np.exp([a, b]))
            integral = 0.5 * (b - a) * R * weights @ t[:, i, j]
            assert z[0, i, j] - z[1, i, j] == pytest.approx(integral, rel=1e-10)


def test_values_at_layer_centres_are_kept() -> None:
    atmosphere = random_column()
    for i, j in np.ndindex(3, 4):
        t, z = atmosphere.to_pressure(SIGMA * atmosphere.surface_pressure[i, j])
        np.testing.assert_allclose(t[:, i, j], atmosphere.temperature[:, i, j], rtol=1e-12)
        np.testing.assert_allclose(z[:, i, j], atmosphere.geopotential()[:, i, j], rtol=1e-12)


def test_wind_is_linear_in_log_pressure_and_constant_below_ground() -> None:
    atmosphere = column(np.full((20, 1, 1), 270.0))
    wind = np.log(SIGMA)[:, None, None] * np.ones((1, 1))
    levels = 95000.0 * np.array([0.3, 0.62, 0.99, 1.1])
    found = atmosphere.interpolate(wind, levels)[:, 0, 0]
    expected = [np.log(0.3), np.log(0.62), np.log(SIGMA[-1]), np.log(SIGMA[-1])]
    np.testing.assert_allclose(found, expected, rtol=1e-12)

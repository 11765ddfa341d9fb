"""Spectra: waves of one length, Parseval, and where a smoothed field ends."""

import numpy as np
import pytest

from weather.grid import LatLonGrid
from weather.verification import spectra

GLOBE = LatLonGrid(lat=tuple(np.linspace(85, -85, 18)), lon=tuple(np.arange(0, 360, 10.0)))
AREA = LatLonGrid(lat=tuple(np.linspace(60, 30, 11)), lon=tuple(np.arange(-20, 10, 1.5)))
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("columns", [36, 35])
@pytest.mark.parametrize("periodic", [True, False])
def test_parseval(columns: int, periodic: bool) -> None:
    field = RNG.standard_normal((4, columns))
    power = spectra.zonal_spectrum(field, periodic)
    np.testing.assert_allclose(power.sum(-1), (field**2).mean(-1), rtol=1e-12)


@pytest.mark.parametrize("wavenumber", [0, 1, 7, 18])
def test_a_wave_has_one_line(wavenumber: int) -> None:
    wave = 3 * np.cos(wavenumber * np.radians(np.array(GLOBE.lon)))
    expected = np.zeros(19)
    expected[wavenumber] = 9 if wavenumber in (0, 18) else 4.5
    np.testing.assert_allclose(spectra.zonal_spectrum(wave, True), expected, atol=1e-12)


def test_a_half_wave_across_an_area_has_one_line() -> None:
    place = (np.arange(20) + 0.5) / 20
    power = spectra.zonal_spectrum(2 * np.cos(3 * np.pi * place), False)
    expected = np.zeros(20)
    expected[3] = 2
    np.testing.assert_allclose(power, expected, atol=1e-12)


def test_only_the_middle_latitudes_count() -> None:
    weights = spectra.band_weights(GLOBE)
    lat = np.abs(np.array(GLOBE.lat))
    assert ((weights > 0) == ((lat >= 30) & (lat <= 60))).all()
    field = np.where(weights > 0, 1.0, np.nan)[:, None] * np.cos(np.radians(np.array(GLOBE.lon)))
    assert spectra.band_spectrum(field, GLOBE, weights)[1] == pytest.approx(0.5)
    tropics = LatLonGrid(lat=(10, 0, -10), lon=(0, 10, 20))
    assert spectra.band_weights(tropics).min() > 0


def test_wavelengths() -> None:
    weights = np.zeros(18)
    weights[3] = 1  # a row at 55 degrees
    circle = 2 * np.pi * 6371 * np.cos(np.radians(55))
    found = spectra.wavelengths(GLOBE, weights)
    np.testing.assert_allclose(found[1:], circle / np.arange(1, 19))
    assert np.isinf(found[0])
    row = np.zeros(11)
    row[5] = 1
    across = 2 * np.pi * 6371 * np.cos(np.radians(45)) * 30 / 360
    np.testing.assert_allclose(spectra.wavelengths(AREA, row)[1:3], [2 * across, across])


def test_effective_resolution_is_the_last_wave_that_is_kept() -> None:
    length = np.array([np.inf, 9000, 1000, 500, 250])
    truth = np.array([9, 4, 3, 2, 1.0])
    for share, expected in (
        ([0, 1, 0.6, 0.4, 1], 1000),
        ([0, 1, 1, 1, 1.9], 250),
        ([0, 1, 1, 2.1, 1], 1000),
        ([1, 0.1, 1, 1, 1], 250),
        ([1, 1, 0.1, 1, 1], 9000),
        ([1, np.nan, 1, 1, 1], np.nan),
    ):
        found = spectra.effective_resolution(truth * share, truth, length)
        assert found == pytest.approx(expected, nan_ok=True)

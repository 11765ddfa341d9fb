"""Areas of cells, and which grids are understood."""

import numpy as np
import pytest

from weather.grid import LatLonGrid


def make(lat, lon):
    return LatLonGrid(lat=tuple(lat), lon=tuple(lon))


def test_weights_with_poles_are_sines_of_bounds():
    weights = make(np.linspace(90, -90, 5), np.arange(4) * 90).area_weights()
    bounds = np.sin(np.radians([90, 67.5, 22.5, -22.5, -67.5, -90]))
    np.testing.assert_allclose(weights, 5 * -np.diff(bounds) / 2, rtol=1e-14)
    assert weights.mean() == pytest.approx(1, abs=1e-14)


def test_a_polar_cell_is_half_as_high():
    weights = make(np.linspace(90, -90, 721), np.arange(1440) * 0.25).area_weights()
    assert weights[0] / weights[1] == pytest.approx(1 / 8, rel=1e-4)  # half as high, half as wide


def test_weights_without_poles():
    lat = np.arange(87.1875, -90, -5.625)
    weights = make(lat, np.arange(64) * 5.625).area_weights()
    expected = np.cos(np.radians(lat))  # exact for evenly spaced rows
    np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-12)


def test_gaussian_rows_reach_to_the_poles():
    lat = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(32)[0]))[::-1]
    grid = make(lat, np.arange(64) * 5.625)
    assert grid.latitude_bounds()[[0, -1]].tolist() == [90, -90]
    quadrature = np.polynomial.legendre.leggauss(32)[1]
    np.testing.assert_allclose(grid.area_weights()[1:-1], quadrature[1:-1] * 16, rtol=2e-3)


def test_a_region_ends_where_its_cells_end():
    grid = make([60, 50, 40], [0, 10, 20])
    assert grid.latitude_bounds().tolist() == [65, 55, 45, 35]
    assert not grid.periodic


def test_a_halved_grid_equals_one_of_its_points():
    region = LatLonGrid(lat=np.linspace(60, 30, 16), lon=np.linspace(0, 30, 16))
    half = region.halved()
    again = LatLonGrid.model_validate(half.model_dump())
    assert half == again != region
    assert hash(half) == hash(again) != hash(region)


def test_a_halved_region_ends_where_the_fine_one_does():
    lat = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(48)[0]))[::-1]
    fine = make(lat[4:16], np.float32(100 + 0.1 * np.arange(16)))
    half = fine.halved()
    for edges, mine in (
        (fine.latitude_bounds(), half.latitude_bounds()),
        (fine.longitude_bounds(), half.longitude_bounds()),
    ):
        assert mine[[0, -1]].tolist() == edges[[0, -1]].tolist()
    again = type(half).model_validate(half.model_dump())
    assert half.matches(again)


@pytest.mark.parametrize("lon", [np.arange(144) * 2.5, np.arange(144) * 2.5 - 180])
def test_the_globe_closes(lon):
    grid = make(np.linspace(90, -90, 73), lon)
    assert grid.periodic
    assert grid.has_poles


@pytest.mark.parametrize(
    ("lat", "lon", "message"),
    [
        ([-60, 60], [0, 90], "north to south"),
        ([60, -60], [90, 0], "does not ascend"),
        ([60, -60], [0, 90, 270], "evenly spaced"),
        ([95, -60], [0, 90], "reaches 95"),
        ([60, -60], np.linspace(0, 360, 9), "more than the globe"),
        ([60], [0, 90], "at least 2 x 2"),
    ],
)
def test_grids_that_cannot_be(lat, lon, message):
    with pytest.raises(ValueError, match=message):
        make(lat, lon)


def test_grids_match_up_to_rounding():
    grid = make([60, 59.9], [0, 0.1])
    assert grid.matches(make([60, np.float64(np.float32(59.9))], [0, np.float64(np.float32(0.1))]))
    assert not grid.matches(make([60, 59.5], [0, 0.1]))


def test_columns_are_the_same_wherever_longitudes_count_from():
    lat, lon = [60, 50], np.arange(-140, -52, 2.5)
    region = make(lat, lon)
    for same in (lon, lon + 360, lon - 360 + 5e-4):
        assert region.matches(make(lat, same))
    for other in (lon + 2.5, lon + 180, lon + 362.5, np.linspace(220, 305, len(lon))):
        assert not region.matches(make(lat, other))
    globe = np.arange(0, 360, 2.5)
    assert not make(lat, globe).matches(make(lat, globe - 180))

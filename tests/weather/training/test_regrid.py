"""Conservation, constants, and one answer by hand."""

import numpy as np
import pytest

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.training.regrid import Regridder
from weather.training.target_grid import target_grid


def globe(rows, columns, first=0.0):
    step = 180 / (rows - rows % 2)
    lat = (90 if rows % 2 else 90 - step / 2) - step * np.arange(rows)
    return LatLonGrid(lat=lat.tolist(), lon=(first + 360 / columns * np.arange(columns)).tolist())


def gaussian(rows, columns):
    lat = -np.degrees(np.arcsin(np.polynomial.legendre.leggauss(rows)[0]))
    return LatLonGrid(lat=lat.tolist(), lon=(360 / columns * np.arange(columns)).tolist())


GRIDS = {
    "with poles": globe(37, 72),
    "without poles": globe(36, 72),
    "from the date line": globe(37, 72, -180.0),
    "half a cell east": globe(36, 70, 2.5),
    "Gaussian": gaussian(40, 80),
}
TARGETS = {
    "with poles": globe(13, 24),
    "without poles": globe(16, 32),
    "one odd": globe(7, 15),
    "Gaussian": gaussian(12, 24),
}


def mean(values, grid):
    return (values.mean(-1) * grid.area_weights()).mean(-1)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("source", GRIDS.values(), ids=GRIDS)
def test_the_mean_over_the_globe_and_constants_are_kept(source, target):
    values = 250 + np.random.default_rng(0).normal(size=(3, 2, *source.shape))
    regrid = Regridder(source, target)
    done = regrid(values)
    assert done.shape == (3, 2, *target.shape)
    np.testing.assert_allclose(mean(done, target), mean(values, source), rtol=1e-13)
    np.testing.assert_allclose(regrid(np.full(source.shape, 7.5)), 7.5, rtol=1e-13)


def test_a_grid_onto_itself_changes_nothing():
    for grid in GRIDS.values():
        values = np.random.default_rng(1).normal(size=grid.shape)
        np.testing.assert_allclose(Regridder(grid, grid)(values), values, atol=1e-12)


def test_turning_the_globe_turns_the_result():
    source, target = globe(36, 72), globe(12, 24)
    values = np.random.default_rng(2).normal(size=source.shape)
    regrid = Regridder(source, target)
    np.testing.assert_allclose(
        regrid(np.roll(values, 3, axis=-1)), np.roll(regrid(values), 1, axis=-1), atol=1e-13
    )
    np.testing.assert_allclose(regrid(values[::-1]), regrid(values)[::-1], atol=1e-13)


def test_whole_cells_are_averaged():
    source = LatLonGrid(lat=(45.0, 15.0), lon=(10.0, 20.0, 30.0, 40.0))
    target = LatLonGrid(lat=(45.0, 15.0), lon=(15.0, 35.0))
    values = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    np.testing.assert_allclose(Regridder(source, target)(values), [[1.5, 3.5], [5.5, 7.5]])


def test_a_cell_across_two_rows_weighs_them_by_area():
    source = LatLonGrid(lat=(75.0, 45.0, 15.0), lon=(0.0, 10.0))
    target = LatLonGrid(lat=(60.0, 20.0), lon=(0.0, 10.0))  # edges at 80, 40 and 0 N
    values = np.array([[1.0] * 2, [2.0] * 2, [4.0] * 2])
    sine = np.sin(np.radians([80.0, 60.0, 40.0, 30.0, 0.0]))
    first = (1 * (sine[0] - sine[1]) + 2 * (sine[1] - sine[2])) / (sine[0] - sine[2])
    second = (2 * (sine[2] - sine[3]) + 4 * (sine[3] - sine[4])) / (sine[2] - sine[4])
    done = Regridder(source, target)(values)
    np.testing.assert_allclose(done[:, 0], [first, second], rtol=1e-14)


def test_nan_is_left_out_of_a_mean_unless_it_covers_most_of_a_cell():
    source, target = globe(36, 72), globe(12, 24)
    values = np.ones(source.shape)
    values[9:12, 9:10] = np.nan  # a third of a cell
    values[18:21, 9:11] = np.nan  # two thirds
    done = Regridder(source, target)(values)
    columns = [c for c in range(24) if np.isnan(done[:, c]).any()]
    assert np.isnan(done).sum() == 1
    assert np.isnan(done[6, columns[0]])
    assert np.nanmax(abs(done - 1)) < 1e-12


def test_a_target_beyond_the_data_is_refused():
    region = LatLonGrid(lat=(60.0, 55.0, 50.0), lon=(-10.0, -5.0, 0.0, 5.0))
    with pytest.raises(InputError, match="reaches beyond the data"):
        Regridder(region, globe(13, 24))


def test_grids_as_they_are_named():
    fine = globe(721, 1440)
    assert target_grid("1.5", fine).shape == (121, 240)
    assert target_grid("121x240", fine).matches(target_grid("1.5", fine))
    assert target_grid("240x121", fine).matches(target_grid("1.5", fine))
    small = target_grid("64x32", fine)
    assert small.shape == (32, 64)
    assert small.lat[0] == 87.1875
    assert not small.has_poles
    assert target_grid("5", fine).has_poles


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7", "does not fit between the poles"),
        ("fine", "cannot read the grid 'fine'"),
        ("0", "cannot read the grid '0'"),
        ("1", "finer than the data"),
        ("1x2", "expected at least 2 x 2"),
    ],
)
def test_grids_that_cannot_be(text, message):
    with pytest.raises(InputError, match=message):
        target_grid(text, globe(37, 72))


def test_a_region_keeps_the_cells_that_lie_whole_in_it():
    region = LatLonGrid(lat=np.arange(60, 29, -1.5).tolist(), lon=np.arange(-20, 15, 1.5).tolist())
    grid = target_grid("3", region)
    assert (grid.lat[0], grid.lat[-1]) == (57, 33)  # edges 58.5 and 31.5
    assert (grid.lon[0], grid.lon[-1]) == (-18, 12)
    inner = grid.longitude_bounds()
    assert inner[0] >= -20.75
    assert inner[-1] <= 15.25
    constant = Regridder(region, grid)(np.full(region.shape, 3.0))
    np.testing.assert_allclose(constant, 3.0, rtol=1e-13)
    with pytest.raises(InputError, match="less than 2 x 2 cells"):
        target_grid("45", region)

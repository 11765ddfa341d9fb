"""The low pass of forecast changes: what it leaves alone, and what it takes away."""

import numpy as np
import pytest
import torch

from weather.grid import LatLonGrid
from weather.models.low_pass import LowPass
from weather.variables import Variables

VARIABLES = Variables(surface=("msl", "u10"), upper=("z", "v"), levels=(500.0, 850.0), static=())
LON = tuple(np.arange(0.0, 360.0, 10.0))
GRIDS = {
    "with poles": LatLonGrid(lat=tuple(np.linspace(90, -90, 19)), lon=LON),
    "between poles": LatLonGrid(lat=tuple(np.linspace(85, -85, 18)), lon=LON),
    "tropics": LatLonGrid(lat=tuple(np.linspace(25, -25, 6)), lon=LON),
    "area": LatLonGrid(lat=tuple(np.linspace(60, 30, 7)), lon=tuple(np.arange(0.0, 45.0, 5.0))),
}


@pytest.fixture(params=GRIDS)
def grid(request):
    return GRIDS[request.param]


def fields(grid):
    torch.manual_seed(0)
    surface = torch.randn(2, 2, *grid.shape, dtype=torch.float64)
    return surface, torch.randn(2, 2, 2, *grid.shape, dtype=torch.float64)


def radians(axis):
    return torch.deg2rad(torch.tensor(axis, dtype=torch.float64))


def test_a_limit_beyond_the_grid_changes_nothing(grid):
    before = fields(grid)
    for one, other in zip(LowPass(VARIABLES, grid, 2.0)(*before), before, strict=True):
        torch.testing.assert_close(one, other)


def test_a_constant_stays(grid):
    surface, upper = (torch.ones_like(each) for each in fields(grid))
    after_surface, after_upper = LowPass(VARIABLES, grid, 0.1)(surface, upper)
    torch.testing.assert_close(after_surface[:, 0], surface[:, 0])
    torch.testing.assert_close(after_upper[:, 0], upper[:, 0])


@pytest.mark.parametrize("name", ["between poles", "tropics", "area"])
def test_twice_is_once_and_no_energy_is_added(name):
    """An orthogonal projection of the extended field, which holds every cell as often."""
    before = fields(GRIDS[name])
    low_pass = LowPass(VARIABLES, GRIDS[name], 0.5)
    once = low_pass(*before)
    for one, two, first in zip(once, low_pass(*once), before, strict=True):
        torch.testing.assert_close(two, one)
        assert one.square().sum() < 0.7 * first.square().sum()


@pytest.mark.parametrize("name", ["with poles", "between poles", "tropics"])
def test_turning_the_earth_turns_the_result(name):
    low_pass = LowPass(VARIABLES, GRIDS[name], 0.5)
    surface, upper = fields(GRIDS[name])
    turned = low_pass(surface.roll(5, -1), upper.roll(5, -1))
    for one, other in zip(turned, low_pass(surface, upper), strict=True):
        torch.testing.assert_close(one, other.roll(5, -1))


@pytest.mark.parametrize("name", ["with poles", "between poles"])
def test_a_wind_over_the_pole_is_a_long_wave(name):
    """A uniform flow across both poles has components that jump there; beyond, they turn round."""
    grid = GRIDS[name]
    lat, lon = radians(grid.lat), radians(grid.lon)
    surface, upper = fields(grid)
    surface[:, 1] = -lon.sin()
    upper[:, 1] = -lat.sin()[:, None] * lon.cos()
    after_surface, after_upper = LowPass(VARIABLES, grid, 0.2)(surface, upper)
    torch.testing.assert_close(after_surface[:, 1], surface[:, 1])
    torch.testing.assert_close(after_upper[:, 1], upper[:, 1])


@pytest.mark.parametrize(("wave", "kept"), [(12, 1.0), (13, 0.0)])
def test_the_limit_is_where_it_says(wave, kept):
    """Of 18 waves that 36 longitudes hold, twelve are two thirds."""
    grid = GRIDS["tropics"]
    surface, upper = fields(grid)
    surface[:] = torch.cos(wave * radians(grid.lon))
    after, _ = LowPass(VARIABLES, grid, 2 / 3)(surface, upper)
    torch.testing.assert_close(after, kept * surface)


def test_half_precision_comes_out_as_single():
    after, _ = LowPass(VARIABLES, GRIDS["area"], 0.5)(
        *(f.bfloat16() for f in fields(GRIDS["area"]))
    )
    assert after.dtype == torch.float32

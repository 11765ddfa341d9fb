"""Harmonics of a grid, and the damping of short waves: their laws and closed forms."""

import math

import numpy as np
import pytest
import torch

from weather.grid import LatLonGrid
from weather.models.diffusion import Diffusion, DiffusionConfig
from weather.models.graph import GraphConfig
from weather.models.harmonics import Meridional, Zonal
from weather.models.model import ModelConfig, WeatherModel
from weather.state import State
from weather.variables import Variables

VARIABLES = Variables(
    surface=("msl", "u10", "v10"), upper=("z", "v", "t", "u"), levels=(500.0, 850.0), static=()
)
LON = tuple(np.arange(0.0, 360.0, 10.0))
GRIDS = {
    "with poles": LatLonGrid(lat=tuple(np.linspace(90, -90, 19)), lon=LON),
    "between poles": LatLonGrid(lat=tuple(np.linspace(85, -85, 18)), lon=LON),
    "tropics": LatLonGrid(lat=tuple(np.linspace(25, -25, 6)), lon=LON),
    "area": LatLonGrid(lat=tuple(np.linspace(60, 30, 7)), lon=tuple(np.arange(0.0, 45.0, 5.0))),
}
PLACE = {name: place for place, name in enumerate(VARIABLES.channels)}


@pytest.fixture(params=GRIDS)
def grid(request):
    return GRIDS[request.param]


def between_poles(rows):
    lat = 90 - 180 / rows * (np.arange(rows) + 0.5)
    return LatLonGrid(lat=tuple(lat), lon=tuple(180 / rows * np.arange(2 * rows)))


def diffusion(grid, **config):
    return Diffusion(DiffusionConfig(**config), VARIABLES, grid).double()


def fields(grid):
    torch.manual_seed(0)
    return torch.randn(2, len(VARIABLES.channels), *grid.shape, dtype=torch.float64)


def radians(axis):
    return torch.deg2rad(torch.tensor(axis, dtype=torch.float64))


@pytest.mark.parametrize(("wave", "spin"), [(0, 0), (1, 0), (5, 0), (0, 1), (3, 1), (-3, 1)])
def test_eigenvalues_approach_those_of_spherical_harmonics(wave, spin):
    """n (n + 1) for n from max(|m|, spin) on, with an error that falls as the spacing squared."""
    n = max(abs(wave), spin) + np.arange(5)
    errors = []
    for rows in (16, 32):
        scale = Meridional(between_poles(rows), np.array([float(wave)]), spin).scale[0, :5]
        errors.append(np.abs(scale.numpy() - n * (n + 1)).max())
    assert errors[1] < 0.3 * errors[0]


def test_waves_along_parallels_give_the_field_back(grid):
    zonal = Zonal(grid).double()
    field = fields(grid)
    torch.testing.assert_close(zonal.compose(*zonal.analyse(field)), field, rtol=0, atol=1e-6)


def test_no_time_changes_nothing(grid):
    field = fields(grid)
    torch.testing.assert_close(diffusion(grid)(field, 0.0), field, rtol=0, atol=1e-6)


def test_a_constant_scalar_stays(grid):
    damped = diffusion(grid, order=1, hours=1.0)(torch.ones_like(fields(grid)), 24.0)
    for name in ("msl", "z500", "t850"):
        expected = torch.ones_like(damped[:, PLACE[name]])
        torch.testing.assert_close(damped[:, PLACE[name]], expected, rtol=0, atol=1e-6)


def test_it_only_damps(grid):
    """Variance of scalars and kinetic energy of winds, over the sphere."""
    area = torch.from_numpy(grid.area_weights())[:, None]
    before = fields(grid)
    after = diffusion(grid, hours=6.0)(before, 6.0)
    for names in (["msl"], ["z500"], ["t850"], ["u10", "v10"], ["u500", "v500"]):
        places = [PLACE[name] for name in names]
        ratio = (after[:, places].square() * area).sum() / (before[:, places].square() * area).sum()
        assert 0.05 < ratio < 0.8


def test_a_sample_alone_is_as_in_a_batch(grid):
    damp, field = diffusion(grid), fields(grid)
    torch.testing.assert_close(damp(field[:1], 6.0), damp(field, 6.0)[:1], rtol=0, atol=1e-12)


def test_turning_the_earth_turns_the_result():
    for name in ("with poles", "between poles", "tropics"):
        damp, field = diffusion(GRIDS[name]), fields(GRIDS[name])
        turned = damp(field.roll(5, -1), 6.0)
        torch.testing.assert_close(turned, damp(field, 6.0).roll(5, -1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["with poles", "between poles"])
def test_a_flow_across_the_poles_is_the_longest_wave(name):
    """Its components jump there; as a vector field it has n = 1."""
    grid = GRIDS[name]
    lat, lon = radians(grid.lat), radians(grid.lon)
    field = fields(grid)
    field[:, PLACE["u10"]] = -lon.sin()
    field[:, PLACE["v10"]] = -lat.sin()[:, None] * lon.cos()
    damped = diffusion(grid, hours=6.0)(field, 6.0)
    for name in ("u10", "v10"):
        torch.testing.assert_close(damped[:, PLACE[name]], field[:, PLACE[name]], rtol=0, atol=2e-3)


@pytest.mark.parametrize("mixed", [("v500", "u10", "u500", "v10"), ("u850", "v10", "u10")])
def test_a_wind_is_known_by_its_names_in_any_order(mixed):
    torch.manual_seed(0)
    field = {name: torch.randn(GRIDS["tropics"].shape, dtype=torch.float64) for name in mixed}

    def damped(*names):
        damp = Diffusion(DiffusionConfig(), Variables(surface=names), GRIDS["tropics"]).double()
        after = damp(torch.stack([field[name] for name in names])[None], 6.0)[0]
        return torch.stack([after[names.index(name)] for name in ("u10", "v10")])

    torch.testing.assert_close(damped(*mixed), damped("u10", "v10"), rtol=0, atol=1e-12)


def test_a_wave_falls_as_the_equation_says():
    """cos(lat)^m cos(m lon), which has n = m; the rate is that of its field alone."""
    grid, order, wave = between_poles(64), 2, 30
    damp = diffusion(grid, order=order, hours=12.0)
    with torch.no_grad():
        damp.log_rate["z"][1] = math.log(1 / 24)
    lat, lon = radians(grid.lat), radians(grid.lon)
    field = fields(grid)
    field[:] = lat.cos()[:, None] ** wave * torch.cos(wave * lon)
    damped = damp(field, 6.0)
    shortest = 2 / 3 * 64
    share = wave * (wave + 1) / (shortest * (shortest + 1))
    for name, hours in (("z500", 12), ("z850", 24), ("msl", 12)):
        factor = math.exp(-6 / hours * share**order)
        torch.testing.assert_close(
            damped[:, PLACE[name]], factor * field[:, PLACE[name]], rtol=0, atol=2e-3
        )


def test_half_precision_keeps_long_waves():
    """Under autocast too, a smooth field is left as it is."""
    grid = GRIDS["between poles"]
    field = (1000 * radians(grid.lat).sin()[:, None]).float().expand(1, 11, *grid.shape)
    scalars = [PLACE["msl"], PLACE["z500"]]
    with torch.autocast("cpu", torch.bfloat16):
        damped = diffusion(grid).float()(field, 6.0)
    torch.testing.assert_close(damped[:, scalars], field[:, scalars], rtol=0, atol=0.1)


def test_a_model_damps_its_new_state():
    """With the same weights, its forecast is the damped one of a model without."""
    grid = GRIDS["between poles"]
    field = fields(grid).float()
    upper = field[:, None, 3:].unflatten(2, (4, 2))
    start = State(field[:, None, :3], upper, torch.zeros(2, 1, dtype=torch.int64), VARIABLES, grid)
    forecasts = []
    for config in (None, DiffusionConfig()):
        torch.manual_seed(0)
        made = ModelConfig(diffusion=config, backbone=GraphConfig(dim=8, steps=1, refinements=1))
        forecasts.append(WeatherModel(made, VARIABLES, grid, 21600)(start))
    plain, damped = (
        torch.cat([f.surface[:, 0], f.upper[:, 0].flatten(1, 2)], 1) for f in forecasts
    )
    torch.testing.assert_close(damped, diffusion(grid).float()(plain, 6.0), rtol=0, atol=1e-5)
    assert (plain - damped).abs().max() > 0.1


def test_a_field_with_holes_is_not_damped():
    """What stands in them would run into the rest; all other fields are damped."""
    grid = GRIDS["with poles"]
    field = fields(grid).float()
    upper = field[:, None, 3:].unflatten(2, (4, 2))
    start = State(field[:, None, :3], upper, torch.zeros(2, 1, dtype=torch.int64), VARIABLES, grid)
    made = ModelConfig(
        diffusion=DiffusionConfig(), backbone=GraphConfig(dim=8, steps=1, refinements=1)
    )
    model = WeatherModel(made, VARIABLES, grid, 21600, masked=("msl", "z"))
    land = torch.zeros(grid.shape, dtype=torch.bool)
    land[5:9, 7:20] = True
    model.masks.set({"msl": land, "z": torch.stack([torch.zeros_like(land), land])})
    for parameter in model.backbone.head.parameters():
        torch.nn.init.zeros_(parameter)
    after = model(start)
    torch.testing.assert_close(
        after.surface[:, :, 0][..., ~land], start.surface[:, :, 0][..., ~land]
    )
    torch.testing.assert_close(after.upper[:, :, 0, 1][..., ~land], upper[:, :, 0, 1][..., ~land])
    assert (after.upper[:, :, 0, 0] - upper[:, :, 0, 0]).abs().max() > 0.1
    assert (after.surface[:, :, 1] - start.surface[:, :, 1]).abs().max() > 0.1

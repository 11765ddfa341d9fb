"""The frame is given, the inside is forecast, and nothing but the frame is read."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.forecasting.boundary import bounded
from weather.forecasting.rollout import rollout
from weather.grid import LatLonGrid
from weather.models.boundary import BoundaryConfig, frame
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig, WeatherModel
from weather.models.transformer import TransformerConfig
from weather.state import State
from weather.training.objectives import ForecastLoss, ForecastLossConfig
from weather.variables import Variables

HOURS_6 = 21600
WIDTH = 2
VARIABLES = Variables(surface=("msl",), upper=("z", "t"), levels=(500, 850))
GRID = LatLonGrid(lat=tuple(range(60, 40, -2)), lon=tuple(range(0, 28, 2)))
BACKBONES = {
    "planar": TransformerConfig(dim=8, depths=(2,), heads=(1,), window=(2, 4), patch=(None, 2, 2)),
    "levels": TransformerConfig(
        dim=8, depths=(2,), heads=(1,), window=(2, 2, 4), patch=(1, 1, 1), bias="earth"
    ),
    "graph": GraphConfig(dim=8, steps=2, refinements=4),
}


def build(backbone, **options):
    torch.manual_seed(0)
    boundary = BoundaryConfig(width=WIDTH, **options)
    config = ModelConfig(history=2, backbone=backbone, boundary=boundary)
    return WeatherModel(config, VARIABLES, GRID, HOURS_6)


@pytest.fixture(params=BACKBONES)
def model(request):
    return build(BACKBONES[request.param])


def weather(times=5, seed=0):
    """(2, times) random states."""
    draw = torch.Generator().manual_seed(seed)
    new = lambda *size: torch.randn(2, times, *size, *GRID.shape, generator=draw)  # noqa: E731
    time = HOURS_6 * torch.arange(times).repeat(2, 1) + torch.tensor([[0], [7 * HOURS_6]])
    return State(new(1), new(2, 2), time, VARIABLES, GRID)


def inside():
    return ~frame(GRID, WIDTH)


def test_the_frame_of_a_roll_out_is_the_truth(model):
    truth = weather()
    with torch.no_grad():
        states = list(rollout(bounded(model, HOURS_6, truth.when), truth.at(slice(2)), 3))
    for number, state in enumerate(states, start=2):
        there = truth.at(slice(number, number + 1))
        assert torch.equal(state.time, there.time)
        assert torch.equal(state.surface[..., ~inside()], there.surface[..., ~inside()])
        assert torch.equal(state.upper[..., ~inside()], there.upper[..., ~inside()])
        assert not torch.isclose(state.upper, there.upper)[..., inside()].all()


def test_the_frame_to_come_acts_inside_and_its_inside_on_nothing(model):
    start, later = weather().at(slice(2)), weather().at(slice(2, 3))
    hidden = replace(
        later,
        surface=torch.where(inside(), torch.nan, later.surface),
        upper=torch.where(inside(), torch.nan, later.upper),
    )
    other = weather(seed=1).at(slice(2, 3))
    with torch.no_grad():
        first, same, changed = (model(start, boundary=given) for given in (later, hidden, other))
    assert torch.equal(first.surface, same.surface)
    assert torch.equal(first.upper, same.upper)
    assert not torch.equal(first.upper[..., inside()], changed.upper[..., inside()])


def test_without_lookahead_the_next_frame_does_not_act_inside():
    model = build(BACKBONES["graph"], lookahead=False)
    start = weather().at(slice(2))
    with torch.no_grad():
        first, other = (
            model(start, boundary=weather(seed=seed).at(slice(2, 3))) for seed in (0, 1)
        )
    assert torch.equal(first.upper[..., inside()], other.upper[..., inside()])
    assert not torch.equal(first.upper, other.upper)


def test_the_loss_counts_the_inside_only(model):
    truth = weather().at(slice(2, 3))
    forecast = replace(
        weather(seed=1).at(slice(2, 3)),
        surface=(truth.surface + 1).requires_grad_(),
        upper=(truth.upper + 1).requires_grad_(),
    )
    loss = ForecastLoss(ForecastLossConfig(), VARIABLES, GRID, model.counted())
    error = loss.error(model, forecast, truth)
    assert float(error.detach()) == pytest.approx(1, 1e-5)
    error.backward()
    for gradient in (forecast.surface.grad, forecast.upper.grad):
        assert gradient[..., ~inside()].abs().max() == 0
        assert gradient[..., inside()].abs().min() > 0


def test_a_roll_out_is_trained_with_the_boundary_of_each_step(model):
    batch = weather()
    config = ForecastLossConfig(steps=3)
    loss, _ = ForecastLoss(config, VARIABLES, GRID, model.counted())(model, batch)
    loss.backward()
    assert loss.isfinite()
    names = [n for n, p in model.named_parameters() if "_boundary" in n and p.grad.abs().max() > 0]
    assert {name.rsplit(".", 1)[-1] for name in names} == {
        "msl_boundary", "z_boundary", "t_boundary"
    }  # fmt: skip


def test_a_masked_cell_of_the_frame_stays_without_value():
    config = ModelConfig(backbone=BACKBONES["graph"], boundary=BoundaryConfig(width=WIDTH))
    model = WeatherModel(config, VARIABLES, GRID, HOURS_6, masked=["msl"])
    corner = torch.zeros(GRID.shape, dtype=torch.bool)
    corner[0, 0] = True
    model.masks.set({"msl": corner})
    truth = weather()
    with torch.no_grad():
        forecast = model(truth.at(slice(1)), boundary=truth.at(slice(1, 2)))
    assert torch.equal(forecast.surface[:, :, 0].isnan(), corner.expand(2, 1, *GRID.shape))
    counted = model.counted()[0][0]
    assert int(counted.sum()) == (10 - 2 * WIDTH) * (14 - 2 * WIDTH)


def test_a_model_with_a_frame_needs_boundary_data(model):
    with pytest.raises(InputError, match="needs boundary data of each valid time"):
        model(weather().at(slice(2)))


def test_a_globe_has_no_frame_and_a_frame_leaves_something():
    globe = LatLonGrid(lat=tuple(np.linspace(87, -87, 30)), lon=tuple(range(0, 360, 6)))
    with pytest.raises(InputError, match="has no boundary; leave"):
        frame(globe, 2)
    with pytest.raises(InputError, match="a frame of 5 cells leaves nothing of 10 x 14"):
        frame(GRID, 5)

"""The comparison of a model with an export of it must find what differs."""

from dataclasses import replace

import pytest
import torch

from weather.forecasting.onnx_parity import as_json, compare, plausible
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.transformer import TransformerConfig
from weather.variables import Variables


@pytest.fixture(scope="module")
def model():
    grid = LatLonGrid(lat=(60, 20, -20, -60), lon=tuple(45 * i for i in range(8)))
    backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
    variables = Variables(surface=("msl",), upper=("t",), levels=(500, 850))
    made = WeatherModel(ModelConfig(history=2, backbone=backbone), variables, grid, 21600).eval()
    made.statistics["msl"].mean.fill_(101000)
    made.statistics["msl"].std.fill_(900)
    made.statistics["msl"].change.fill_(300)
    return made


def altered(model, change):
    def step(state):
        came = model(state)
        return replace(came, upper=change(came.upper))

    return step


def test_a_model_is_as_itself(model):
    differences = compare(model, model)
    assert [d.channel for d in differences] == ["msl", "t500", "t850"] * 2
    assert all(d.passed and d.absolute == 0 for d in differences)
    assert as_json(differences)["passed"]


def test_a_difference_is_found_in_its_channel(model):
    offset = torch.tensor([0.0, 0.01])[:, None, None]
    differences = compare(model, altered(model, lambda upper: upper + offset))
    after_one = [d for d in differences if d.step == 1]
    assert [d.passed for d in after_one] == [True, True, False]
    assert after_one[2].absolute == pytest.approx(0.01, rel=1e-4)
    assert not as_json(differences)["passed"]


def test_a_value_that_only_one_lacks_is_a_difference(model):
    def first_cell_lacks(upper):
        return upper.index_fill(-1, torch.tensor([0]), torch.nan)

    assert not all(d.passed for d in compare(model, altered(model, first_cell_lacks)))


def test_states_have_the_models_mean_and_spread(model):
    state = plausible(model, 200, seed=1)
    assert state.surface.mean() == pytest.approx(101000, abs=30)
    assert state.surface.std() == pytest.approx(900, rel=0.1)
    assert state.surface.diff(dim=1).std() == pytest.approx(300, rel=0.1)
    assert (state.time.diff(dim=1) == 21600).all()
    assert torch.equal(state.upper, plausible(model, 200, seed=1).upper)

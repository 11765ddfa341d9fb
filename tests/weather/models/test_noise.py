"""A model that depends on noise: what the noise changes, and what it must not."""

import pytest
import torch

from sciml.layers import Modulation
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig, WeatherModel
from weather.models.noise import NoiseConfig
from weather.models.statistics import of_steps
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure

BACKBONES = {
    "norm first": TransformerConfig(dim=8, depths=(2,), heads=(2,), window=(2, 4)),
    "norm last": TransformerConfig(dim=8, depths=(2,), heads=(2,), window=(2, 4), norm="post"),
    "graph": GraphConfig(dim=8, steps=1, refinements=1),
}
HOUR = 3600


@pytest.fixture(scope="module")
def data(waves_file):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("insolation",))
    fields = open_fields(dataset, variables, memory=1)
    period = (fields.times[0], fields.times[-1])
    parts = {step: samples(fields, period, step, 2) for step in (6 * HOUR, 12 * HOUR)}
    return parts, variables, LatLonGrid.from_dataset(dataset)


def build(data, backbone, noise=None, steps=(6 * HOUR,), trained=False):
    """Weights from the same seed, and statistics."""
    parts, variables, grid = data
    torch.manual_seed(0)
    config = ModelConfig(backbone=BACKBONES[backbone], noise=noise and NoiseConfig(dim=noise))
    model = WeatherModel(config, variables, grid, steps)
    model.statistics.set(of_steps([measure(parts[step]) for step in model.steps]))
    for module in model.modules():
        if trained and isinstance(module, Modulation):
            torch.nn.init.normal_(module.weight, std=0.3)
    return model.eval()


@pytest.fixture(scope="module")
def state(data):
    return data[0][6 * HOUR].__getitems__([0, 20]).at(slice(1))


@pytest.mark.parametrize("steps", [(6 * HOUR,), (6 * HOUR, 12 * HOUR)])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_fresh_it_is_the_model_without_noise(backbone, steps, data, state):
    plain, noisy = build(data, backbone, None, steps), build(data, backbone, 5, steps)
    ours, theirs = plain.state_dict(), noisy.state_dict()
    assert not any("noise" in name for name in ours)
    assert all(torch.equal(theirs[name], tensor) for name, tensor in ours.items())
    with torch.no_grad():
        forecast = plain(state)
        for noise in (None, torch.randn(2, 5)):
            same = noisy(state, noise=noise)
            assert torch.equal(same.surface, forecast.surface)
            assert torch.equal(same.upper, forecast.upper)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_each_sample_has_its_own_noise(backbone, data, state):
    model = build(data, backbone, 5, trained=True)
    noise = torch.randn(2, 5)
    with torch.no_grad():
        first = model(state, noise=noise)
        other = model(state, noise=torch.stack([noise[0], noise[1] + 1]))
        middle, zeros = model(state), model(state, noise=torch.zeros(2, 5))
    torch.testing.assert_close(other.upper[0], first.upper[0])
    moved = (other.upper - first.upper) / model.statistics.upper("change")
    assert moved[1].abs().max() > 1e-3
    assert torch.equal(middle.upper, zeros.upper)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_noise_reaches_every_variable_and_cell(backbone, data, state):
    model = build(data, backbone, 5, trained=True)
    with torch.no_grad():
        one, two = (model(state, noise=torch.randn(2, 5)) for _ in range(2))
    for kind in ("surface", "upper"):
        assert ((getattr(one, kind) - getattr(two, kind)) != 0).all()


def test_steps_and_noise_together(data, state):
    model = build(data, "norm first", 5, (6 * HOUR, 12 * HOUR), trained=True)
    noise = torch.randn(2, 5)
    with torch.no_grad():
        forecasts = {step: model(state, step, noise=noise) for step in model.steps}
        central = model(state, 6 * HOUR)
    assert not torch.equal(forecasts[6 * HOUR].upper, central.upper)
    inputs = model.inputs(state, 6 * HOUR)
    conditions = [model._condition(step, inputs.extra, noise) for step in model.steps]
    assert (conditions[0] - conditions[1]).abs().max() > 0.01


def test_noise_for_a_model_without_any(data, state):
    with pytest.raises(ValueError, match="does not depend on any"):
        build(data, "graph")(state, noise=torch.zeros(2, 5))

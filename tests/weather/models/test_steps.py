"""One model for several time steps: what a step changes, and what it must not."""

import pytest
import torch

from sciml.errors import InputError
from sciml.layers import Modulation
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig, WeatherModel
from weather.models.statistics import of_steps
from weather.models.steps import StepEmbedding, from_seconds, in_hours, in_seconds
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure

STEPS = (21600, 43200, 86400)
BACKBONES = {
    "norm first": TransformerConfig(dim=8, depths=(2,), heads=(2,), window=(2, 4)),
    "norm last": TransformerConfig(
        dim=8, depths=(1,) * 4, heads=(2,) * 4, window=(2, 4), merge=(2, 2), norm="post"
    ),
    "graph": GraphConfig(dim=8, steps=1, refinements=1),
    "graph without edge state": GraphConfig(dim=8, steps=1, refinements=1, edge_state=False),
}


@pytest.fixture(scope="module")
def data(waves_file):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("insolation",))
    fields = open_fields(dataset, variables, memory=1)
    period = (fields.times[0], fields.times[-1])
    parts = [samples(fields, period, step, 2) for step in STEPS]
    return parts, variables, LatLonGrid.from_dataset(dataset)


def build(data, backbone, steps=STEPS):
    """Fresh weights from the same seed, and statistics, for a choice of time steps."""
    parts, variables, grid = data
    torch.manual_seed(0)
    model = WeatherModel(ModelConfig(backbone=BACKBONES[backbone]), variables, grid, steps)
    moments = [measure(parts[STEPS.index(step)]) for step in model.steps]
    model.statistics.set(of_steps(moments))
    return model.eval()


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("step", STEPS)
def test_fresh_it_is_the_model_of_one_step(backbone, step, data):
    state = data[0][0].__getitems__([0, 20]).at(slice(1))
    with torch.no_grad():
        several = build(data, backbone)(state, step)
        alone = build(data, backbone, (step,))(state)
    assert torch.equal(several.surface, alone.surface)
    assert torch.equal(several.upper, alone.upper)
    assert torch.equal(several.time, alone.time)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_modulation_can_tell_steps_apart(backbone, data):
    """Each one alone, once it has learned something, makes the normalized change depend on dt."""
    state = data[0][0].__getitems__([3]).at(slice(1))
    model = build(data, backbone)
    modulations = [module for module in model.modules() if isinstance(module, Modulation)]
    assert len(modulations) >= 2

    def changes():
        with torch.no_grad():
            inputs = model.inputs(state, STEPS[0])  # the same forcing for all
            return [
                model.backbone(inputs, model._condition(step, inputs.extra))[1] for step in STEPS
            ]

    assert torch.equal(*changes()[:2])
    for module in modulations:
        torch.nn.init.normal_(module.weight)
        six, twelve, day = changes()
        assert (six - twelve).abs().max() > 1e-4
        assert (twelve - day).abs().max() > 1e-4
        torch.nn.init.zeros_(module.weight)


def test_one_step_needs_no_new_tensors(data):
    """Files of models with one step stay what they were."""
    names = build(data, "norm first", STEPS[:1]).state_dict()
    assert not [name for name in names if "modulation" in name or "embed_step" in name]
    assert names["statistics.z.change"].shape == (2,)
    assert names["statistics.msl.change"].shape == (1,)


def test_changes_are_normalized_by_their_own_step(data):
    model = build(data, "norm first")
    parts = data[0]
    for number, step in enumerate(STEPS):
        upper = parts[number].__getitems__(range(len(parts[number]))).upper.double()
        expected = upper.diff(dim=1).std(dim=(0, 1, 4, 5), correction=0)
        found = model.statistics.upper("change", model.which(step))[:, :, 0, 0]
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)


def test_steps_far_and_near_embed_apart():
    torch.manual_seed(0)
    embed = StepEmbedding()
    vectors = embed(torch.tensor([3600.0, 10800, 21600, 43200, 86400, 259200]))
    distance = torch.cdist(vectors, vectors) + torch.eye(6) * 9
    assert distance.min() > 0.05 * vectors.norm(dim=1).mean()


def test_a_step_that_the_model_does_not_take(data):
    state = data[0][0].__getitems__([0]).at(slice(1))
    with pytest.raises(InputError, match="step of 3 h; this model takes 6, 12 and 24 h"):
        build(data, "norm first")(state, 10800)
    with pytest.raises(InputError, match="step of 12 h; this model takes 6 h"):
        build(data, "norm first", STEPS[:1])(state, 43200)


def test_several_steps_see_one_state(data):
    _, variables, grid = data
    with pytest.raises(InputError, match=r"set model\.history to 1"):
        WeatherModel(ModelConfig(history=2), variables, grid, STEPS)


def test_hours_and_seconds():
    assert in_seconds(6.0) == in_seconds((6.0,)) == (21600,)
    assert from_seconds(in_seconds((6, 12.5))) == (6, 12.5)
    assert from_seconds([21600]) == 6
    assert in_hours(STEPS) == "6, 12 and 24 h"

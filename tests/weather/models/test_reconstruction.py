"""What is hidden carries nothing into the model, and what is learned fits a forecast model."""

from dataclasses import replace

import pytest
import torch

from sciml.errors import InputError
from sciml.model_file import save_tensors
from sciml.transfer import TransferConfig, transfer
from weather.files.reanalysis import open_reanalysis, static_fields
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.boundary import BoundaryConfig
from weather.models.diffusion import DiffusionConfig
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig
from weather.models.noise import NoiseConfig
from weather.models.reconstruction import KIND, LEFT_BEHIND, Reconstruction
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.masking import MaskedFieldsConfig, draw
from weather.training.measure import find_masks, measure
from weather.training.pretraining import kept

BACKBONES = {
    "planar": TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4), patch=(None, 2, 2)),
    "levels": TransformerConfig(
        dim=8, depths=(1,), heads=(1,), window=(2, 2, 4), patch=(1, 1, 1), bias="earth"
    ),
    "graph": GraphConfig(dim=8, steps=1, refinements=2),
}


@pytest.fixture(params=BACKBONES, scope="module")
def made(request, holed, tmp_path_factory):
    """A configuration with a history and masks, its reconstruction, and a batch."""
    path = tmp_path_factory.mktemp("holed") / "data.nc"
    holed.to_netcdf(path)
    dataset = open_reanalysis(path)
    variables = all_variables(dataset, ("year",))
    fields = open_fields(dataset, variables, memory=1)
    period = (fields.times[0], fields.times[-1])
    masks = find_masks(samples(fields, period, 0, 1), "auto")
    config = ForecasterConfig(
        model=ModelConfig(history=2, backbone=BACKBONES[request.param]),
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=6,
        masked=tuple(masks),
    )
    torch.manual_seed(0)
    model = Reconstruction(config.model, variables, config.grid)
    model.masks.set(model.masks.named() | masks)
    model.statistics.set(measure(samples(fields, period, 0, 2), masks))
    model.set_static(static_fields(dataset, variables))
    return config, model.eval(), samples(fields, period, 0, 1).__getitems__([0, 9, 30])


def test_hidden_cells_carry_nothing_into_the_model(made):
    _, model, batch = made
    hidden = draw(MaskedFieldsConfig(block=(1, 3, 5)), batch)
    surface, upper = (torch.rand(cells.shape) * 1e7 for cells in hidden)
    other = replace(
        batch,
        surface=torch.where(hidden[0].unsqueeze(1), surface.unsqueeze(1), batch.surface),
        upper=torch.where(hidden[1].unsqueeze(1), upper.unsqueeze(1), batch.upper),
    )
    assert not torch.equal(other.surface, batch.surface)
    first, second = model.reconstruct(batch, hidden), model.reconstruct(other, hidden)
    for a, b in zip(first, second, strict=True):
        assert a.isfinite().all()
        assert torch.equal(a, b)


def test_what_is_not_hidden_is_seen(made):
    _, model, batch = made
    hidden = draw(MaskedFieldsConfig(whole=0, block=(1, 3, 5)), batch)
    other = replace(batch, surface=batch.surface * 1.001)
    first, second = model.reconstruct(batch, hidden), model.reconstruct(other, hidden)
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(model.reconstruct(batch, [h | True for h in hidden])[0], first[0])


def test_a_forecast_model_takes_all_but_what_belongs_to_a_task(made, tmp_path):
    config, model, _ = made
    path = tmp_path / "pretrained.safetensors"
    save_tensors(path, kept(model, config), KIND, config, {})
    forecast = config.build().eval()
    head = {k: v.clone() for k, v in forecast.backbone.head.state_dict().items()}
    transfer(forecast, TransferConfig(checkpoint=path, anew=LEFT_BEHIND), KIND)
    theirs, ours = model.state_dict(), forecast.state_dict()
    for name, tensor in ours.items():
        fresh = name.startswith("backbone.head.") or name.endswith(".change")
        assert fresh or torch.equal(tensor, theirs[name]), name
    for name, tensor in forecast.backbone.head.state_dict().items():
        assert torch.equal(tensor, head[name])
    with pytest.raises(InputError, match=r"backbone\.head.*transfer\.anew"):
        transfer(config.build(), TransferConfig(checkpoint=path), KIND)


def test_with_nothing_hidden_both_models_are_the_same(made):
    config, model, batch = made
    forecast = config.build().eval()
    shared = {n: t for n, t in model.state_dict().items() if n in forecast.state_dict()}
    forecast.load_state_dict(shared)
    filled = forecast.masks.fill(batch.as_history(2), forecast.statistics)
    expected = forecast.backbone(forecast.inputs(filled, forecast.step))
    nothing = [torch.zeros_like(f[:, 0], dtype=torch.bool) for f in (batch.surface, batch.upper)]
    told = model.reconstruct(batch, nothing)
    for a, b in zip(told, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)  # the year moves on by three hours


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("boundary", BoundaryConfig(width=1)),
        ("noise", NoiseConfig(dim=4)),
        ("diffusion", DiffusionConfig()),
    ],
)
def test_a_model_with_what_single_fields_lack_is_refused(made, part, what):
    config, _, _ = made
    more = config.model.model_copy(update={part: what})
    with pytest.raises(InputError, match=rf"model\.{part}"):
        Reconstruction(more, config.variables, config.grid)

"""What is masked neither acts nor counts; what is not is untouched."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis, static_fields
from weather.forecasting.experts import Experts
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import find_masks, measure
from weather.training.objectives import ForecastLoss, ForecastLossConfig
from weather.training.one_step import one_step_scores

HOURS_6 = 21600
BACKBONES = {
    "planar": TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4), patch=(None, 2, 2)),
    "levels": TransformerConfig(
        dim=8, depths=(1,), heads=(1,), window=(2, 2, 4), patch=(1, 1, 1), bias="earth"
    ),
    "graph": GraphConfig(dim=8, steps=1, refinements=2),
}


def build(path, backbone, boundary=None):
    """A model with statistics, and all windows of two past and two future times."""
    dataset = open_reanalysis(path)
    variables = all_variables(dataset, ("year",))
    fields = open_fields(dataset, variables, memory=1)
    period = (fields.times[0], fields.times[-1])
    pairs = samples(fields, period, HOURS_6, 2)
    masks = find_masks(pairs, "auto")
    config = ForecasterConfig(
        model=ModelConfig(history=2, backbone=backbone, boundary=boundary),
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=6,
        masked=tuple(masks),
    )
    torch.manual_seed(0)
    model = config.build()
    model.masks.set(masks)
    model.statistics.set(measure(pairs, masks))
    model.set_static(static_fields(dataset, variables))
    return Forecaster(model, config, {}), samples(fields, period, HOURS_6, 4)


@pytest.fixture(params=BACKBONES, scope="module")
def made(request, holed, tmp_path_factory):
    path = tmp_path_factory.mktemp("holed") / "data.nc"
    holed.to_netcdf(path)
    return build(path, BACKBONES[request.param])


def masks_of(model):
    return model.masks.surface(), model.masks.upper()


def test_cells_without_values_are_found_by_variable_and_level(made):
    forecaster, _ = made
    masks = forecaster.model.masks.named()
    assert set(masks) == {"msl", "t"}
    assert int(masks["msl"].sum()) == 2 * 3
    assert masks["t"].sum(dim=(1, 2)).tolist() == [0, 3]


def test_values_in_masked_cells_change_nothing(made):
    forecaster, data = made
    batch = data.__getitems__([0, 9]).at(slice(2))
    surface, upper = masks_of(forecaster.model)
    other = batch.surface.clone(), batch.upper.clone()
    other[0][surface.expand_as(other[0])] = -9e33
    other[1][upper.expand_as(other[1])] = 0.0
    filled = type(batch)(*other, batch.time, batch.variables, batch.grid)
    with torch.no_grad():
        first, second = forecaster.model(batch), forecaster.model(filled)
    assert torch.equal(first.surface.nan_to_num(), second.surface.nan_to_num())
    assert torch.equal(first.upper.nan_to_num(), second.upper.nan_to_num())
    assert torch.equal(first.surface.isnan(), surface.expand_as(first.surface))
    assert torch.equal(first.upper.isnan(), upper.expand_as(first.upper))


def test_no_gradient_comes_from_masked_cells(made):
    forecaster, data = made
    model = forecaster.model
    batch = data.__getitems__([0, 9])
    batch.surface.requires_grad_()
    batch.upper.requires_grad_()
    loss = ForecastLoss(ForecastLossConfig(steps=2), model.variables, model.grid, model.counted())
    error, _ = loss(model, batch)
    error.backward()
    for gradient, mask in zip((batch.surface.grad, batch.upper.grad), masks_of(model), strict=True):
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0
        assert gradient[mask.expand_as(gradient)].abs().max() == 0
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_an_error_of_one_change_in_all_other_cells_is_one(made):
    model, batch = made[0].model, made[1].__getitems__([3])
    truth = batch.at(slice(1, 2))
    off = type(truth)(
        truth.surface + model.statistics.surface("change"),
        truth.upper + model.statistics.upper("change"),
        truth.time,
        truth.variables,
        truth.grid,
    )
    loss = ForecastLoss(ForecastLossConfig(), model.variables, model.grid, model.counted())
    assert float(loss.error(model, off, truth)) == pytest.approx(1, 1e-3)


def test_statistics_and_scores_leave_masked_cells_out(made):
    forecaster, data = made
    batch = data.__getitems__(range(len(data)))
    known = batch.surface[:, 0, 0]
    mean = known[known.isfinite()].mean()
    assert float(forecaster.model.statistics.surface("mean")[0]) == pytest.approx(float(mean), 1e-4)
    scores = one_step_scores(forecaster.model, data, forecaster.model.step)
    assert np.isfinite([[score.rmse, score.persistence] for score in scores]).all()


def test_of_many_samples_some_are_scored(made, monkeypatch):
    forecaster, data = made
    monkeypatch.setattr("weather.training.one_step.MOST", 3)
    some = replace(data, index=data.index[[0, len(data) // 2, -1]])
    for score, other in zip(
        one_step_scores(forecaster.model, data, forecaster.model.step, 2),
        one_step_scores(forecaster.model, some, forecaster.model.step),
        strict=True,
    ):
        assert score.rmse == pytest.approx(other.rmse, rel=1e-5)


def test_models_with_other_masks_do_not_take_turns(made):
    forecaster, _ = made
    config = forecaster.config.model_copy(update={"step_hours": 24})
    later = Forecaster(config.build(), config, {})
    cells = {name: mask.clone() for name, mask in forecaster.model.masks.named().items()}
    later.model.masks.set(cells)
    Experts.of([forecaster, later])
    next(iter(cells.values()))[..., 0, 0] ^= True
    later.model.masks.set(cells)
    with pytest.raises(InputError, match="need the same masks"):
        Experts.of([forecaster, later])


def test_a_file_brings_the_masks_back(made, tmp_path):
    forecaster, data = made
    forecaster.save(tmp_path / "model.safetensors")
    loaded = Forecaster.load(tmp_path / "model.safetensors", device="cpu")
    batch = data.__getitems__([5])
    with torch.no_grad():
        first, second = forecaster.model(batch), loaded.model(batch)
    assert torch.equal(first.upper.nan_to_num(), second.upper.nan_to_num())
    assert first.surface.isnan().any()


def test_a_model_without_masks_has_no_trace_of_them(waves_file):
    forecaster, _ = build(waves_file, BACKBONES["planar"])
    names = forecaster.model.state_dict()
    assert not [name for name in names if "mask" in name or "boundary" in name]
    assert forecaster.model.counted() is None


def test_weights_of_a_mask_carry_the_name_of_its_variable(made):
    names = [name for name in made[0].model.state_dict() if "_mask" in name]
    assert {name.rsplit(".", 1)[-1] for name in names} == {"msl_mask", "t_mask"}


def test_forecasts_start_from_analyses_with_and_without_the_holes(made, region, holed, tmp_path):
    forecaster, _ = made
    region.to_netcdf(tmp_path / "whole.nc")
    holed.to_netcdf(tmp_path / "holed.nc")
    start = [np.datetime64("2001-01-05T00")]
    first, second = (
        forecaster.forecast(open_reanalysis(tmp_path / name), start, 2)
        for name in ("whole.nc", "holed.nc")
    )
    assert first.equals(second)
    broken = holed.assign(z=holed.z.where(holed.latitude != 0).assign_attrs(holed.z.attrs))
    broken.isel(time=slice(20)).to_netcdf(tmp_path / "broken.nc")
    with pytest.raises(InputError, match="z at 500 hPa is NaN"):
        forecaster.forecast(open_reanalysis(tmp_path / "broken.nc"), start, 2)

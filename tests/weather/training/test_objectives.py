"""The loss against closed forms."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from sciml.config import dump_config, load_config
from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.statistics import of_steps
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, open_fields, samples
from weather.training.measure import measure
from weather.training.objectives import ForecastLoss, ForecastLossConfig, cell_weights


@pytest.fixture(scope="module")
def made(waves_file):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ())
    fields = open_fields(dataset, variables, memory=1)
    backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
    model = ForecasterConfig(
        model=ModelConfig(backbone=backbone),
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=6,
    ).build()
    data = samples(fields, (fields.times[0], fields.times[-1]), 21600, 4)
    model.statistics.set(measure(samples(fields, (fields.times[0], fields.times[-1]), 21600, 2)))
    return model, data.__getitems__([0, 7, 20])


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"zz": 2.0}, "no variable of the model is 'zz'"),
        ({"z500": 2.0}, "no variable of the model is 'z500'"),
        ({"z": 0, "msl": 0, "u": 0, "v": 0, "t": 0, "q": 0}, "0 for all variables"),
    ],
)
def test_weights_that_weigh_nothing_are_told(made, weights, words):
    model, _ = made
    with pytest.raises(InputError, match=words):
        make(model, weights=weights)
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        make(model, weights={"z": -1})
    make(model, weights={"tp": 0.1})  # of a preset, for data without it


def make(model, **options):
    return ForecastLoss(ForecastLossConfig(**options), model.variables, model.grid)


@pytest.mark.parametrize(("norm", "expected"), [("l1", 2.0), ("mse", 4.0)])
def test_an_error_of_two_usual_changes_everywhere(made, norm, expected):
    model, batch = made
    truth = batch.at(slice(1, 2))
    off = replace(
        truth,
        surface=truth.surface + 2 * model.statistics.surface("change"),
        upper=truth.upper + 2 * model.statistics.upper("change"),
    )
    assert float(make(model, norm=norm).error(model, off, truth)) == pytest.approx(expected, 1e-3)


def test_weights_of_variables_levels_and_areas(made):
    model, batch = made
    truth = batch.at(slice(1, 2))
    upper = truth.upper.clone()
    upper[:, :, 0, 1, 3] += 3 * model.statistics.upper("change")[0, 1]  # z850 on one row
    off = replace(truth, upper=upper)
    loss = make(model, levels="pressure", weights={"z": 2.0, "msl": 0.5})
    share = 2.0 / (2.0 + 1.0 + 0.5) * 850 / (500 + 850)
    row = model.grid.area_weights()[3] / 8
    assert float(loss.error(model, off, truth)) == pytest.approx(9 * share * row, rel=1e-3)


def test_steps_are_rolled_out_and_discounted(made):
    model, batch = made
    with torch.no_grad():
        one, _ = make(model, steps=1)(model, batch)
        three, terms = make(model, steps=3, discount=0.5)(model, batch)
        second = model(model(batch.at(slice(1))))
        error = make(model).error(model, second, batch.at(slice(2, 3)))
    torch.testing.assert_close(terms["step_1"], one)
    torch.testing.assert_close(terms["step_2"], error)
    expected = (terms["step_1"] + terms["step_2"] / 2 + terms["step_3"] / 4) / 1.75
    torch.testing.assert_close(three, expected)


def test_the_roll_out_grows_with_the_share_of_the_training(made):
    model, batch = made
    loss = make(model, steps={0: 1, 0.5: 2, 0.75: 3})
    lengths = {}
    with torch.no_grad():
        for share in (0.0, 0.49, 0.5, 0.8, 1.0):
            loss.share = share
            lengths[share] = max(1, len(loss(model, batch)[1]))
    assert lengths == {0.0: 1, 0.49: 1, 0.5: 2, 0.8: 3, 1.0: 3}
    assert loss.config.mean_steps == 0.5 * 1 + 0.25 * 2 + 0.25 * 3


def test_a_growing_roll_out_is_read_back_from_its_yaml(tmp_path):
    config = ForecastLossConfig(steps={0: 1, 0.5: 2})
    (tmp_path / "loss.yaml").write_text(dump_config(config))
    assert load_config(ForecastLossConfig, tmp_path / "loss.yaml") == config


@pytest.mark.parametrize("steps", [{0.5: 2}, {0: 1, 1.5: 2}, {0: 0}, {}])
def test_a_growing_roll_out_covers_the_training(steps):
    with pytest.raises(ValueError, match=r"shares of the training|greater than or equal"):
        ForecastLossConfig(steps=steps)


def test_a_roll_out_keeps_to_the_step_of_its_sample(waves_file):
    """Two steps of 12 h of a model for 6 and 12 h, each error in usual changes over 12 h."""
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ())
    fields = open_fields(dataset, variables, memory=1)
    period = (fields.times[0], fields.times[-1])
    backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
    grid = LatLonGrid.from_dataset(dataset)
    model = WeatherModel(ModelConfig(backbone=backbone), variables, grid, (21600, 43200))
    moments = [measure(samples(fields, period, step, 2)) for step in model.steps]
    model.statistics.set(of_steps(moments))
    batch = samples(fields, period, 43200, 3).__getitems__([0, 7])
    with torch.no_grad():
        _, terms = make(model, steps=2)(model, batch)
        second = model(model(batch.at(slice(1)), 43200), 43200)
    truth = batch.at(slice(2, 3))
    scale = [model.statistics.surface("change", 1), model.statistics.upper("change", 1)]
    area = torch.from_numpy(model.grid.area_weights())[:, None].float()
    surface = ((second.surface - truth.surface) / scale[0]).square() * area
    upper = ((second.upper - truth.upper) / scale[1]).square() * area
    assert (batch.time.diff(dim=1) == 43200).all()
    torch.testing.assert_close(terms["step_2"], surface.mean() / 3 + upper.mean() * 2 / 3)


def test_weights_of_the_cells_that_count_have_mean_one_or_are_zero(made):
    model, _ = made
    counted = torch.ones(2, *model.grid.shape, dtype=torch.bool)
    counted[0, :3] = False
    counted[1] = False
    some, none = cell_weights(model.grid, counted)
    assert float(some.mean()) == pytest.approx(1, 1e-12)
    assert some[:3].abs().max() == 0
    area = torch.from_numpy(model.grid.area_weights())
    torch.testing.assert_close(some[4] / some[3], (area[4] / area[3]).expand(16))
    assert none.abs().max() == 0

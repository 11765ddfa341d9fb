"""The CRPS of members as a loss: closed forms, another library, and what members may do."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import norm

from sciml.config import load_config
from sciml.errors import InputError
from sciml.layers import Modulation
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.noise import NoiseConfig
from weather.models.transformer import TransformerConfig
from weather.training.crps import almost_fair_crps
from weather.training.data import all_variables, open_fields, samples
from weather.training.experiment import ExperimentConfig, require_noise
from weather.training.measure import measure
from weather.training.objectives import CRPSConfig, ForecastLoss, ForecastLossConfig
from weather.verification.probabilistic import fair_crps


@pytest.fixture
def noisy(waves_file):
    """Makes a model of three numbers of noise, and a batch of three times."""
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ())
    fields = open_fields(dataset, variables, memory=1)
    period = (fields.times[0], fields.times[-1])
    backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))

    def make(trained: bool = True):
        torch.manual_seed(0)
        model = WeatherModel(
            ModelConfig(backbone=backbone, noise=NoiseConfig(dim=3)),
            variables,
            LatLonGrid.from_dataset(dataset),
            21600,
        )
        model.statistics.set(measure(samples(fields, period, 21600, 2)))
        for module in model.modules():
            if trained and isinstance(module, Modulation):
                torch.nn.init.normal_(module.weight, std=0.3)
        return model, samples(fields, period, 21600, 3).__getitems__([0, 7, 20])

    return make


def gaussian_crps(mean: float, std: float, truth: float) -> float:
    """Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102, 359, equation 21 with its sign."""
    z = (truth - mean) / std
    return std * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))


@pytest.mark.parametrize("members", [2, 5])
def test_of_members_of_a_gaussian_it_expects_the_closed_form(members):
    draw = torch.Generator().manual_seed(0)
    x = 1.0 + 0.7 * torch.randn(400_000, members, generator=draw, dtype=torch.float64)
    score = almost_fair_crps(x - 0.2)
    error = float(score.std() / len(score) ** 0.5)
    assert float(score.mean()) == pytest.approx(gaussian_crps(1.0, 0.7, 0.2), abs=4 * error)


def test_the_fair_score_is_that_of_the_verification():
    draw = np.random.default_rng(0)
    members, truth = draw.normal(size=(6, 4, 5)), draw.normal(size=(4, 5))
    errors = torch.from_numpy(members - truth).transpose(0, 1)
    np.testing.assert_allclose(almost_fair_crps(errors).numpy(), fair_crps(members, truth))


def test_a_share_of_the_plain_score():
    errors = torch.tensor([[0.0, 1.0, 3.0]], dtype=torch.float64)
    apart = (errors[0, :, None] - errors[0]).abs().sum()
    fair, plain = (errors.abs().mean() - apart / (2 * of) for of in (3 * 2, 3 * 3))
    mixed = float(0.9 * fair + 0.1 * plain)
    assert float(almost_fair_crps(errors, 0.9)) == pytest.approx(mixed, abs=1e-12)


def test_one_free_member_is_what_the_fair_score_forgets():
    """All but one right: the fair score is zero wherever the last one is, the other not."""
    errors = torch.tensor([[0.0, 0.0, 7.0]])
    assert float(almost_fair_crps(errors)) == pytest.approx(0, abs=1e-6)
    assert float(almost_fair_crps(errors, 0.95)) == pytest.approx(7 / 3 * 0.05 / 3, rel=1e-4)


def test_members_may_change_places():
    errors = torch.randn(3, 4, 6, dtype=torch.float64)
    score = almost_fair_crps(errors, 0.95)
    for order in permutations(range(4)):
        torch.testing.assert_close(almost_fair_crps(errors[:, order], 0.95), score)


def test_members_without_spread_score_the_absolute_error(noisy):
    """Fresh weights do not know the noise yet: the CRPS of alike members is |x - y|."""
    model, batch = noisy(trained=False)
    options = {"steps": 2, "levels": "pressure", "weights": {"z": 2.0}}
    with torch.no_grad():
        crps, terms = of(model, CRPSConfig(members=3, **options))(model, batch)
        error, same = of(model, ForecastLossConfig(norm="l1", **options))(model, batch)
    torch.testing.assert_close(crps, error)
    torch.testing.assert_close(terms, same)


def test_each_member_goes_on_from_its_own_state(noisy):
    """Two steps by hand, with the numbers that the loss draws."""
    model, batch = noisy()
    config = CRPSConfig(members=2, alpha=1.0, steps=2)
    loss = of(model, config)
    with torch.no_grad():
        torch.manual_seed(3)
        value, _ = loss(model, batch)
        torch.manual_seed(3)
        state, scores = batch.repeated(2).at(slice(1)), []
        for step in (1, 2):
            state = model(state, noise=torch.randn(2 * len(batch), 3))
            truth = batch.at(slice(step, step + 1))
            scores.append(loss.error(model, state, truth))
    torch.testing.assert_close(value, torch.stack(scores).mean())
    assert not torch.equal(state.upper[0], state.upper[1])


def test_each_sample_is_scored_by_its_own_members(noisy):
    model, batch = noisy()
    loss = of(model, CRPSConfig(members=2))
    many = batch.repeated(2)
    with torch.no_grad():
        noise = torch.randn(len(many), 3)
        forecast = model(many.at(slice(1)), noise=noise)
        together = loss.error(model, forecast, batch.at(slice(1, 2)))
        alone = []
        for sample in range(len(batch)):
            own = slice(2 * sample, 2 * sample + 2)
            part = cut(forecast, own)
            truth = cut(batch, slice(sample, sample + 1)).at(slice(1, 2))
            alone.append(loss.error(model, part, truth))
    torch.testing.assert_close(together, torch.stack(alone).mean())


def test_an_objective_without_kind_is_an_error(tmp_path):
    (tmp_path / "plain.yaml").write_text("objective: {norm: l1}\n")
    assert load_config(ExperimentConfig, tmp_path / "plain.yaml").objective.kind == "error"
    crps = load_config(ExperimentConfig, None, ["objective.kind=crps", "objective.members=4"])
    assert crps.objective == CRPSConfig(members=4)
    with pytest.raises(InputError, match=r"unknown key 'objective\.norm'"):
        load_config(ExperimentConfig, None, ["objective.kind=crps", "objective.norm=l1"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["objective.kind=crps"], "give it noise, as with model.noise"),
        (["model.noise.dim=4"], "set objective.kind to crps"),
    ],
)
def test_noise_and_crps_go_together(options, message):
    with pytest.raises(InputError, match=message):
        require_noise(load_config(ExperimentConfig, None, options))


def of(model, config):
    return ForecastLoss(config, model.variables, model.grid)


def cut(state, samples):
    return replace(
        state, surface=state.surface[samples], upper=state.upper[samples], time=state.time[samples]
    )

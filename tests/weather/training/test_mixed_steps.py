"""Batches of several time steps, and the one model that they train."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sciml.config import load_config, named_config
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.rollout import rollout
from weather.training.data import DataConfig, all_variables, open_fields, samples, split
from weather.training.experiment import ExperimentConfig, train
from weather.training.mixed_steps import MixedSteps, mixed
from weather.training.objectives import step_of

STEPS = (21600, 43200, 86400)


@pytest.fixture(scope="module")
def fields(waves_file):
    dataset = open_reanalysis(waves_file)
    return open_fields(dataset, all_variables(dataset, ()), memory=1)


@pytest.fixture(scope="module")
def data(fields):
    found = mixed(fields, (fields.times[0], fields.times[40]), STEPS, 3)
    assert isinstance(found, MixedSteps)
    return found


def test_every_step_has_the_same_initial_times(data, fields):
    first = [part.__getitems__(range(len(part))).datetimes()[:, 0] for part in data.parts]
    assert len(first[0]) == 40 - 8  # 24 h, twice, fit into ten days
    assert (first[0] == first[1]).all()
    assert (first[0] == first[2]).all()
    assert first[0][0] == fields.times[0]


def test_a_batch_has_one_step_that_follows_from_its_indices(data):
    draw = np.random.default_rng(0)
    count = dict.fromkeys(STEPS, 0)
    for _ in range(300):
        indices = draw.choice(len(data), 4, replace=False).tolist()
        batch = data.__getitems__(indices)
        assert (batch.time.diff(dim=1) == step_of(batch)).all()
        assert torch.equal(batch.time, data.__getitems__(indices).time)
        count[step_of(batch)] += 1
    assert min(count.values()) > 70


def test_in_order_every_sample_comes_once(data):
    times = [data.__getitems__([i]).time[0].tolist() for i in range(len(data))]
    assert len({tuple(row) for row in times}) == len(data) == 3 * 32


def test_every_run_has_each_of_its_times_once_and_all_steps(data, fields):
    assert data.runs is None  # in memory
    stored = SimpleNamespace(times=fields.times, run=8)
    parts = tuple(replace(part, fields=stored) for part in data.parts)
    runs = MixedSteps(parts).runs
    assert len(runs) == len(data)
    assert len(set(runs)) == 3 * 4  # 32 times, thrice
    for run in set(runs):
        steps, times = np.divmod(np.flatnonzero(runs == run), 32)
        assert set(steps) == {0, 1, 2}
        assert sorted(times) == list(range(min(times), min(times) + 8))
        assert min(times) % 8 == 0


def test_one_step_is_the_ordinary_data_set(fields):
    period = (fields.times[0], fields.times[40])
    ordinary = samples(fields, period, 43200, 3)
    assert np.array_equal(mixed(fields, period, [43200], 3).index, ordinary.index)


@pytest.mark.slow
def test_direct_steps_forecast_as_well_as_roll_outs(hundred_days, tmp_path):
    """12 and 24 h in one call are within half as much again of two and four calls of 6 h.

    Both are below 3 % of persistence, so that neither is trivially equal to the other. One
    seed gave 0.80 and 1.11 times the roll-out's error.
    """
    hundred_days.to_netcdf(tmp_path / "waves.nc")
    overrides = [
        f"data.paths=[{tmp_path / 'waves.nc'}]", "model.backbone.dim=32",
        "model.backbone.window=[2, 4]", "training.batch_size=8", "training.epochs=4",
        "training.precision=32-true",
    ]  # fmt: skip
    shipped = named_config("weather", "small_steps")
    config = load_config(ExperimentConfig, shipped, overrides)
    model = train(config, tmp_path / "run").forecaster.model
    dataset = open_reanalysis(tmp_path / "waves.nc")
    fields = open_fields(dataset, model.variables, memory=1)
    unseen = samples(fields, split(fields.times, DataConfig())["test"], STEPS[0], 5)
    truth = unseen.__getitems__(range(len(unseen)))
    start = truth.at(slice(1))

    def error(forecast, number):
        return (forecast.upper[:, 0] - truth.upper[:, number]).square().mean().sqrt()

    with torch.no_grad():
        rolled = list(rollout(partial(model, step=STEPS[0]), start, 4))
        for calls, step in ((2, STEPS[1]), (4, STEPS[2])):
            direct = error(model(start, step), calls)
            assert direct < 1.5 * error(rolled[calls - 1], calls)
            assert direct < 0.03 * error(start, calls)
            assert error(rolled[calls - 1], calls) < 0.03 * error(start, calls)

"""Roll-outs that grow: what is read is what is rolled out, and nothing else changes."""

import numpy as np
import pytest
import torch

from sciml.config import load_config
from weather.state import State
from weather.training import experiment
from weather.training.data import WeatherDataset
from weather.training.experiment import ExperimentConfig, train
from weather.training.objectives import ForecastLoss
from weather.training.roll_outs import RollOuts


@pytest.mark.filterwarnings("ignore:os.fork")  # of JAX, where a simulation ran in this process
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["training.accumulate=3", "training.epochs=3"],
        ["training.workers=1"],
        ["data.step_hours=[6, 12]", "objective.steps={0: 1, 0.5: 2}"],
        ["training.max_steps=7"],
    ],
    ids=lambda options: " ".join(options),
)
def test_samples_are_as_long_as_the_roll_out(
    options, tiny_config, waves_file, tmp_path, monkeypatch
):
    needed, read = [], []
    of_step = ForecastLoss.of_step

    def recorded(self, model, batch: State, step):
        if self.share < 1:
            needed.append(model.history + self.config.steps_at(self.share))
            read.append(batch.time.shape[1])
        return of_step(self, model, batch, step)

    monkeypatch.setattr(ForecastLoss, "of_step", recorded)
    steps = ["objective.steps={0: 1, 0.3: 2, 0.6: 3}", "training.epochs=2"]
    options = [*steps, f"data.paths=[{waves_file}]", *options]
    config = load_config(ExperimentConfig, tiny_config["transformer"], options)
    cut = train(config, tmp_path / "cut").forecaster.model.state_dict()
    assert read == needed
    assert len(set(needed)) > 1
    monkeypatch.setattr(experiment, "RollOuts", lambda data, *_: data)
    whole = train(config, tmp_path / "whole").forecaster.model.state_dict()
    assert set(read[len(needed) // 2 :]) == {max(needed)}
    for name, values in whole.items():
        torch.testing.assert_close(cut[name], values, rtol=0, atol=0)


def test_the_samples_are_the_same_throughout(tiny_config):
    index = np.arange(8)[:, None] + np.arange(5)
    objective = load_config(
        ExperimentConfig, tiny_config["transformer"], ["objective.steps={0: 1, 0.5: 4}"]
    )
    data = WeatherDataset(fields=None, index=index)
    growing = RollOuts(data, 1, objective.objective)
    assert len(growing.at(0)) == len(growing.at(1)) == len(growing) == 8
    np.testing.assert_array_equal(growing.at(0.4).index, index[:, :2])
    np.testing.assert_array_equal(growing.at(0.5).index, index)

"""The first yardstick on real data: a day ahead over Europe, beside a linear model."""

from pathlib import Path

import pytest

from sciml.config import load_config, named_config
from weather.training.experiment import ExperimentConfig, train


@pytest.mark.slow
def test_europe_beats_persistence_and_the_linear_model(shared_data: Path, tmp_path: Path) -> None:
    """`verification/test_baselines.py` holds the linear model's errors: 510, 564, 2.15."""
    folder = shared_data / "weather"
    paths = [
        folder / "erainterim_europe_1p5deg_daily12z_2000-2008.nc",
        folder / "static" / "static_europe_1p5deg.nc",
    ]
    overrides = [f"data.paths=[{', '.join(str(path) for path in paths)}]"]
    config = load_config(ExperimentConfig, named_config("weather", "europe"), overrides)
    scores = {score.name: score for score in train(config, tmp_path / "run").scores}
    linear = {"msl": 510.0, "z500": 564.0, "t850": 2.15}
    for name, error in linear.items():
        assert scores[name].rmse < error < scores[name].persistence

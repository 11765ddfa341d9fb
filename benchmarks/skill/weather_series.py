"""The real series of `weather_real` as plain arrays, which other programs' models learn too."""

import json
from pathlib import Path

import numpy as np
import xarray as xr
from weather_real import STATIC, TASKS, Task, linear, stacked

from sciml.config import load_config, named_config
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.training.data import split
from weather.training.experiment import ExperimentConfig
from weather.verification.metrics import area_mean


def require(folder: Path, source: Path, series: str) -> None:
    """Make the arrays of a series where they are not there."""
    if not (folder / "atmosphere.json").exists():
        make(folder, source, series)


def make(folder: Path, source: Path, series: str) -> None:
    """Write `fields.npy` and `atmosphere.json`, which `weather_data.Atmosphere` reads.

    Args:
        folder: to write to.
        source: folder of the real series.
        series: one of `TASKS`.
    """
    task = TASKS[series]
    real = open_reanalysis([source / task.file, source / "static" / task.static])
    real = real[[*task.variables, *STATIC]].load()
    config = experiment(series)
    cuts = split(real["time"].values, config.data)
    times = {name: np.searchsorted(real["time"].values, ends) for name, ends in cuts.items()}
    facts = {
        "names": task.variables,
        "levels": [],
        "lat": real["lat"].values.tolist(),
        "lon": real["lon"].values.tolist(),
        "orography": real["z_surface"].values.tolist(),
        "hours": task.step,
        "leads": task.leads,
        "history": config.model.history,
        **{name: ends.tolist() for name, ends in times.items()},
        "yardsticks": {
            lead: yardsticks(task, real, int(times["test"][0]), lead) for lead in task.leads
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "fields.npy", stacked(task, real).astype(np.float32))
    (folder / "atmosphere.json").write_text(json.dumps(facts))


def experiment(series: str) -> ExperimentConfig:
    """The shipped configuration."""
    return load_config(ExperimentConfig, named_config("weather", TASKS[series].config), [])


def yardsticks(task: Task, real: xr.Dataset, first: int, lead: int) -> dict[str, dict[str, float]]:
    """RMSE of the linear model and of persistence after `first`, by field."""
    weights, fields = LatLonGrid.from_dataset(real).area_weights(), stacked(task, real)
    truth = fields[first + lead // task.step :]
    guesses = {
        "linear": linear(task, real, first, lead),
        "persistence": fields[first : len(fields) - lead // task.step],
    }
    found = {name: area_mean((guess - truth) ** 2, weights) for name, guess in guesses.items()}
    return {
        name: dict(zip(task.variables, np.sqrt(squares.mean(0)).tolist(), strict=True))
        for name, squares in found.items()
    }

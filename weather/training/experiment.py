"""A whole experiment: data, model, training, and the model file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from sciml.config import Config, dump_config
from sciml.errors import InputError
from sciml.files import atomic_path, claim_run
from sciml.training import FitResult, TrainingConfig, fit
from sciml.transfer import TransferConfig, transfer
from weather.files.reanalysis import open_reanalysis, require, static_fields
from weather.forecasting.forecaster import KIND, Forecaster, ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.statistics import of_steps
from weather.models.steps import from_seconds
from weather.training.data import (
    DataConfig,
    WeatherDataset,
    all_variables,
    measure,
    open_fields,
    samples,
    split,
    time_steps,
)
from weather.training.mixed_steps import mixed
from weather.training.objectives import ForecastLoss, ForecastLossConfig
from weather.variables import describe


class ExperimentConfig(Config):
    """The sections of an experiment's YAML file."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ForecastLossConfig = ForecastLossConfig()
    training: TrainingConfig = TrainingConfig()
    transfer: TransferConfig | None = None


@dataclass(frozen=True)
class Score:
    """Area-weighted root mean square errors a time step ahead, in the field's unit.

    Attributes:
        name: of a 2-D field, such as `z500`.
        hours: time step.
        rmse: of the model, over a period.
        persistence: of the last state.
    """

    name: str
    hours: float
    rmse: float
    persistence: float


@dataclass(frozen=True)
class Trained:
    """What came of an experiment: the forecaster, how training went, one-step scores."""

    forecaster: Forecaster
    fit: FitResult
    scores: tuple[Score, ...]


def train(config: ExperimentConfig, run: Path, resume: bool = False) -> Trained:
    """Run an experiment and write `run/model.safetensors`.

    Args:
        config: see `ExperimentConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on from the last checkpoint in `run`.

    Raises:
        InputError: data, configuration or checkpoint that do not go together.
    """
    dataset = open_series(config.data)
    variables = config.data.variables or all_variables(dataset, config.data.forcing)
    require(dataset, variables)
    steps = time_steps(dataset["time"].values, config.data.step_hours)
    periods = split(dataset["time"].values, config.data)
    made = ForecasterConfig(
        model=config.model,
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=from_seconds(steps),
    )
    fields = open_fields(dataset, variables, config.data.memory)
    torch.manual_seed(config.training.seed)
    model = made.build()
    moments = [measure(samples(fields, periods["train"], step, 2)) for step in steps]
    model.statistics.set(of_steps(moments))
    model.set_static(static_fields(dataset, variables))
    if config.transfer is not None:
        transfer(model, config.transfer, KIND)
    claim_run(run, resume)
    with atomic_path(run / "config.yaml") as path:
        path.write_text(dump_config(config), encoding="utf-8")
    length = config.model.history + config.objective.steps
    parts = {name: mixed(fields, period, steps, length) for name, period in periods.items()}
    loss = ForecastLoss(config.objective, variables, made.grid)
    result = fit(model, loss, parts["train"], parts.get("valid"), config.training, run, resume)
    held_out = _held_out(periods)
    length = config.model.history + 1
    scores = tuple(
        score
        for step in steps
        for score in one_step_scores(
            model, samples(fields, held_out, step, length), step, config.training.batch_size
        )
    )
    forecaster = Forecaster(model, made, _metadata(dataset, config.data, periods, scores))
    forecaster.save(run / "model.safetensors")
    return Trained(forecaster, result, scores)


def one_step_scores(
    model: WeatherModel, data: WeatherDataset, step: int, batch_size: int
) -> tuple[Score, ...]:
    """Errors of one time step of `step` seconds, and of persistence, by 2-D field.

    The mean over times and cells, weighted by area, of squared errors; then the root.
    Not more than `batch_size` samples at once, nor 16.
    """
    area = torch.from_numpy(model.grid.area_weights())[:, None]
    sums = torch.zeros(2, len(model.variables.channels), dtype=torch.float64)
    model.eval()
    size = min(16, batch_size)
    for first in range(0, len(data), size):
        batch = data.__getitems__(range(first, min(first + size, len(data))))
        start, truth = batch.at(slice(model.history)), batch.at(slice(-1, None))
        with torch.inference_mode():
            forecast = model(start, step)
        for row, guess in enumerate((forecast, start.at(slice(-1, None)))):
            surface = (guess.surface - truth.surface).double().square() * area
            upper = (guess.upper - truth.upper).double().square() * area
            errors = torch.cat([surface.flatten(1, 2), upper.flatten(1, 3)], dim=1)
            sums[row] += errors.mean(dim=(-2, -1)).sum(0)
    rmse, persistence = (sums / max(1, len(data))).sqrt().tolist()
    rows = zip(model.variables.channels, rmse, persistence, strict=True)
    return tuple(Score(name, step / 3600, *errors) for name, *errors in rows)


def open_series(config: DataConfig) -> xr.Dataset:
    """The analyses of an experiment.

    Raises:
        InputError: no time axis, or files that cannot be read.
    """
    dataset = open_reanalysis(list(config.paths))
    if "time" not in dataset.dims:
        raise InputError("the data has no time axis; a forecast model needs a series")
    return dataset


def _held_out(
    periods: dict[str, tuple[np.datetime64, np.datetime64]],
) -> tuple[np.datetime64, np.datetime64]:
    name = next(name for name in ("test", "valid", "train") if name in periods)
    return periods[name]


def _metadata(
    dataset: xr.Dataset,
    config: DataConfig,
    periods: dict[str, tuple[np.datetime64, np.datetime64]],
    scores: Sequence[Score],
) -> dict[str, object]:
    """Plain data for the model file's header."""
    day = {name: [str(t.astype("datetime64[m]")) for t in ends] for name, ends in periods.items()}
    variables = [str(name) for name in dataset.data_vars]
    by_step = {score.hours: _by_name(scores, score.hours) for score in scores}
    shortest, *longer = by_step
    return {
        "data": [path.name for path in config.paths],
        "periods": day,
        "period": "..".join(day["train"]),
        "units": {name: dataset[name].attrs.get("units", "") for name in variables},
        "attributes": {n: dict(dataset[n].attrs) for n in variables if describe(n) is None},
        "one_step_scores": by_step[shortest],
        "longer_step_scores": {f"{hours:g} h": by_step[hours] for hours in longer},
    }


def _by_name(scores: Sequence[Score], hours: float) -> dict[str, dict[str, float]]:
    return {
        score.name: {"rmse": score.rmse, "persistence": score.persistence}
        for score in scores
        if score.hours == hours
    }

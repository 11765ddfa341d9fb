"""A whole experiment: data, model, training, and the model file."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from pydantic import Field
from torch import Tensor

from sciml.config import Config, dump_config
from sciml.errors import InputError
from sciml.files import atomic_path, claim_run
from sciml.model_file import read_header
from sciml.training import FitResult, TrainingConfig, fit
from sciml.transfer import TransferConfig, transfer
from weather.checking.preflight import apply, inspect
from weather.files.reanalysis import open_reanalysis, static_fields
from weather.files.sources import short_name
from weather.forecasting.boundary import one_step
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import KIND, ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.reconstruction import KIND as PRETRAINED
from weather.models.statistics import of_steps
from weather.models.steps import from_seconds, in_hours
from weather.training.data import (
    DataConfig,
    Fields,
    WeatherDataset,
    all_variables,
    open_fields,
    require_times,
    samples,
    split,
    time_steps,
)
from weather.training.measure import find_masks
from weather.training.mixed_steps import MixedSteps, mixed
from weather.training.objectives import (
    CRPSConfig,
    ForecastLoss,
    ForecastLossConfig,
    ObjectiveConfig,
    cell_weights,
)
from weather.training.store import prepared_store, statistics
from weather.variables import Variables, describe

Period = tuple[np.datetime64, np.datetime64]


class ForecastTrainingConfig(TrainingConfig):
    """How a forecast model is trained.

    Attributes:
        snapshots: models to keep, beside the final one, of evenly spaced points in the second
            half of the training: members of an ensemble.
    """

    snapshots: int = Field(0, ge=0, le=100)


class ExperimentConfig(Config):
    """The sections of an experiment's YAML file."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: ObjectiveConfig = ForecastLossConfig()
    training: ForecastTrainingConfig = ForecastTrainingConfig()
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
    """What came of an experiment.

    Attributes:
        forecaster: the final model.
        fit: how training went.
        scores: a time step ahead.
        snapshots: files of the models that were kept on the way.
    """

    forecaster: Forecaster
    fit: FitResult
    scores: tuple[Score, ...]
    snapshots: tuple[Path, ...] = ()


def train(
    config: ExperimentConfig,
    run: Path,
    resume: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> Trained:
    """Run an experiment and write `run/model.safetensors`.

    Args:
        config: see `ExperimentConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on from the last checkpoint in `run`.
        tell: called with a line for each correction and each warning about the data.

    Raises:
        InputError: data, configuration or checkpoint that do not go together.
    """
    require_noise(config)
    series = open_data(config.data, tell)
    made = series.forecaster_config(config.model)
    torch.manual_seed(config.training.seed)
    model = _build(made, series)
    if config.transfer is not None:
        transfer(model, config.transfer, kind_of(config.transfer.checkpoint))
    model.masks.set(series.masks)  # those of the data, also where weights come from another model
    length = config.model.history + config.objective.longest
    parts = {name: series.roll_outs(name, length) for name in ("train", "valid")}
    claim_run(run, resume)
    with atomic_path(run / "config.yaml") as path:
        path.write_text(dump_config(config), encoding="utf-8")
    loss = ForecastLoss(config.objective, series.variables, made.grid, model.counted())
    assert parts["train"] is not None  # `split` sees to it
    training, snapshots = config.training, config.training.snapshots
    result = fit(model, loss, parts["train"], parts["valid"], training, run, resume, snapshots)
    held_out = [
        series.windows(scored_period(series.periods), s, model.history + 1) for s in series.steps
    ]
    pairs, together = zip(held_out, series.steps, strict=True), config.training.batch_size
    scores = tuple(s for data, step in pairs for s in one_step_scores(model, data, step, together))
    metadata = _metadata(series.dataset, config.data, series.periods, scores)
    if config.transfer is not None:
        metadata["earlier"] = seen(config.transfer.checkpoint)
    forecaster = Forecaster(model, made, metadata)
    forecaster.save(run / "model.safetensors")
    return Trained(forecaster, result, scores, tuple(_save_snapshots(forecaster, result.snapshots)))


def _save_snapshots(forecaster: Forecaster, weights: Sequence[Path]) -> Iterator[Path]:
    """Make a model file of each file of weights, in its place."""
    model = copy.deepcopy(forecaster.model)
    assert isinstance(model, WeatherModel)
    scores = {"one_step_scores", "longer_step_scores"}  # of the final model
    metadata = {k: v for k, v in forecaster.metadata.items() if k not in scores}
    for number, path in enumerate(weights, 1):
        model.load_state_dict(torch.load(path, map_location=model.device, weights_only=True))
        snapshot = {"number": number, "of": len(weights)}
        made = Forecaster(model, forecaster.config, metadata | {"snapshot": snapshot})
        made.save(path.with_suffix(".safetensors"))
        path.unlink()
        yield path.with_suffix(".safetensors")


def require_noise(config: ExperimentConfig) -> None:
    """Check that a model depends on noise if, and only if, its objective draws some.

    Raises:
        InputError: it does not.
    """
    crps = isinstance(config.objective, CRPSConfig)
    if crps and config.model.noise is None:
        raise InputError(
            "objective.kind is crps, but members of this model are all alike: give it noise, as "
            "with model.noise: {dim: 32}"
        )
    if config.model.noise is not None and not crps:
        raise InputError(
            "model.noise is trained with members only: set objective.kind to crps, or model.noise "
            "to null"
        )


@dataclass(frozen=True)
class Series:
    """The data of an experiment.

    Attributes:
        dataset: canonical, checked.
        variables: of the model.
        steps: seconds, ascending.
        periods: first time and end of training, validation and test.
        fields: where samples are cut from.
        store: the prepared store they come from, if they do.
        masks: cells without values, by variable.
    """

    dataset: xr.Dataset
    variables: Variables
    steps: tuple[int, ...]
    periods: dict[str, Period]
    fields: Fields
    store: Path | None
    masks: dict[str, Tensor]

    def windows(self, period: Period, step: int, length: int) -> WeatherDataset:
        """Samples of one time step."""
        return samples(self.fields, period, step, length)

    def roll_outs(self, name: str, length: int) -> WeatherDataset | MixedSteps | None:
        """Samples of `length` times of a period; None where there is no such period.

        Raises:
            InputError: a period without a run of so many times.
        """
        if name not in self.periods:
            return None
        data = mixed(self.fields, self.periods[name], self.steps, length)
        if not len(data):
            raise InputError(
                f"data.{name} has no {length} times in a row, {in_hours(self.steps)} apart, as "
                "model.history and objective.steps together take: widen it, or take fewer steps"
            )
        return data

    def forecaster_config(self, model: ModelConfig) -> ForecasterConfig:
        """What builds a model for these data."""
        return ForecasterConfig(
            model=model,
            variables=self.variables,
            grid=LatLonGrid.from_dataset(self.dataset),
            step_hours=from_seconds(self.steps),
            masked=tuple(self.masks),
        )


def open_series(config: DataConfig) -> xr.Dataset:
    """The analyses of an experiment.

    Raises:
        InputError: no time axis, or files that cannot be read.
    """
    dataset = open_reanalysis(list(config.paths))
    if "time" not in dataset.dims:
        raise InputError("the data has no time axis; a forecast model needs a series")
    return dataset


def open_data(config: DataConfig, tell: Callable[[str], object]) -> Series:
    """Read, check and correct the data of an experiment.

    Raises:
        InputError: data that a model cannot learn from.
    """
    dataset = open_series(config)
    variables = config.variables or all_variables(dataset, config.forcing)
    opened, dataset = dataset, apply(dataset, inspect(dataset, variables), tell)
    times = dataset["time"].values
    steps, periods = time_steps(times, config.step_hours), split(times, config)
    for name in {"train", "valid"} & set(periods):
        require_times(times, name, periods[name])
    store = None
    if dataset is opened:  # what was corrected is not what a prepared store holds
        store = prepared_store(config.paths, times, LatLonGrid.from_dataset(dataset), variables)
    fields = open_fields(dataset, variables, config.memory, store)
    masks = find_masks(samples(fields, periods["train"], 0, 1), config.masks)
    return Series(dataset, variables, steps, periods, fields, store, masks)


def _build(config: ForecasterConfig, series: Series) -> WeatherModel:
    """A model with fresh weights that knows the data's statistics and static fields."""
    model = config.build()
    pairs = {step: series.windows(series.periods["train"], step, 2) for step in series.steps}
    moments = [statistics(data, series.store, step, series.masks) for step, data in pairs.items()]
    model.statistics.set(of_steps(moments))
    model.set_static(static_fields(series.dataset, series.variables))
    return model


def one_step_scores(
    model: WeatherModel, data: WeatherDataset, step: int, batch_size: int = 16
) -> tuple[Score, ...]:
    """Errors of one time step of `step` seconds, and of persistence, by 2-D field.

    The mean over times and cells that count, weighted by area, of squared errors; then
    the root. Not more than `batch_size` samples at once, nor 16.
    """
    areas = [cell_weights(model.grid, cells) for cells in model.counted() or (None, None)]
    sums = torch.zeros(2, len(model.variables.channels), dtype=torch.float64)
    model.eval()
    size = min(16, batch_size)
    for first in range(0, len(data), size):
        batch = data.__getitems__(range(first, min(first + size, len(data))))
        start, truth = batch.at(slice(model.history)), batch.at(slice(-1, None))
        with torch.inference_mode():
            forecast = one_step(model, step, batch.when)(start)
        for row, guess in enumerate((forecast, start.at(slice(-1, None)))):
            surface = _squares(guess.surface, truth.surface, areas[0])
            upper = _squares(guess.upper, truth.upper, areas[1])
            errors = torch.cat([surface.flatten(1, 2), upper.flatten(1, 3)], dim=1)
            sums[row] += errors.mean(dim=(-2, -1)).sum(0)
    rmse, persistence = (sums / max(1, len(data))).sqrt().tolist()
    rows = zip(model.variables.channels, rmse, persistence, strict=True)
    return tuple(Score(name, step / 3600, *errors) for name, *errors in rows)


def _squares(guess: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    return torch.where(weights > 0, guess - truth, 0.0).double().square() * weights


def scored_period(periods: dict[str, Period]) -> Period:
    """The last period that there is: testing, validation or training."""
    name = next(name for name in ("test", "valid", "train") if name in periods)
    return periods[name]


def _metadata(
    dataset: xr.Dataset,
    config: DataConfig,
    periods: dict[str, Period],
    scores: Sequence[Score],
) -> dict[str, object]:
    """Plain data for the model file's header."""
    by_step = {score.hours: _by_name(scores, score.hours) for score in scores}
    shortest, *longer = by_step
    return {
        **origin(dataset, config, periods),
        "one_step_scores": by_step[shortest],
        "longer_step_scores": {f"{hours:g} h": by_step[hours] for hours in longer},
    }


def origin(
    dataset: xr.Dataset, config: DataConfig, periods: dict[str, Period]
) -> dict[str, object]:
    """What a model file says of the data it was trained on."""
    day = {name: [str(t.astype("datetime64[m]")) for t in ends] for name, ends in periods.items()}
    variables = [str(name) for name in dataset.data_vars]
    return {
        "data": [short_name(path) for path in config.paths],
        "periods": day,
        "period": "..".join(day["train"]),
        "units": {name: dataset[name].attrs.get("units", "") for name in variables},
        "attributes": {n: dict(dataset[n].attrs) for n in variables if describe(n) is None},
    }


def kind_of(checkpoint: Path) -> str:
    """Kind of a file to start from: a forecasting model, or what pre-training left."""
    return PRETRAINED if read_header(checkpoint)["kind"] == PRETRAINED else KIND


def seen(checkpoint: Path) -> list[list[str]]:
    """Periods that an earlier model was trained and validated on, and those before it."""
    known = read_header(checkpoint)["metadata"]
    periods = known.get("periods", {})
    return [periods[n] for n in ("train", "valid") if n in periods] + known.get("earlier", [])


def _by_name(scores: Sequence[Score], hours: float) -> dict[str, dict[str, float]]:
    return {
        score.name: {"rmse": score.rmse, "persistence": score.persistence}
        for score in scores
        if score.hours == hours
    }

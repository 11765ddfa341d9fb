"""A whole experiment: data, model, training, and the model file."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import xarray as xr
from pydantic import Field

from sciml.config import Config
from sciml.errors import InputError
from sciml.model_file import read_header
from sciml.training import FitResult, TrainingConfig, accelerator_here, fit
from sciml.transfer import TransferConfig
from weather.dates import Period, minute
from weather.files.accumulations import known_hours
from weather.files.reanalysis import static_fields
from weather.files.sources import short_name
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import KIND, ForecasterConfig
from weather.models.model import ModelConfig, WeatherModel
from weather.models.reconstruction import KIND as PRETRAINED
from weather.models.statistics import of_steps
from weather.models.steps import in_hours
from weather.training.data import DataConfig
from weather.training.objectives import (
    CRPSConfig,
    ForecastLoss,
    ForecastLossConfig,
    ObjectiveConfig,
)
from weather.training.one_step import Score, by_name, one_step_scores
from weather.training.roll_outs import RollOuts
from weather.training.same_data import as_begun, open_run_on
from weather.training.series import Series, open_data
from weather.training.start import start_from
from weather.training.store import statistics
from weather.variables import describe


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
    series = open_data(as_begun(config.data, run, resume), tell)
    made = series.forecaster_config(config.model)
    torch.manual_seed(config.training.seed)
    model = _build(made, series)
    if config.transfer is not None:
        start_from(model, config.transfer, kind_of(config.transfer.checkpoint))
    length = config.model.history + config.objective.longest
    parts = {name: series.roll_outs(name, length) for name in ("train", "valid")}
    _require_scored(series, config.model.history)
    open_run_on(series, run, config, resume)
    loss = ForecastLoss(config.objective, series.variables, made.grid, model.counted())
    assert parts["train"] is not None  # `split` sees to it
    growing = RollOuts(parts["train"], config.model.history, config.objective)
    training, snapshots = config.training, config.training.snapshots
    result = fit(model, loss, growing, parts["valid"], training, run, resume, snapshots)
    metadata = origin(series.dataset, config.data, series.periods)
    if config.transfer is not None:
        metadata["earlier"] = seen(config.transfer.checkpoint)
    forecaster = Forecaster(model, made, metadata)
    forecaster.save(run / "model.safetensors")  # before scoring, which takes its time
    scores = _scores(model, series, config.training)
    forecaster.metadata.update(_told(scores))
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


def _build(config: ForecasterConfig, series: Series) -> WeatherModel:
    """A model with fresh weights that knows the data's statistics, static fields and masks."""
    model = config.build()
    pairs = {step: series.windows(series.periods["train"], step, 2) for step in series.steps}
    moments = [statistics(data, series.store, step, series.masks) for step, data in pairs.items()]
    model.statistics.set(of_steps(moments))
    model.set_static(static_fields(series.dataset, series.variables))
    model.masks.set(series.masks)
    return model


def scored_period(periods: dict[str, Period]) -> Period:
    """The last period that there is: testing, validation or training."""
    name = next(name for name in ("test", "valid", "train") if name in periods)
    return periods[name]


def _require_scored(series: Series, history: int) -> None:
    """Check, before it is trained, that a model can be scored."""
    period = scored_period(series.periods)
    for step in series.steps:
        if not len(series.windows(period, step, history + 1)):
            first, last = (str(end.astype("datetime64[h]")) for end in (period[0], period[1] - 1))
            raise InputError(
                f"the model is to be scored from {first} to {last}, and there are no {history + 1} "
                f"times in a row, {in_hours((step,))} apart: widen data.test"
            )


def _scores(
    model: WeatherModel, series: Series, training: ForecastTrainingConfig
) -> tuple[Score, ...]:
    """Of each time step, computed where the model was trained."""
    devices = training.devices if isinstance(training.devices, int) else torch.cuda.device_count()
    together = training.batch_size // max(1, devices)
    model.to(accelerator_here(training))
    scores: list[Score] = []
    for step in series.steps:
        held_out = series.windows(scored_period(series.periods), step, model.history + 1)
        scores += one_step_scores(model, held_out, step, together)
    model.to("cpu")
    return tuple(scores)


def _told(scores: Sequence[Score]) -> dict[str, object]:
    """Plain data for the model file's header."""
    by_step = {score.hours: by_name(scores, score.hours) for score in scores}
    shortest, *longer = by_step
    return {
        "one_step_scores": by_step[shortest],
        "longer_step_scores": {f"{hours:g} h": by_step[hours] for hours in longer},
    }


def origin(
    dataset: xr.Dataset, config: DataConfig, periods: dict[str, Period]
) -> dict[str, object]:
    """What a model file says of the data it was trained on."""
    told = {name: [minute(time) for time in ends] for name, ends in periods.items()}
    variables = [str(name) for name in dataset.data_vars]
    return {
        "data": [short_name(path) for path in config.paths],
        "periods": told,
        "period": "..".join(told["train"]),
        "accumulation_hours": known_hours(dataset),
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

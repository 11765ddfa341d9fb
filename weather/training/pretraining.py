"""Pre-training: a backbone learns from fields without order in time."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sciml.config import Config
from sciml.model_file import save_tensors
from sciml.patterns import matches
from sciml.training import FitResult, TrainingConfig, fit
from weather.files.reanalysis import static_fields
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.models.model import ModelConfig
from weather.models.reconstruction import KIND, LEFT_BEHIND, SINGLE, Reconstruction
from weather.training.data import DataConfig
from weather.training.experiment import origin
from weather.training.masking import MaskedFields, MaskedFieldsConfig
from weather.training.same_data import as_begun, open_run_on
from weather.training.series import Series, open_data
from weather.training.store import statistics


class PretrainConfig(Config):
    """The sections of a pre-training's YAML file."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: MaskedFieldsConfig = MaskedFieldsConfig()
    training: TrainingConfig = TrainingConfig()


@dataclass(frozen=True)
class Pretrained:
    """What came of pre-training: how it went, and the number of times it saw."""

    fit: FitResult
    times: int


def pretrain(
    config: PretrainConfig,
    run: Path,
    resume: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> Pretrained:
    """Pre-train and write `run/model.safetensors`, to be named in `transfer.checkpoint`.

    Args:
        config: see `PretrainConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on from the last checkpoint in `run`.
        tell: called with a line for each correction and each warning about the data.

    Raises:
        InputError: data and configuration that do not go together.
    """
    series = open_data(as_begun(config.data, run, resume), tell)
    made = series.forecaster_config(config.model)
    torch.manual_seed(config.training.seed)
    model = build(made, series)
    parts = {name: series.windows(period, SINGLE, 1) for name, period in series.periods.items()}
    open_run_on(series, run, config, resume)
    objective = MaskedFields(config.objective, made.variables, made.grid, model.counted())
    train, valid = parts["train"], parts.get("valid")
    result = fit(model, objective, train, valid, config.training, run, resume)
    metadata = origin(series.dataset, config.data, series.periods)
    save_tensors(run / "model.safetensors", kept(model, made), KIND, made, metadata)
    return Pretrained(result, len(train))


def build(config: ForecasterConfig, series: Series) -> Reconstruction:
    """A model with fresh weights that knows the data's statistics, masks and static fields."""
    assert config.model is not None
    model = Reconstruction(config.model, config.variables, config.grid)
    model.masks.set(model.masks.named() | series.masks)
    step = SINGLE if series.store is None else series.steps[0]  # a store has its own statistics
    pairs = series.windows(series.periods["train"], step, 2)
    model.statistics.set(statistics(pairs, series.store, step, series.masks))
    model.set_static(static_fields(series.dataset, series.variables))
    return model


def kept(model: Reconstruction, config: ForecasterConfig) -> dict[str, Tensor]:
    """The tensors that a forecasting model of the same configuration shares."""
    with torch.device("meta"):
        names = set(config.build().state_dict())
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name in names and not matches(name, LEFT_BEHIND)
    }

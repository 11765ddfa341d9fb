"""Training of a downscaling model, from fine fields alone: their means are its input."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sciml.config import Config
from sciml.errors import InputError
from sciml.model_file import read_header
from sciml.normalize import RunningMoments
from sciml.training import FitResult, TrainingConfig, fit, has_checkpoint
from sciml.transfer import TransferConfig
from weather.downscaling.downscaler import KIND, Downscaler, DownscalerConfig
from weather.downscaling.objective import DownscalingLoss, DownscalingLossConfig
from weather.downscaling.refinement import Refinement
from weather.files.reanalysis import static_fields
from weather.grid import LatLonGrid
from weather.models.masks import Masks
from weather.models.model import ModelConfig
from weather.models.statistics import Moments
from weather.state import State, require_finite
from weather.training.data import DataConfig, WeatherDataset
from weather.training.experiment import kind_of, origin, scored_period, seen
from weather.training.measure import by_variable
from weather.training.objectives import cell_weights
from weather.training.same_data import as_begun, open_run_on
from weather.training.series import open_data
from weather.training.start import start_from

_TOGETHER = 16  # times that are scored or measured at once


class DownscalingConfig(Config):
    """The sections of a downscaling experiment's YAML file."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: DownscalingLossConfig
    training: TrainingConfig = TrainingConfig()
    transfer: TransferConfig | None = None


@dataclass(frozen=True)
class DownscalingScore:
    """Area-weighted root mean square errors on held-out times, in the field's unit.

    Attributes:
        name: of a 2-D field, such as `z500`.
        rmse: of the model.
        bilinear, bicubic: of interpolation.
        conserving: of bicubic interpolation with the coarse field's means.
    """

    name: str
    rmse: float
    bilinear: float
    bicubic: float
    conserving: float


@dataclass(frozen=True)
class TrainedDownscaler:
    """What came of an experiment: the downscaler, how training went, scores."""

    downscaler: Downscaler
    fit: FitResult
    scores: tuple[DownscalingScore, ...]


def train_downscaler(
    config: DownscalingConfig,
    run: Path,
    resume: bool = False,
    tell: Callable[[str], object] = lambda line: None,
) -> TrainedDownscaler:
    """Run an experiment and write `run/model.safetensors`.

    Args:
        config: see `DownscalingConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on from the last checkpoint in `run`.
        tell: called with a line for each correction and each warning about the data.

    Raises:
        InputError: data, configuration or checkpoint that do not go together.
    """
    if config.model.boundary is not None:
        raise InputError("downscaling takes no boundary data: leave out model.boundary")
    if config.model.noise is not None:
        raise InputError("downscaling draws no members: leave out model.noise")
    if config.model.diffusion is not None:
        raise InputError("downscaling takes no time step to damp: leave out model.diffusion")
    series = open_data(as_begun(config.data, run, resume), tell)
    made = DownscalerConfig(
        model=config.model,
        variables=series.variables,
        grid=LatLonGrid.from_dataset(series.dataset),
        masked=tuple(series.masks),
    )
    masks = Masks(made.variables, made.grid, made.masked)
    masks.set(series.masks)
    refinement = Refinement(made.grid, masks)
    parts = {name: series.windows(period, 0, 1) for name, period in series.periods.items()}
    torch.manual_seed(config.training.seed)
    model = made.build()
    if not (resume and has_checkpoint(run)):  # which holds the statistics
        model.statistics.set(usual(parts["train"], refinement))
    model.set_static(static_fields(series.dataset, series.variables))
    model.masks.set(series.masks)
    if config.transfer is not None:
        start = config.transfer.checkpoint
        own = read_header(start)["kind"] == KIND
        start_from(model, config.transfer, KIND if own else kind_of(start))
    open_run_on(series, run, config, resume)
    loss = DownscalingLoss(config.objective, refinement, model)
    result = fit(model, loss, parts["train"], parts.get("valid"), config.training, run, resume)
    metadata = origin(series.dataset, config.data, series.periods)
    if config.transfer is not None:
        metadata["earlier"] = seen(config.transfer.checkpoint)
    downscaler = Downscaler(model, made, metadata)
    scores = downscaling_scores(downscaler, series.windows(scored_period(series.periods), 0, 1))
    metadata["scores"] = {s.name: {"rmse": s.rmse, "bicubic": s.bicubic} for s in scores}
    downscaler.save(run / "model.safetensors")
    return TrainedDownscaler(downscaler, result, scores)


def usual(data: WeatherDataset, refinement: Refinement) -> dict[str, Moments]:
    """Moments of fine fields, and as their change that from `refinement.start` to them.

    Args:
        data: single times.
        refinement: of their grid and masks.

    Raises:
        InputError: NaN in cells that are not masked, or no data.
    """
    if not len(data):
        raise InputError("no training samples; widen data.train or give more data")
    variables = data.__getitems__([0]).variables
    masks = refinement.masks.named() if refinement.masks else None
    present, change = (RunningMoments(len(variables.channels)) for _ in range(2))
    for fine in _pieces(data):
        require_finite(fine, masks)
        values = _channels(fine)
        present.update(values.movedim(1, -1))
        start = refinement.start(refinement.coarsen(fine))
        change.update((values - _channels(start)).movedim(1, -1))
    return by_variable(variables, present, change)


def downscaling_scores(
    downscaler: Downscaler, data: WeatherDataset
) -> tuple[DownscalingScore, ...]:
    """Errors of a model and of interpolations, by 2-D field.

    Args:
        downscaler: see `Downscaler`.
        data: single times, at least one.
    """
    names, grid = downscaler.config.variables.channels, downscaler.config.grid
    refinement, area = Refinement(grid, downscaler.model.masks), _area(downscaler)
    sums = torch.zeros(4, len(names), dtype=torch.float64)
    for fine in _pieces(data):
        coarse = refinement.coarsen(fine)
        guesses = (
            downscaler.downscale(coarse),
            refinement.interpolate(coarse, "bilinear"),
            refinement.interpolate(coarse, "bicubic"),
            refinement.start(coarse),
        )
        for row, guess in enumerate(guesses):
            error = torch.where(area > 0, _channels(guess) - _channels(fine), 0.0).square() * area
            sums[row] += error.mean(dim=(-2, -1)).sum(0)
    rows = (sums / len(data)).sqrt().T.tolist()
    return tuple(DownscalingScore(name, *row) for name, row in zip(names, rows, strict=True))


def _area(downscaler: Downscaler) -> Tensor:
    """Of cells that are not masked, with mean one: (channel, lat, lon), or (lat, 1) for all."""
    masks, grid = downscaler.model.masks, downscaler.config.grid
    counted = masks.counted()
    if counted is None:
        return cell_weights(grid, None)
    surface, upper = counted
    return cell_weights(grid, torch.cat([surface, upper.flatten(0, 1)]))


def _pieces(data: WeatherDataset) -> Iterator[State]:
    firsts = range(0, len(data), _TOGETHER)
    return (data.__getitems__(range(i, min(i + _TOGETHER, len(data)))) for i in firsts)


def _channels(state: State) -> Tensor:
    """(batch, channel, lat, lon) float64 of a state of one time."""
    return torch.cat([state.surface[:, 0], state.upper[:, 0].flatten(1, 2)], dim=1).double()

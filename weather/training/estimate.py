"""Memory, time and disk of a training, told from the configuration before it starts.

As `weather.forecasting.estimate`, with loss, backward pass and optimizer. Of the data, only
grid, times and names are read.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self

import torch
import xarray as xr
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from sciml.batches import batch_share
from sciml.epochs import epochs_and_batches
from sciml.ledger import Ledger, hollow
from sciml.machine import Speed, available, resident
from sciml.prefetch import AHEAD
from sciml.training import TrainingConfig, precision_here
from weather.forecasting.estimate import LIBRARIES, Estimate, bytes_of, fake_state, peak
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.steps import from_seconds
from weather.state import State
from weather.training.data import DataConfig, all_variables, open_fields, split
from weather.training.experiment import ExperimentConfig, require_noise
from weather.training.loader import StoreFields
from weather.training.mixed_steps import mixed
from weather.training.objectives import ForecastLoss
from weather.training.periods import Index, Times, time_steps
from weather.training.series import open_series
from weather.training.store import prepared_store
from weather.variables import Variables

_TRACED = 2  # optimizer steps: the first makes the optimizer's state
_VALIDATION = 1 / 3  # of the work of a training step, which goes back as well as forward


@dataclass(frozen=True)
class Work:
    """What is trained, and how much of it in a step.

    Attributes:
        training, data: sections of the experiment.
        dataset: its data, of which only names, times and grid are looked at.
        variables, grid: of the model.
        build: makes the model.
        loss: makes the objective of a model.
        value: of an objective, for a model and a batch.
        steps: seconds between the times of a sample.
        length: times of a sample.
        share: mean work of a step over that of the longest roll-out.
    """

    training: TrainingConfig
    data: DataConfig
    dataset: xr.Dataset
    variables: Variables
    grid: LatLonGrid
    build: Callable[[], WeatherModel]
    loss: Callable[[WeatherModel], nn.Module]
    value: Callable[[nn.Module, WeatherModel, State], Tensor]
    steps: tuple[int, ...]
    length: int
    share: float = 1.0


def estimate_training(config: ExperimentConfig, device: str | None = None) -> Estimate:
    """Tell beforehand what a training takes; parameters that `transfer` freezes count as trained.

    Args:
        config: with `data.paths`; variables that it names need not be in the data.
        device: default as `training.accelerator` chooses.

    Raises:
        InputError: data without a time axis, or dates that cannot be used.
    """
    require_noise(config)
    dataset = open_series(config.data)
    steps = time_steps(dataset["time"].values, config.data.step_hours)
    made = ForecasterConfig(
        model=config.model,
        variables=config.data.variables or all_variables(dataset, config.data.forcing),
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=from_seconds(steps),
    )
    work = Work(
        training=config.training,
        data=config.data,
        dataset=dataset,
        variables=made.variables,
        grid=made.grid,
        build=made.build,
        loss=lambda model: ForecastLoss(config.objective, made.variables, made.grid),
        value=_forecast_error,
        steps=steps,
        length=config.model.history + config.objective.longest,
        share=config.objective.mean_steps / config.objective.longest,
    )
    return estimate_work(work, device)


def estimate_work(work: Work, device: str | None = None) -> Estimate:
    """Tell beforehand what a training takes.

    Args:
        work: see there.
        device: default as `training.accelerator` chooses.

    Raises:
        InputError: dates that cannot be used.
    """
    device = device or _device(work.training)
    outside = {"process": resident() + LIBRARIES}
    series = work.dataset.sizes["time"] * bytes_of(work.variables, work.grid)
    held = series if series <= work.data.memory * 2**30 else 0
    trace = _trace(work, device)
    # the data is read, and then stacked; a checkpoint is put together, and then written
    loading = max(held - sum(trace.kept.values()), trace.checkpoint)
    outside |= {"data": held or _chunks(work)}
    parts = peak(trace.ledger, outside, trace.kept, device, loading)
    optimizer_steps, passes = _schedule(work)
    weight = passes / _TRACED * work.share
    dtype = torch.bfloat16 if _mixed(work.training) else torch.float32
    speed = Speed.measure(device, dtype, backward=True)
    files = 1 if work.data.train and not work.data.valid else 2
    return Estimate(
        memory=sum(parts.values()),
        parts=parts,
        seconds=weight * speed.seconds(trace.ledger.flops, trace.ledger.moved),
        steps=max(1, optimizer_steps),
        disk=files * trace.checkpoint + trace.model_file,
        parameters=trace.parameters,
        flops=weight * trace.ledger.flops,
        device=device,
        available=available(device),
        note="" if optimizer_steps else "no samples in data.train: the time is that of one step",
    )


def _forecast_error(loss: nn.Module, model: WeatherModel, batch: State) -> Tensor:
    assert isinstance(loss, ForecastLoss)
    return loss.of_step(model, batch, model.step)[0]


def _chunks(work: Work) -> int:
    """Bytes that are held of data larger than memory."""
    times = work.dataset["time"].values
    store = prepared_store(work.data.paths, times, work.grid, work.variables)
    fields = open_fields(work.dataset, work.variables, work.data.memory, store)
    return fields.kept * fields.chunk_bytes if isinstance(fields, StoreFields) else 0


def advice(training: TrainingConfig, model: ModelConfig, steps: int = 1) -> str:
    """What would take less memory, as far as it is not chosen yet.

    Args:
        training, model: sections of the experiment.
        steps: of the longest roll-out.
    """
    ways = ["shorten objective.steps"] if steps > 1 else []
    if training.batch_size > 1:
        ways.append("lower training.batch_size (and raise training.accumulate)")
    if not model.backbone.checkpoint:
        ways.append("set model.backbone.checkpoint: true")
    if not _mixed(training):
        ways.append("set training.precision: bf16-mixed")
    return "; ".join(ways or ["choose a smaller model, or a machine with more memory"])


@dataclass(frozen=True)
class _Trace:
    """What a few optimizer steps took; bytes of what is kept, and of the files."""

    ledger: Ledger
    kept: dict[str, int]
    parameters: int
    checkpoint: int
    model_file: int


def _trace(work: Work, device: str) -> _Trace:
    training = work.training
    with torch.device("meta"):
        model = work.build().train()
    loss = work.loss(model)
    batch_size = batch_share(training.batch_size, _processes(training))
    with FakeTensorMode(), Ledger() as ledger:
        for module in (model, loss):
            hollow(module, device)
            ledger.hold([*module.parameters(), *module.buffers()])
        weights = ledger.live
        average = _average(training, model, loss)
        batches = [
            fake_state(work.variables, work.grid, batch_size, work.length, device)
            for _ in range(1 + AHEAD)  # the loader is so many ahead
        ]
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        for _ in range(_TRACED):
            _step(work, model, loss, optimizer, batches[0])
        fields = sum(b.surface.nbytes + b.upper.nbytes for b in batches)
        states = ledger.live - weights - fields
        saved = sum(t.nbytes for t in [*model.state_dict().values(), *loss.buffers()])
        trained = sum(p.nbytes for p in model.parameters() if p.requires_grad)
        return _Trace(
            ledger,
            {"weights": weights, "gradients and optimizer": states, "batches": fields},
            sum(p.numel() for p in model.parameters()),
            saved * (2 if average else 1) + 2 * trained,
            sum(t.nbytes for t in model.state_dict().values()),
        )


def _average(config: TrainingConfig, model: nn.Module, loss: nn.Module) -> list[Tensor]:
    """The copy of everything that an exponential average keeps."""
    if config.ema_decay is None:
        return []
    modules = (model, loss)
    return [torch.empty_like(t) for m in modules for t in [*m.parameters(), *m.buffers()]]


def _step(
    work: Work,
    model: WeatherModel,
    loss: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: State,
) -> None:
    """One optimizer step in the order of Lightning's: gradients go after the forward pass."""
    with torch.autocast(batch.surface.device.type, torch.bfloat16, enabled=_mixed(work.training)):
        value = work.value(loss, model, batch)
    optimizer.zero_grad()
    value.backward()
    if work.training.gradient_clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), work.training.gradient_clip)
    optimizer.step()


def _schedule(work: Work) -> tuple[int, float]:
    """Optimizer steps, and batches with those of validation counted as parts of one."""
    training, times = work.training, work.dataset["time"].values
    count = {
        name: len(mixed(_TimesOnly(times), period, work.steps, work.length))
        for name, period in split(times, work.data).items()
    }
    if not count["train"]:
        return 0, 1.0
    epochs, batches = epochs_and_batches(count["train"], training)
    valid = -(-count.get("valid", 0) // training.batch_size)
    validations = epochs // training.validate_every
    optimizer_steps = epochs * -(-batches // training.accumulate)
    return optimizer_steps, epochs * batches + validations * valid * _VALIDATION


class _TimesOnly:
    """Fields that nobody reads."""

    def __init__(self, times: Times) -> None:
        self.times, self.run = times, 1

    def cut(self, index: Index) -> State:
        raise NotImplementedError

    def only(self, names: Collection[str]) -> Self:
        return self


def _mixed(config: TrainingConfig) -> bool:
    return precision_here(config) == "bf16-mixed"


def _device(config: TrainingConfig) -> str:
    wanted = config.accelerator != "cpu" and torch.cuda.is_available()
    return "cuda" if wanted else "cpu"


def _processes(config: TrainingConfig) -> int:
    if config.devices == "auto":
        return max(1, torch.cuda.device_count()) if _device(config) == "cuda" else 1
    return config.devices

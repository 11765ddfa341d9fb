"""Memory, time and disk of a training, told from the configuration before it starts.

As `weather.forecasting.estimate`, with loss, backward pass and optimizer. Of the data, only
grid, times and names are read.
"""

from dataclasses import dataclass

import torch
import xarray as xr
from torch._subclasses.fake_tensor import FakeTensorMode

from sciml.ledger import Ledger, hollow
from sciml.machine import Speed, available, resident
from sciml.training import TrainingConfig, epochs_and_batches, precision_here
from weather.forecasting.estimate import LIBRARIES, Estimate, bytes_of, fake_state, peak
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.models.steps import from_seconds
from weather.state import State
from weather.training.data import (
    DataConfig,
    Index,
    Times,
    all_variables,
    open_fields,
    split,
    time_steps,
)
from weather.training.experiment import ExperimentConfig, require_noise
from weather.training.loader import StoreFields
from weather.training.mixed_steps import mixed
from weather.training.objectives import ForecastLoss
from weather.training.series import open_series
from weather.training.store import prepared_store

_TRACED = 2  # optimizer steps: the first makes the optimizer's state
_VALIDATION = 1 / 3  # of the work of a training step, which goes back as well as forward


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
    times = dataset["time"].values
    steps = time_steps(times, config.data.step_hours)
    made = ForecasterConfig(
        model=config.model,
        variables=config.data.variables or all_variables(dataset, config.data.forcing),
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=from_seconds(steps),
    )
    device = device or _device(config.training)
    outside = {"process": resident() + LIBRARIES}
    series = len(times) * bytes_of(made.variables, made.grid)
    held = series if series <= config.data.memory * 2**30 else 0
    trace = _trace(config, made, device)
    # the data is read, and then stacked; a checkpoint is put together, and then written
    loading = max(held - sum(trace.kept.values()), trace.checkpoint)
    outside |= {"data": held or _chunks(config.data, dataset, made)}
    parts = peak(trace.ledger, outside, trace.kept, device, loading)
    optimizer_steps, passes = _schedule(config, times, steps)
    weight = passes / _TRACED * config.objective.mean_steps / config.objective.longest
    dtype = torch.bfloat16 if _mixed(config.training) else torch.float32
    speed = Speed.measure(device, dtype, backward=True)
    files = 1 if config.data.train and not config.data.valid else 2
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


def _chunks(config: DataConfig, dataset: xr.Dataset, made: ForecasterConfig) -> int:
    """Bytes that are held of data larger than memory."""
    times = dataset["time"].values
    store = prepared_store(config.paths, times, made.grid, made.variables)
    fields = open_fields(dataset, made.variables, config.memory, store)
    return fields.kept * fields.chunk_bytes if isinstance(fields, StoreFields) else 0


def advice(config: ExperimentConfig) -> str:
    """What would take less memory, as far as it is not chosen yet."""
    ways = ["shorten objective.steps"] if config.objective.longest > 1 else []
    if config.training.batch_size > 1:
        ways.append("lower training.batch_size (and raise training.accumulate)")
    if not config.model.backbone.checkpoint:
        ways.append("set model.backbone.checkpoint: true")
    if not _mixed(config.training):
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


def _trace(config: ExperimentConfig, made: ForecasterConfig, device: str) -> _Trace:
    with torch.device("meta"):
        model = made.build().train()
    loss = ForecastLoss(config.objective, made.variables, made.grid)
    batch_size = max(1, config.training.batch_size // _processes(config.training))
    length = config.model.history + config.objective.longest
    with FakeTensorMode(), Ledger() as ledger:
        for module in (model, loss):
            hollow(module, device)
            ledger.hold([*module.parameters(), *module.buffers()])
        weights = ledger.live
        average = _average(config.training, model, loss)
        # the loader is a batch ahead
        batches = [
            fake_state(made.variables, made.grid, batch_size, length, device) for _ in range(2)
        ]
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
        for _ in range(_TRACED):
            _step(config.training, model, loss, optimizer, batches[0])
        fields = sum(b.surface.nbytes + b.upper.nbytes for b in batches)
        training = ledger.live - weights - fields
        saved = sum(t.nbytes for t in [*model.state_dict().values(), *loss.buffers()])
        trained = sum(p.nbytes for p in model.parameters() if p.requires_grad)
        return _Trace(
            ledger,
            {"weights": weights, "gradients and optimizer": training, "batches": fields},
            sum(p.numel() for p in model.parameters()),
            saved * (2 if average else 1) + 2 * trained,
            sum(t.nbytes for t in model.state_dict().values()),
        )


def _average(
    config: TrainingConfig, model: torch.nn.Module, loss: torch.nn.Module
) -> list[torch.Tensor]:
    """The copy of everything that an exponential average keeps."""
    if config.ema_decay is None:
        return []
    modules = (model, loss)
    return [torch.empty_like(t) for m in modules for t in [*m.parameters(), *m.buffers()]]


def _step(
    config: TrainingConfig,
    model: WeatherModel,
    loss: ForecastLoss,
    optimizer: torch.optim.Optimizer,
    batch: State,
) -> None:
    """One optimizer step in the order of Lightning's: gradients go after the forward pass."""
    with torch.autocast(batch.surface.device.type, torch.bfloat16, enabled=_mixed(config)):
        value, _ = loss.of_step(model, batch, model.step)
    optimizer.zero_grad()
    value.backward()
    if config.gradient_clip is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
    optimizer.step()


def _schedule(config: ExperimentConfig, times: Times, steps: tuple[int, ...]) -> tuple[int, float]:
    """Optimizer steps, and batches with those of validation counted as parts of one."""
    length = config.model.history + config.objective.longest
    count = {
        name: len(mixed(_TimesOnly(times), period, steps, length))
        for name, period in split(times, config.data).items()
    }
    if not count["train"]:
        return 0, 1.0
    epochs, batches = epochs_and_batches(count["train"], config.training)
    valid = -(-count.get("valid", 0) // config.training.batch_size)
    validations = epochs // config.training.validate_every
    optimizer_steps = epochs * -(-batches // config.training.accumulate)
    return optimizer_steps, epochs * batches + validations * valid * _VALIDATION


class _TimesOnly:
    """Fields that nobody reads."""

    def __init__(self, times: Times) -> None:
        self.times, self.run = times, 1

    def cut(self, index: Index) -> State:
        raise NotImplementedError


def _mixed(config: TrainingConfig) -> bool:
    return precision_here(config) == "bf16-mixed"


def _device(config: TrainingConfig) -> str:
    wanted = config.accelerator != "cpu" and torch.cuda.is_available()
    return "cuda" if wanted else "cpu"


def _processes(config: TrainingConfig) -> int:
    if config.devices == "auto":
        return max(1, torch.cuda.device_count()) if _device(config) == "cuda" else 1
    return config.devices

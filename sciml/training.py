"""Training on Lightning: one call from model, objective and data to the best weights."""

import copy
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import TensorBoardLogger
from pydantic import Field, model_validator
from torch import nn

from sciml.batches import BatchData, BatchSource, batch_share
from sciml.best_checkpoint import BestCheckpoint
from sciml.callbacks import (
    EndTogether,
    ExponentialAverage,
    FiniteLoss,
    History,
    Patience,
    Snapshots,
    ValidateLast,
)
from sciml.config import Config
from sciml.epochs import epochs_and_batches, note_epochs, require_same_epochs
from sciml.errors import InputError
from sciml.files import only_writer
from sciml.last_checkpoint import LastCheckpoint
from sciml.learner import Learner, OptimizerConfig
from sciml.machine import has_bfloat16
from sciml.objective import Objective
from sciml.run_folder import is_first_process
from sciml.trainer_manners import interruptible, quiet
from sciml.wording import count


class TrainingConfig(Config):
    """How a model is trained.

    Attributes:
        seed: of the order of samples and of every random draw.
        epochs: passes over the training data.
        max_steps: at most that many optimizer steps, shared out evenly among epochs, so
            that the last one ends with a validation.
        batch_size: samples per step, over all processes together, which share it evenly.
        accumulate: batches whose gradients are averaged for one step; at the end of an epoch fewer.
        optimizer: see `OptimizerConfig`.
        precision: `bf16-mixed` computes in bfloat16 and keeps weights in float32; `auto`
            does so where the machine has instructions for it: without them bfloat16 is
            ten times slower than float32.
        gradient_clip: longest gradient allowed, in the Euclidean norm.
        ema_decay: average the weights exponentially; validation and the final model use
            the average. Early on the decay is smaller, (1 + step) / (10 + step).
        patience: end after that many validations without a better loss.
        validate_every: epochs between validations; the last epoch has one in any case.
        accelerator, devices, strategy: `cpu`, `gpu` (of CUDA, which has float64), or `auto`;
            how many; `ddp`, `fsdp`, as Lightning names them.
        workers: processes that load data.
        checkpoint_minutes: between checkpoints to resume from, beside those at ends of
            epochs, which are always written; null: only these.
    """

    seed: int = Field(0, ge=0)
    epochs: int = Field(20, ge=1)
    max_steps: int | None = Field(None, ge=1)
    batch_size: int = Field(32, ge=1)
    accumulate: int = Field(1, ge=1)
    optimizer: OptimizerConfig = OptimizerConfig()
    precision: Literal["32-true", "bf16-mixed", "auto"] = "32-true"
    gradient_clip: float | None = Field(1.0, gt=0)
    ema_decay: float | None = Field(None, gt=0, lt=1)
    patience: int | None = Field(None, ge=1)
    validate_every: int = Field(1, ge=1)
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: int | Literal["auto"] = 1
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    workers: int = Field(0, ge=0)
    checkpoint_minutes: float | None = Field(10, ge=0)

    @model_validator(mode="after")
    def _shared_evenly(self) -> Self:
        if isinstance(self.devices, int):
            try:
                batch_share(self.batch_size, max(1, self.devices))
            except InputError as error:
                raise ValueError(str(error)) from error
        return self


def accelerator_here(config: TrainingConfig) -> Literal["cpu", "cuda"]:
    """What a training computes on; positions and time are float64, which MPS does not have."""
    on_gpu = config.accelerator == "gpu" or torch.cuda.is_available()
    return "cuda" if on_gpu and config.accelerator != "cpu" else "cpu"


def precision_here(config: TrainingConfig) -> Literal["32-true", "bf16-mixed"]:
    """What `auto` means on this machine; other choices as they are."""
    if config.precision != "auto":
        return config.precision
    if accelerator_here(config) == "cuda" and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = has_bfloat16()
    return "bf16-mixed" if fast else "32-true"


@dataclass(frozen=True)
class FitResult:
    """How a training ended.

    Attributes:
        best_loss: lowest validation loss; NaN without validation data.
        epochs, steps: done in all.
        seconds, cpu_seconds: spent by this process, since the last resume.
        parameters: trained ones.
        device: what it ran on.
        snapshots: files of weights, see `Snapshots`.
    """

    best_loss: float
    epochs: int
    steps: int
    seconds: float
    cpu_seconds: float
    parameters: int
    device: str
    snapshots: tuple[Path, ...] = ()

    @property
    def text(self) -> str:
        """`1,139,081 parameters, 1 epoch, 120 steps, 57 s on 1 x CPU, 1 thread`."""
        return (
            f"{count(self.parameters, 'parameter')}, {count(self.epochs, 'epoch')}, "
            f"{count(self.steps, 'step')}, {self.seconds:.0f} s on {self.device}"
        )


def has_checkpoint(run: Path) -> bool:
    """Whether a run that is resumed goes on from a checkpoint, which holds all of the module."""
    return (run / "last.ckpt").exists()


def fit(
    model: nn.Module,
    objective: Objective,
    train: BatchSource,
    valid: BatchSource | None,
    config: TrainingConfig,
    run: Path,
    resume: bool = False,
    snapshots: int = 0,
) -> FitResult:
    """Train `model` in place and leave the weights with the best validation loss in it.

    Everything random is a function of the seed and the step, and `run/last.ckpt` is
    written every few minutes and at the end of each epoch, so a killed run that is resumed
    goes on within its epoch and ends with the weights and the losses it would have ended
    with. Told to end (SIGTERM, Ctrl-C), it writes after the step under way, or after the
    validation, and loses nothing. In a run of several processes only the first returns; the
    others end here.

    Args:
        model: trained in place; parameters with `requires_grad` False stay.
        objective: the loss; with parameters of its own it is trained along.
        train, valid: see `BatchSource`; without `valid` the last weights are kept.
        config: see `TrainingConfig`.
        run: folder for `metrics.csv`, `epochs.json`, TensorBoard files, `best.ckpt` and
            `last.ckpt`.
        resume: go on from `run/last.ckpt`, if there is one.
        snapshots: how many sets of weights to keep of the training's second half.

    Raises:
        InputError: no training samples, a loss that is not finite, settings that do not go
            together, a run to resume that was begun with shorter or longer epochs, or one that
            another process trains in.
    """
    _check(train, valid, config, snapshots)
    resume = resume and has_checkpoint(run)
    if resume:
        require_same_epochs(run, config)
    started, cpu_started = time.perf_counter(), time.process_time()
    # FSDP cuts the module it trains to pieces; the weights come back from the checkpoint.
    trained = copy.deepcopy(model) if config.strategy == "fsdp" else model
    trained.train()  # Lightning keeps the mode it is given
    learner = Learner(trained, objective, config.optimizer, config.seed)
    end = EndTogether()
    last = LastCheckpoint(run / "last.ckpt", config.checkpoint_minutes, end)
    best = BestCheckpoint(run)
    checkpoints = [last] if valid is None else [best, last]  # the last one knows of the best
    with _alone_in(run), quiet():
        callbacks, kept = _callbacks(config, run, snapshots)
        callbacks.append(end)
        length = epochs_and_batches(len(train), config)
        trainer = _trainer(config, run, callbacks, checkpoints, *length)
        _check_shares(valid, config, trainer.num_devices)
        if is_first_process():
            note_epochs(run, len(train), config)
        with interruptible(trainer, last):
            trainer.fit(
                learner,
                datamodule=BatchData(train, valid, config.batch_size, config.seed, config.workers),
                ckpt_path=run / "last.ckpt" if resume else None,
                weights_only=True,
            )
        if trainer.global_rank != 0:
            sys.exit(0)
        # without validation data, or stopped by `max_steps` before the first validation
        _load_best(model, run / ("best.ckpt" if best.best_model_path else "last.ckpt"))
    return FitResult(
        best_loss=float("nan") if best.best_model_score is None else float(best.best_model_score),
        epochs=trainer.current_epoch,
        steps=trainer.global_step,
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - cpu_started,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        device=_device_name(trainer),
        snapshots=tuple(path for path in kept if path.exists()),
    )


def _alone_in(run: Path) -> AbstractContextManager[None]:
    """Keep other trainings from a folder; the first process of this one does, for all."""
    return only_writer(run, "--run") if is_first_process() else nullcontext()


def _callbacks(
    config: TrainingConfig, run: Path, snapshots: int
) -> tuple[list[Callback], list[Path]]:
    """All but the checkpoints, and the files of snapshots to come."""
    callbacks: list[Callback] = [FiniteLoss(), History(run / "metrics.csv"), ValidateLast()]
    average = None if config.ema_decay is None else ExponentialAverage(config.ema_decay)
    if average is not None:
        callbacks.append(average)
    kept = Snapshots(run, snapshots, average)
    if snapshots:
        callbacks.append(kept)  # after the average of the same step
    if config.patience is not None:
        callbacks.append(Patience(config.patience))
    return callbacks, kept.paths


def _trainer(
    config: TrainingConfig,
    run: Path,
    callbacks: list[Callback],
    checkpoints: Sequence[Checkpoint],
    epochs: int,
    batches: int,
) -> Trainer:
    return Trainer(
        accelerator=accelerator_here(config),
        devices=config.devices,
        strategy=config.strategy,
        precision=precision_here(config),
        max_epochs=epochs,
        limit_train_batches=batches,
        accumulate_grad_batches=config.accumulate,
        gradient_clip_val=config.gradient_clip,
        check_val_every_n_epoch=config.validate_every,
        limit_val_batches=None if len(checkpoints) > 1 else 0,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
        log_every_n_steps=1,
        logger=TensorBoardLogger(run, name=None, version="tensorboard"),
        callbacks=[*callbacks, *checkpoints],
    )


def _check(
    train: BatchSource, valid: BatchSource | None, config: TrainingConfig, snapshots: int
) -> None:
    if len(train) == 0:
        raise InputError("no training samples; widen data.train or give more data")
    if valid is not None and len(valid) == 0:
        raise InputError("no validation samples; widen data.valid or give more data")
    if config.patience is not None and valid is None:
        raise InputError(
            "training.patience needs validation data; set data.valid or patience: null"
        )
    if config.strategy == "fsdp" and config.ema_decay is not None:
        raise InputError("training.ema_decay does not work with strategy fsdp; set one to null")
    if config.strategy == "fsdp" and snapshots:
        raise InputError("snapshots do not work with strategy fsdp; leave them out")
    if config.accelerator == "gpu" and not torch.cuda.is_available():
        raise InputError("training.accelerator is gpu, but no GPU is visible; use cpu or auto")


def _check_shares(valid: BatchSource | None, config: TrainingConfig, processes: int) -> None:
    batch_share(config.batch_size, processes)
    if valid is not None and len(valid) < processes:
        raise InputError(
            f"{count(len(valid), 'validation sample')} for {processes} processes; widen "
            "data.valid, or lower training.devices"
        )


def _load_best(model: nn.Module, path: Path) -> None:
    weights = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    prefix = "model."
    model.load_state_dict(
        {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    )


def _device_name(trainer: Trainer) -> str:
    if trainer.strategy.root_device.type == "cuda":
        return f"{trainer.world_size} x {torch.cuda.get_device_name()}"
    return f"{trainer.world_size} x CPU, {count(torch.get_num_threads(), 'thread')}"

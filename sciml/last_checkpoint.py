"""The checkpoint that a training goes on from."""

import math
import signal
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from sciml.callbacks import EndTogether
from sciml.cli import note


class LastCheckpoint(Checkpoint):
    """Writes a checkpoint every few minutes, at the end of each epoch, and before an early end.

    Within an epoch it is written between two steps, never between two batches whose gradients
    are summed for one step. A kill while it is written leaves the former one.

    Args:
        path: the file.
        minutes: between two checkpoints, at least; None writes none within an epoch.
        end: knows whether the training is to end.

    Attributes:
        place: where the training goes on from.
    """

    def __init__(self, path: Path, minutes: float | None, end: EndTogether) -> None:
        self.path, self.end = path, end
        self.seconds = math.inf if minutes is None else 60 * minutes
        self.place = f"from {path.name}" if path.exists() else "from the beginning"
        self._step, self._written = 0, 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say where a resumed training goes on, unless it is at its end (see `Patience`)."""
        self._step, self._written = trainer.global_step, time.monotonic()
        if self._step == 0:
            return
        self.place = _place(trainer)
        if trainer.is_global_zero and not trainer.should_stop:
            note(f"goes on {self.place}")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """Write after this step, if it is time to; the last one's is written after validation."""
        stepped, self._step = trainer.global_step > self._step, trainer.global_step
        if not stepped or trainer.is_last_batch:
            return
        due = time.monotonic() - self._written >= self.seconds
        if _any_process(trainer, due or self.end.told > 0):
            self._write(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write after this epoch."""
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        """Write, then end the training if a process was told to."""
        new = self.path.with_name(f".{self.path.name}")
        trainer.save_checkpoint(new)
        if trainer.is_global_zero:
            new.replace(self.path)
        self.place, self._written = _place(trainer), time.monotonic()
        if _any_process(trainer, self.end.told > 0):
            raise KeyboardInterrupt if self.end.told == signal.SIGINT else SIGTERMException


def _any_process(trainer: Trainer, decision: bool) -> bool:
    return trainer.strategy.reduce_boolean_decision(decision, all=False)


def _place(trainer: Trainer) -> str:
    """`after step 7 of 16, in epoch 2 of 4`."""
    step, steps = trainer.global_step, int(trainer.estimated_stepping_batches)
    epochs = trainer.max_epochs
    assert epochs is not None
    epoch = min(step * epochs // steps + 1, epochs)
    return f"after step {step} of {steps}, in epoch {epoch} of {epochs}"

"""What happens around the steps of a training: averages, snapshots, history, stopping on NaN."""

import csv
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging
from torch import Tensor, nn

from sciml.epoch_means import require_finite
from sciml.errors import InputError
from sciml.files import atomic_path


class ExponentialAverage(WeightAveraging):
    """Exponential moving average of the weights that forgets the start quickly.

    w' = d w' + (1 - d) w with d = min(decay, (1 + step) / (10 + step)), so that short
    trainings are not held back by their initial weights.
    """

    def __init__(self, decay: float) -> None:
        def update(averaged: list[Tensor], current: list[Tensor], step: Any) -> None:
            rate = min(decay, (1 + float(step)) / (10 + float(step)))
            torch._foreach_lerp_(averaged, current, 1 - rate)

        super().__init__(use_buffers=False, multi_avg_fn=update)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lie where the weights do; when Lightning makes the average, they are not there yet."""
        assert self._average_model is not None
        self._average_model.to(pl_module.device)

    @property
    def averaged(self) -> nn.Module:
        """The learner with the averaged weights, while it is trained."""
        assert self._average_model is not None
        return self._average_model.module


class ValidateLast(Callback):
    """Validates after the last epoch too, whatever number of epochs lies between validations.

    Else what was learned since the last validation would be left out of the best weights.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The last epoch may be one that goes on."""
        self.on_train_epoch_start(trainer, pl_module)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lightning asks after each epoch whether its number divides evenly."""
        if trainer.max_epochs is not None and trainer.current_epoch + 1 >= trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1


class Snapshots(Callback):
    """Keeps the model's weights at evenly spaced steps of the second half of a training.

    A run that was killed and resumed writes again what it had written after its last
    checkpoint, with the same weights.

    Args:
        run: folder; the files are `snapshot_1.pt` and so on.
        number: how many, the end of the training not among them.
        average: whose average is kept; None keeps the weights themselves.
    """

    def __init__(self, run: Path, number: int, average: ExponentialAverage | None) -> None:
        self.paths = [run / f"snapshot_{k}.pt" for k in range(1, number + 1)]
        self.average = average
        self.due: dict[int, Path] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Choose the steps."""
        total, parts = int(trainer.estimated_stepping_batches), len(self.paths) + 1
        if total < 2 * parts:
            raise InputError(
                f"{len(self.paths)} snapshots of a training of {total} steps; it needs "
                f"{2 * parts} at least: ask for fewer"
            )
        steps = [round(total * (1 + k / parts) / 2) for k in range(1, parts)]
        self.due = dict(zip(steps, self.paths, strict=True))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any
    ) -> None:
        """Write the file of this step, if there is one."""
        path = self.due.pop(trainer.global_step, None)
        if path is None or not trainer.is_global_zero:
            return
        learner = pl_module if self.average is None else self.average.averaged
        weights = learner.get_submodule("model").state_dict()
        with atomic_path(path) as temporary:
            torch.save(weights, temporary)


class History(Callback):
    """One row of `metrics.csv` an epoch; a resumed run goes on where its checkpoint stands.

    Where standard error is no terminal, and so shows no progress bar, it gets one line
    an epoch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []
        self._started = time.perf_counter()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the rows of epochs that the checkpoint has seen."""
        if self.path.exists() and trainer.current_epoch > 0:
            with self.path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self.rows = [row for row in rows if int(row["epoch"]) < trainer.current_epoch]
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add this epoch; Lightning still tells the losses of the last validation."""
        if not trainer.is_global_zero:
            return
        validated = (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0
        metrics = {
            name: f"{float(value):.6g}"
            for name, value in sorted(trainer.callback_metrics.items())
            if validated or not name.startswith("valid/")
        }
        seconds = time.perf_counter() - self._started
        row = {"epoch": str(trainer.current_epoch), "step": str(trainer.global_step)}
        self.rows.append({**row, "seconds": f"{seconds:.1f}", **metrics})
        self._write()
        if not sys.stderr.isatty():
            losses = ", ".join(f"{k} {v}" for k, v in metrics.items() if k.endswith("/loss"))
            last = trainer.max_epochs or 0
            print(
                f"epoch {trainer.current_epoch + 1}/{last}: {losses} ({seconds:.0f} s)",
                file=sys.stderr,
                flush=True,
            )

    def _write(self) -> None:
        fields = list(dict.fromkeys(key for row in self.rows for key in row))
        with (
            atomic_path(self.path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, fields, restval="")
            writer.writeheader()
            writer.writerows(self.rows)


class FiniteLoss(Callback):
    """Ends a training whose loss is no longer a number, before it is written anywhere."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check this epoch's mean losses."""
        for name, value in trainer.callback_metrics.items():
            if name.endswith("/loss"):
                require_finite(name, float(value), trainer.current_epoch)


class Patience(EarlyStopping):
    """Ends a training after some validations in a row without a better loss.

    A run that had ended so before it was resumed does not begin another epoch, unless it is
    resumed with more patience.
    """

    def __init__(self, validations: int) -> None:
        super().__init__("valid/loss", patience=validations)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on waiting, but no longer than is asked now."""
        super().load_state_dict(state_dict | {"patience": self.patience})

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End now, if the checkpoint had waited long enough."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class EndTogether(Callback):
    """Hears that the training is to end (SIGTERM, Ctrl-C), so that it ends between two steps.

    It is enough that one of several processes is told; `LastCheckpoint` asks all of them.
    Lightning has each tell the others, which waits forever where they are in the midst of
    something else. Told again, a process ends at once.

    Attributes:
        told: number of the signal; 0 before it came.
    """

    def __init__(self) -> None:
        self.told = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals over from Lightning, which gives them back at the end."""
        if threading.current_thread() is not threading.main_thread():
            return
        interrupt, launcher = signal.getsignal(signal.SIGINT), trainer.strategy.launcher

        def hear(number: int, frame: FrameType | None) -> None:
            self.told = number
            signal.signal(signal.SIGINT, interrupt)
            signal.signal(signal.SIGTERM, end)
            if number == signal.SIGINT and trainer.is_global_zero:
                os.write(
                    2,
                    b"\nending after the step or validation under way; Ctrl-C again ends at once\n",
                )

        def end(number: int, frame: FrameType | None) -> None:
            if launcher is not None:
                launcher.kill(number)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        signal.signal(signal.SIGTERM, hear)
        if interrupt != signal.SIG_IGN:
            signal.signal(signal.SIGINT, hear)

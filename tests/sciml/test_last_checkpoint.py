"""A training that is killed anywhere and resumed is the training that was never killed."""

import csv
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from numpy.typing import NDArray
from torch import Tensor, nn

from sciml import last_checkpoint
from sciml.errors import InputError
from sciml.training import TrainingConfig, fit


@pytest.fixture(autouse=True)
def hears_ctrl_c() -> Iterator[None]:
    """Also where the tests run in the background, which shells make deaf to it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@dataclass(frozen=True)
class Inputs:
    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> "Inputs":
        return Inputs(self.x.to(device))


class Source:
    """Numbers; it counts what is read."""

    def __init__(self, samples: int) -> None:
        self.samples, self.read = samples, 0

    def __len__(self) -> int:
        return self.samples

    def __getitems__(self, indices: list[int]) -> Inputs:
        self.read += len(indices)
        return Inputs(torch.tensor(indices).unsqueeze(1) / len(self))


class StoredSource(Source):
    """Read in runs of four samples."""

    @property
    def runs(self) -> NDArray[np.int64]:
        return np.arange(len(self)) // 4


class Sines(nn.Module):
    """Squared error of a sine under noise, over a spread that is learned.

    Args:
        events: number of the call -> what happens in it.
    """

    def __init__(self, events: Mapping[int, Callable[[], None]]) -> None:
        super().__init__()
        self.spread = nn.Parameter(torch.zeros(()))
        self.events, self.calls, self.share = dict(events), 0, 0.0

    def forward(self, model: nn.Module, batch: Inputs) -> tuple[Tensor, dict[str, Tensor]]:
        self.calls += 1
        self.events.get(self.calls, bool)()
        error = model(batch.x + 0.1 * torch.randn_like(batch.x)) - (9 * batch.x).sin()
        loss = (error.square() * (-self.spread).exp() + self.spread).mean()
        late = {"late": error.abs().mean()} if self.share > 0.5 else {}
        return loss, {"mae": error.abs().mean(), **late}


def die() -> None:
    raise SystemError("killed")


def train(
    run: Path,
    settings: Mapping[str, Any] = MappingProxyType({}),
    events: Mapping[int, Callable[[], None]] = MappingProxyType({}),
    source: Source | None = None,
    objective: type[Sines] = Sines,
) -> dict[str, Any]:
    """All that a training leaves, but for the time that it took; resumed if it was begun.

    An epoch has five batches, a validation two.
    """
    resume = run.exists()
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(1, 8), nn.Dropout(0.2), nn.Tanh(), nn.Linear(8, 1))
    torch.manual_seed(2 + resume)  # another process has another random state
    fields = {"epochs": 3, "batch_size": 8, "accelerator": "cpu", "checkpoint_minutes": 0}
    config = TrainingConfig.model_validate(fields | dict(settings))
    data = source or Source(43)
    fit(model, objective(events), data, Source(16), config, run, resume, snapshots=2)
    with (run / "metrics.csv").open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    last = torch.load(run / "last.ckpt", weights_only=True)
    snapshots = [torch.load(path, weights_only=True) for path in sorted(run.glob("*.pt"))]
    tensors = [model.state_dict(), last["state_dict"], *snapshots]
    tensors += last["optimizer_states"][0]["state"].values()
    return {
        "rows": rows,
        "tensors": [{k: v.tolist() for k, v in each.items()} for each in tensors],
        "schedule": last["lr_schedulers"][0]["last_epoch"],
    }


def step(run: Path) -> int:
    """What the checkpoint has."""
    return int(torch.load(run / "last.ckpt", weights_only=True)["global_step"])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 2},
        {"accumulate": 3, "ema_decay": 0.9},
        {"patience": 1, "epochs": 5, "optimizer": {"lr": 1e-9}},
        {"validate_every": 2, "epochs": 4},
    ],
    ids=str,
)
def test_killed_anywhere_it_ends_as_if_it_had_not_been(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    """Among them in the first step, in the last batch of an epoch, and in a validation."""
    unbroken = train(tmp_path / "unbroken", settings)
    for call in (1, 2, 3, 5, 6, 7, 10, 13):
        run = tmp_path / f"broken_{call}"
        with pytest.raises(SystemError):
            train(run, settings, {call: die})
        assert train(run, settings) == unbroken, call


@pytest.mark.parametrize(("workers", "calls"), [(0, (3, 4, 9)), (1, (9,))])
def test_killed_again_and_again(workers: int, calls: tuple[int, ...], tmp_path: Path) -> None:
    settings = {"workers": workers}
    unbroken = train(tmp_path / "unbroken", settings, source=StoredSource(43))
    for call in calls:
        with pytest.raises(SystemError):
            train(tmp_path / "broken", settings, {call: die}, StoredSource(43))
    assert train(tmp_path / "broken", settings, source=StoredSource(43)) == unbroken


def test_a_kill_without_warning(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "broken")], capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert step(tmp_path / "broken") == 6  # calls of steps and validations: 5, 2, 2
    assert train(tmp_path / "broken") == train(tmp_path / "unbroken")


def test_what_was_done_is_not_read_again(tmp_path: Path) -> None:
    with pytest.raises(SystemError):
        train(tmp_path, events={4: die})
    source = Source(43)
    train(tmp_path, source=source)
    assert source.read == 8 * (15 - 3)


def test_a_kill_while_it_is_written_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(trainer: Trainer, path: Path) -> None:
        path.write_bytes(b"PK")
        die()

    def break_disk() -> None:
        monkeypatch.setattr(Trainer, "save_checkpoint", half)

    unbroken = train(tmp_path / "unbroken")
    with pytest.raises(SystemError):
        train(tmp_path / "broken", events={4: break_disk})
    monkeypatch.undo()
    assert step(tmp_path / "broken") == 3
    assert train(tmp_path / "broken") == unbroken


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"accumulate": 2}, [1, 2, 3, 4, 5, 6]),
        ({"checkpoint_minutes": 2}, [2, 4, 5, 7, 9, 10]),
        ({"checkpoint_minutes": None}, [5, 10]),
    ],
    ids=str,
)
def test_when_it_is_written(
    settings: dict[str, Any],
    expected: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A step takes a minute."""
    written: list[int] = []
    save = Trainer.save_checkpoint

    def record(trainer: Trainer, path: Path, *options: Any) -> None:
        if "last" in Path(path).name:
            written.append(trainer.global_step)
        save(trainer, path, *options)

    class Clock:
        seconds = 0.0

        @staticmethod
        def monotonic() -> float:
            return Clock.seconds

        @staticmethod
        def tick() -> None:
            Clock.seconds += 60

    monkeypatch.setattr(Trainer, "save_checkpoint", record)
    monkeypatch.setattr(last_checkpoint, "time", Clock)
    steps = {call: Clock.tick for call in range(1, 20) if (call - 1) % 7 < 5}
    train(tmp_path, {"epochs": 2} | settings, steps)
    assert written == expected


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
@pytest.mark.parametrize(("call", "expected"), [(3, 3), (5, 5), (7, 5), (8, 6)])
def test_told_to_end_nothing_is_lost(
    told: signal.Signals,
    call: int,
    expected: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a step, in the last one of an epoch, in a validation."""
    heard: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    interrupt = signal.getsignal(signal.SIGINT)
    settings = {"checkpoint_minutes": None}
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "broken", settings, {call: lambda: signal.raise_signal(told)})
        assert signal.getsignal(signal.SIGINT) == interrupt
    finally:
        signal.signal(signal.SIGTERM, former)
    assert heard == [signal.SIGTERM] * (told == signal.SIGTERM)
    place = f"goes on after step {expected} of 15, in epoch {1 + expected // 5} of 3"
    assert f"stopped; --resume {place}" in " ".join(capsys.readouterr().err.split())
    assert step(tmp_path / "broken") == expected
    left = train(tmp_path / "broken", settings)
    assert place in " ".join(capsys.readouterr().err.split())
    assert left == train(tmp_path / "unbroken", settings)


def test_told_twice_it_ends_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    settings = {"checkpoint_minutes": None}
    for call, place in ((3, "from the beginning"), (9, "after step 5 of 15, in epoch 2 of 3")):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "broken", settings, {call: twice})
        assert f"--resume goes on {place}" in " ".join(capsys.readouterr().err.split())
    assert train(tmp_path / "broken", settings) == train(tmp_path / "unbroken", settings)


def test_ctrl_c_is_answered_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The terminal tells the processes that load data, too."""

    def everywhere() -> None:
        children = [child.pid for child in multiprocessing.active_children()]
        assert len(children) == 2
        for process in (*children, os.getpid()):
            assert process is not None
            os.kill(process, signal.SIGINT)

    settings = {"checkpoint_minutes": None, "workers": 2}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, settings, {4: everywhere}, StoredSource(43))
    assert capfd.readouterr().err.count("Ctrl-C again ends at once") == 1
    assert step(tmp_path) == 4


def test_a_loss_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    class Breaking(Source):
        def __getitems__(self, indices: list[int]) -> Inputs:
            batch = super().__getitems__(indices)
            return batch if self.read < 24 else Inputs(batch.x + torch.nan)

    with pytest.raises(InputError, match="train/loss is nan in epoch 1; lower"):
        train(tmp_path, source=Breaking(43))
    assert step(tmp_path) == 2


class UpAndDown(Sines):
    """The second of three validations is the best, and the third better than the first."""

    epoch = 0

    def forward(self, model: nn.Module, batch: Inputs) -> tuple[Tensor, dict[str, Tensor]]:
        loss, terms = super().forward(model, batch)
        if model.training:
            self.epoch = int(3 * self.share)
            return loss, terms
        return loss * 0 + (3, 1, 2)[self.epoch], terms


@pytest.mark.parametrize("minutes", [0, None])
def test_the_best_weights_are_not_forgotten(minutes: float | None, tmp_path: Path) -> None:
    settings = {"checkpoint_minutes": minutes}
    unbroken = train(tmp_path / "unbroken", settings, objective=UpAndDown)
    with pytest.raises(SystemError):
        train(tmp_path / "broken", settings, {17: die}, objective=UpAndDown)
    assert train(tmp_path / "broken", settings, objective=UpAndDown) == unbroken


@pytest.mark.parametrize("copied", [False, True])
def test_nor_are_those_of_a_folder_that_was_moved(copied: bool, tmp_path: Path) -> None:
    unbroken = train(tmp_path / "unbroken", objective=UpAndDown)
    with pytest.raises(SystemError):
        train(tmp_path / "broken", events={17: die}, objective=UpAndDown)
    state = torch.load(tmp_path / "broken" / "last.ckpt", weights_only=True)["callbacks"]
    assert ModelCheckpoint(monitor="valid/loss").state_key in state  # as earlier versions wrote
    best = (tmp_path / "broken" / "best.ckpt").read_bytes()
    if copied:
        shutil.copytree(tmp_path / "broken", tmp_path / "moved")
    else:
        (tmp_path / "broken").rename(tmp_path / "moved")
    assert train(tmp_path / "moved", objective=UpAndDown) == unbroken
    assert not copied or (tmp_path / "broken" / "best.ckpt").read_bytes() == best


def test_a_checkpoint_of_an_earlier_version(tmp_path: Path) -> None:
    """It knows nothing of means, and `ModelCheckpoint` wrote it."""
    unbroken = train(tmp_path / "unbroken")
    with pytest.raises(SystemError):
        train(tmp_path / "broken", {"checkpoint_minutes": None}, {9: die})
    checkpoint = torch.load(tmp_path / "broken" / "last.ckpt", weights_only=True)
    del checkpoint["epoch_means"]
    checkpoint["callbacks"][ModelCheckpoint(every_n_epochs=1).state_key] = {}
    torch.save(checkpoint, tmp_path / "broken" / "last.ckpt")
    assert train(tmp_path / "broken") == unbroken


if __name__ == "__main__":
    train(Path(sys.argv[1]), events={9: lambda: os.kill(os.getpid(), signal.SIGKILL)})

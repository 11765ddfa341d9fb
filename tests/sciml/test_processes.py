"""Trainings of several processes: the gradients of one, and an end together."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("fit_pairs.py")


def fit(run: Path, *arguments: str) -> int:
    """Exit status; all processes of the training have ended."""
    command = [sys.executable, str(SCRIPT), str(run), *arguments]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as first:
        try:
            status = first.wait(300)
            end = time.monotonic() + 30
            while alive(first.pid):
                assert time.monotonic() < end
                time.sleep(0.1)
            return status
        finally:
            if alive(first.pid):
                os.killpg(first.pid, signal.SIGKILL)


def alive(group: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def require_same(run: Path, other: Path) -> None:
    """The same weights and losses, but for the order of sums."""
    first, second = (torch.load(path / "weights.pt", weights_only=True) for path in (run, other))
    assert torch.allclose(first, second, rtol=0, atol=1e-12)
    texts = [(path / "metrics.csv").read_text() for path in (run, other)]
    tables = [list(csv.DictReader(text.splitlines())) for text in texts]
    for row, own in zip(*tables, strict=True):
        for name in ("step", "train/loss", "valid/loss"):
            assert float(row[name]) == pytest.approx(float(own[name]), rel=1e-5)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of one process."""
    run = tmp_path_factory.mktemp("one") / "run"
    assert fit(run, "auto", "1", "0", "0") == 0
    return run


def test_two_processes_give_the_gradients_of_one(one: Path, tmp_path: Path) -> None:
    assert fit(tmp_path / "two", "ddp", "2", "0", "0") == 0
    require_same(tmp_path / "two", one)


def test_two_processes_end_when_the_first_is_told_to(one: Path, tmp_path: Path) -> None:
    """After the same step, within an epoch; resumed, they do as if they had not ended."""
    run = tmp_path / "run"
    assert fit(run, "ddp", "2", "0", "6") == -signal.SIGTERM
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == 6
    assert fit(run, "ddp", "2", "1", "0") == 0
    require_same(run, one)

"""Trainings of several processes: the gradients of one, and an end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch


def test_two_processes_give_the_gradients_of_one(tmp_path: Path) -> None:
    script = Path(__file__).with_name("fit_pairs.py")
    one, two = tmp_path / "one", tmp_path / "two"
    for run, strategy, devices in ((one, "auto", 1), (two, "ddp", 2)):
        command = [sys.executable, str(script), str(run), strategy, str(devices), "3"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    first, second = (torch.load(run / "weights.pt", weights_only=True) for run in (one, two))
    assert torch.allclose(first, second, rtol=0, atol=1e-12)


def test_two_processes_end_when_the_first_is_told_to(tmp_path: Path) -> None:
    script = Path(__file__).with_name("fit_pairs.py")
    command = [sys.executable, str(script), str(tmp_path / "run"), "ddp", "2", "100000"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as first:
        try:
            wait_for(lambda: (tmp_path / "run" / "last.ckpt").exists())
            first.terminate()
            assert first.wait(30) == -signal.SIGTERM
            wait_for(lambda: not alive(first.pid))  # the other one
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


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)

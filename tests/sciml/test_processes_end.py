"""Workers of a pool end with the program that started them, also when it is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from sciml.processes import {context}, begin_worker, cores

with ProcessPoolExecutor(1, {context}(), begin_worker) as pool:  # a script without a guard
    print(pool.submit(os.getpid).result(), pool.submit(cores).result(), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("context", ["PlainSpawn", "PlainForkServer"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(context: str, how: signal.Signals, tmp_path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(SCRIPT.format(context=context))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as pool:
        assert pool.stdout is not None
        worker, cores = map(int, pool.stdout.readline().split())
        assert cores == 1
        pool.send_signal(how)
        pool.wait(30)
        end = time.monotonic() + 30
        while alive(worker):
            assert time.monotonic() < end
            time.sleep(0.05)


def alive(process: int) -> bool:
    """Whether it runs; one that ended and was not yet waited for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"

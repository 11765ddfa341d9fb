"""Worker processes: how many, how they start, and that none outlives the program."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_all_start_methods, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType

_alone = False  # whether this process is one of several that share the machine


def cores() -> int:
    """Cores that this process may use: one in a worker, else those that it is allowed."""
    if _alone:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def take_one_core() -> None:
    """From now on this process is one of several: `cores` is one, and it starts no others."""
    global _alone
    _alone = True


def begin_worker() -> None:
    """Called in a new process: it takes one core, and ends with the one that started it."""
    take_one_core()
    end_with_parent()


def end_with_parent() -> None:
    """Called in a new process: it ends when the one that started it is gone, even if killed.

    A worker of a pool waits for work from a pipe that it holds itself, and would for ever.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=[parent], daemon=True).start()


class _Process(SpawnProcess):
    def start(self) -> None:
        with _without_main():
            super().start()


class PlainSpawn(SpawnContext):
    """Starts processes that do not import the program's main module.

    What they do is importable by name, and a script without `if __name__ == "__main__"` would
    run once more in each of them.
    """

    Process = _Process


if "forkserver" in get_all_start_methods():
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    class _ForkedProcess(ForkServerProcess):
        def start(self) -> None:
            with _without_main():
                super().start()

    class PlainForkServer(ForkServerContext):
        """As `PlainSpawn`, forked from a server that has imported what all need."""

        Process = _ForkedProcess


@contextmanager
def _without_main() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _leave_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

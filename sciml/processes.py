"""Worker processes that do not outlive the program that started them."""

import os
import threading
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """Called in a new process: it ends when the one that started it is gone, even if killed.

    A worker of a pool waits for work from a pipe that it holds itself, and would for ever.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=[parent], daemon=True).start()


def _leave_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

"""How Lightning's trainer behaves towards the terminal: quietly, and ending when it is told to."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import SIGTERMException

from sciml.cli import note
from sciml.last_checkpoint import LastCheckpoint
from sciml.run_folder import TOLD


@contextmanager
def interruptible(trainer: Trainer, last: LastCheckpoint) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the program as they end others, and say how to go on.

    Lightning takes the interrupt for itself: by version it returns, or ignores all that follow
    and exits with status 1.
    """
    handler = signal.getsignal(signal.SIGINT)
    terminated = False
    try:
        yield
    except SystemExit as error:
        if not trainer.interrupted:
            raise
        terminated = isinstance(error, SIGTERMException)
    if trainer.interrupted:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)
        if trainer.global_rank == 0:
            note(f"stopped; --resume goes on {last.place}")
        if terminated:
            os.kill(os.getpid(), signal.SIGTERM)
        raise KeyboardInterrupt(TOLD)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's tips and its advice on worker processes off the user's terminal."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

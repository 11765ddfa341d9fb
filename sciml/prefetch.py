"""Batches read in the background while the model works on earlier ones.

Lightning makes an iterator over a loader before it tells the sampler the epoch, so nothing is
read here until the first batch is asked for.
"""

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from torch.utils.data import DataLoader

AHEAD = 2  # batches
_END = object()


class PrefetchingLoader(DataLoader[Any]):
    """A loader whose batches, in the same order, are made by a thread of this process.

    Worth it where making a batch waits for disks or runs outside Python's lock.
    """

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Batches, the next `AHEAD` of them under way."""
        batches = super().__iter__()
        with ThreadPoolExecutor(1) as reader:
            waiting = deque(reader.submit(next, batches, _END) for _ in range(AHEAD))
            while (batch := waiting.popleft().result()) is not _END:
                waiting.append(reader.submit(next, batches, _END))
                yield batch


class WorkerLoader(DataLoader[Any]):
    """A loader whose batches are made by other processes."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Batches, some of them under way."""
        yield from super().__iter__()


def ignore_interrupt(worker: int) -> None:
    """Called in a new worker process: Ctrl-C, which all hear, is for the training to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

"""Memory of batches, used again: fresh pages cost as much time as filling them."""

import sys
import threading

import numpy as np
from numpy.typing import NDArray

_UNUSED = 2  # references to a buffer: the list's, and that of counting them


class Buffers:
    """Float32 buffers, each handed out again once nothing refers to it or to a view of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.buffers: list[NDArray[np.float32]] = []

    def take(self, size: int) -> NDArray[np.float32]:
        """A buffer of that many values, with whatever it held before."""
        with self.lock:
            free = [n for n in range(len(self.buffers)) if self._unused(n)]
            for number in free:
                if len(self.buffers[number]) == size:
                    return self.buffers[number]
            self.buffers = [self.buffers[n] for n in range(len(self.buffers)) if n not in free]
            self.buffers.append(np.empty(size, np.float32))
            return self.buffers[-1]

    def _unused(self, number: int) -> bool:
        return sys.getrefcount(self.buffers[number]) == _UNUSED

"""Windows of times read straight from the chunks of a prepared store."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype

from weather.grid import LatLonGrid
from weather.state import State, seconds
from weather.training.buffers import Buffers
from weather.variables import Variables

THREADS = 4  # chunks are read and decompressed outside Python's lock


@dataclass(frozen=True)
class StoreFields:
    """Fields of a prepared store, for data larger than memory.

    Threads decompress each chunk into its place in a batch, whose memory is used again
    once nothing refers to it. The fields may be sent to another process: arrays are opened
    where they are read.

    Attributes:
        path: of the store.
        times: of the store.
        levels: hPa, of the store.
        variables: to read.
        grid: of the store.
    """

    path: Path
    times: NDArray[np.datetime64]
    levels: tuple[float, ...]
    variables: Variables
    grid: LatLonGrid

    @cached_property
    def buffers(self) -> Buffers:
        """Memory of batches."""
        return Buffers()

    @cached_property
    def arrays(self) -> dict[str, zarr.Array[Any]]:
        """Open, by variable."""
        group = zarr.open_group(self.path, mode="r")
        names = (*self.variables.surface, *self.variables.upper)
        found = {name: group[name] for name in names}
        return {name: array for name, array in found.items() if isinstance(array, zarr.Array)}

    def __getstate__(self) -> dict[str, Any]:
        """Without open arrays and buffers."""
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    def cut(self, index: NDArray[np.int64]) -> State:
        """The state (batch, time, ...) at these positions (batch, time) of `times`."""
        names, shape = self.variables, self.grid.shape
        surface_shape = (*index.shape, len(names.surface), *shape)
        upper_shape = (*index.shape, len(names.upper), len(names.levels), *shape)
        parts = math.prod(surface_shape), math.prod(upper_shape)
        buffer = self.buffers.take(sum(parts))
        surface = buffer[: parts[0]].reshape(surface_shape)
        upper = buffer[parts[0] :].reshape(upper_shape)
        jobs = [
            (self.arrays[name], first, places, target[sample, start : start + length, number])
            for sample, positions in enumerate(index)
            for start, first, length in _runs(positions)
            for target, chosen, places in (
                (surface, names.surface, None),
                (upper, names.upper, self._places),
            )
            for number, name in enumerate(chosen)
        ]
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(lambda job: _read(*job), jobs):
                pass
        time = seconds(self.times[index])
        return State(torch.from_numpy(surface), torch.from_numpy(upper), time, names, self.grid)

    @property
    def _places(self) -> list[int] | None:
        """Of the levels in the store; None where all are wanted."""
        if self.variables.levels == self.levels:
            return None
        return [self.levels.index(level) for level in self.variables.levels]


def _runs(positions: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Stretches of positions that follow each other: start, first position, length."""
    starts = np.flatnonzero(np.diff(positions, prepend=positions[0] - 2) != 1)
    lengths = np.diff(starts, append=len(positions))
    return [(int(s), int(positions[s]), int(n)) for s, n in zip(starts, lengths, strict=True)]


def _read(
    array: zarr.Array[Any], first: int, places: list[int] | None, out: NDArray[np.float32]
) -> None:
    """Times from `first` on into `out`."""
    times = slice(first, first + len(out))
    if places is None:
        buffer = default_buffer_prototype().nd_buffer.from_numpy_array(out)
        array.get_basic_selection((times,), out=buffer)
    else:
        out[:] = np.asarray(array[times])[:, places]

"""Windows of times read straight from the chunks of a prepared store.

A chunk of one time is decompressed into its place in a batch. A chunk of several times is
decompressed once for all samples that are in use together: the order of training goes by
runs of two chunks (`sciml.order`), and a window may reach into the chunk after them.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from sciml.order import runs_in_use
from weather.grid import LatLonGrid
from weather.state import State, seconds
from weather.training.buffers import Buffers
from weather.variables import Variables

THREADS = 4  # chunks are read and decompressed outside Python's lock
_RUN = 2  # chunks; an epoch so reads each of them about 1.5 times

_ByVariable = list[NDArray[np.float32]]


@dataclass(frozen=True)
class StoreFields:
    """Fields of a prepared store, for data larger than memory.

    The memory of a batch is used again once nothing refers to it. The fields may be sent
    to another process: arrays are opened, and chunks kept, where they are read.

    Attributes:
        path: of the store.
        times: of the store.
        levels: hPa, of the store.
        variables: to read.
        grid: of the store.
        memory: GiB that kept chunks may take; with less than they need, chunks are read
            more often.
    """

    path: Path
    times: NDArray[np.datetime64]
    levels: tuple[float, ...]
    variables: Variables
    grid: LatLonGrid
    memory: float

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

    @cached_property
    def time_chunk(self) -> int:
        """Times in a chunk."""
        return int(next(iter(self.arrays.values())).chunks[0])

    @property
    def run(self) -> int:
        """See `Fields`."""
        return 1 if self.time_chunk == 1 else _RUN * self.time_chunk

    @property
    def kept(self) -> int:
        """Chunks in memory at the same time, at most."""
        if self.time_chunk == 1:
            return 0
        chunks = -(-len(self.times) // self.time_chunk)
        room = int(self.memory * 2**30) // self.chunk_bytes
        return min(chunks, room, (_RUN + 1) * runs_in_use(self.run))

    @property
    def chunk_bytes(self) -> int:
        """Of the fields in a chunk of all variables."""
        return 4 * sum(math.prod(shape) for shape in self._shapes(self.time_chunk))

    def __getstate__(self) -> dict[str, Any]:
        """Without open arrays, chunks and buffers."""
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    def cut(self, index: NDArray[np.int64]) -> State:
        """The state (batch, time, ...) at these positions (batch, time) of `times`."""
        shapes = self._shapes(*index.shape)
        first, second = map(math.prod, shapes)
        buffer = self.buffers.take(first + second)
        surface, upper = buffer[:first].reshape(shapes[0]), buffer[first:].reshape(shapes[1])
        out = [*np.moveaxis(surface, 2, 0), *np.moveaxis(upper, 2, 0)]
        if self.time_chunk == 1:
            self._read_times(index, out)
        else:
            self._copy_from_chunks(index, out)
        time = seconds(self.times[index])
        fields = torch.from_numpy(surface), torch.from_numpy(upper)
        return State(*fields, time, self.variables, self.grid)

    def only(self, names: Collection[str]) -> "StoreFields":
        """See `Fields`."""
        return replace(self, variables=self.variables.only(names))

    def _read_times(self, index: NDArray[np.int64], out: _ByVariable) -> None:
        """Read times into their places (batch, time) in a batch."""
        jobs = [
            (self.arrays[name], first, self._places(name), field[sample, start : start + length])
            for sample, positions in enumerate(index)
            for start, first, length in _stretches(positions)
            for name, field in zip(self.arrays, out, strict=True)
        ]
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(lambda job: _read(*job), jobs):
                pass

    def _copy_from_chunks(self, index: NDArray[np.int64], out: _ByVariable) -> None:
        """Copy times from their chunks to their places (batch, time) in a batch."""
        numbers, offsets = np.divmod(index, self.time_chunk)
        for number in np.unique(numbers).tolist():
            chunk = self.chunk(number)
            for place in map(tuple, np.argwhere(numbers == number)):
                for values, field in zip(chunk, out, strict=True):
                    field[place] = values[offsets[place]]

    @cached_property
    def chunk(self) -> Callable[[int], _ByVariable]:
        """Chunk by number: (time, [level,] lat, lon) of each variable; those used last stay."""
        return lru_cache(self.kept)(self._decompress)

    def _decompress(self, number: int) -> _ByVariable:
        first = number * self.time_chunk
        values = sync(_read_all(self.arrays.values(), slice(first, first + self.time_chunk)))
        return [
            field if (places := self._places(name)) is None else field[:, places]
            for name, field in zip(self.arrays, values, strict=True)
        ]

    def _shapes(self, *leading: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the fields of all variables, surface and upper."""
        names, cells = self.variables, self.grid.shape
        upper = (*leading, len(names.upper), len(names.levels), *cells)
        return (*leading, len(names.surface), *cells), upper

    def _places(self, name: str) -> list[int] | None:
        """Of the levels in the store; None where all are wanted, or there are none."""
        if name in self.variables.surface or self.variables.levels == self.levels:
            return None
        return [self.levels.index(level) for level in self.variables.levels]


async def _read_all(arrays: Iterable[zarr.Array[Any]], times: slice) -> list[Any]:
    """The same times of some arrays, side by side: much cheaper than one after the other."""
    return await asyncio.gather(*(array.async_array.getitem((times,)) for array in arrays))


def _stretches(positions: NDArray[np.int64]) -> list[tuple[int, int, int]]:
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

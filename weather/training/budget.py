"""How many times a preparation may hold at once, within the memory it was given."""

import math
from dataclasses import dataclass

from sciml.errors import InputError
from weather.training.source import Source

MIB = 2**20
_FIXED = 96 * MIB  # modules of readers, buffers, pieces being regridded and measured
_COPIES = 5  # of a slab: blocks, their concatenation, chunks under compression
_LARGEST = 64 * MIB  # bytes of a slab beyond which nothing is gained
_READS = 2  # copies of a block: as it comes, and decoded or cut
_THREADS = 4


@dataclass(frozen=True)
class Budget:
    """Times written at a time, and threads that read."""

    slab: int
    threads: int


def budget(source: Source, length: int, memory: int, cores: int) -> Budget:
    """The longest slab of whole chunks that fits.

    Args:
        source: what is read.
        length: times in a chunk of the store.
        memory: bytes.
        cores: of the machine.

    Raises:
        InputError: not even one chunk fits.
    """
    block = max((_block(source, str(name)) for name in source.dataset.data_vars), default=0)
    step = 4 * max(source.values(name) for name in source.series)
    for threads in range(min(_THREADS, cores), 0, -1):
        room = memory - _FIXED - threads * block
        fit = min(room // _COPIES, _LARGEST) // (step * length)
        if room >= _COPIES * step * length:
            return Budget(max(1, fit) * length, threads)
    needed = _FIXED + block + _COPIES * step * length
    raise InputError(
        f"--memory {memory / MIB:.3g}MiB is too little for fields of this size; give at least "
        f"{-(-needed // MIB)}MiB"
    )


def _block(source: Source, name: str) -> int:
    """Bytes to read one block: as stored, and decoded or cut."""
    field = source.dataset[name]
    assert field.chunks is not None
    values = math.prod(max(lengths) for lengths in field.chunks)
    return values * field.dtype.itemsize * _READS * source.sums.get(name, 1)

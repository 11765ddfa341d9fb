"""How much memory a process holds for the tensors it has: the C library's share.

glibc maps a large block on its own and gives it back when it is freed. A block no larger
than any mapped one that was freed before (nor than 32 MiB) comes from one growing heap
instead, and the gaps that free blocks leave there stay with the process. For tensors of a
few MiB the gaps can be half of what is in use; above 32 MiB there are none. (glibc's
malloc/malloc.c, "Update in 2006 to add a dynamic mmap threshold"; mallopt(3).)

The blocks of tensors alone, asked for from glibc 2.36 in the same order, take what `Heap`
says to a few per cent. In a real run small objects lie between them and keep gaps from
merging: that is `SCATTERED`.
"""

from bisect import bisect_left, insort

SMALLEST_MAPPED = 128 * 2**10  # bytes, M_MMAP_THRESHOLD at the start
LARGEST_IN_HEAP = 32 * 2**20  # bytes, DEFAULT_MMAP_THRESHOLD_MAX
SCATTERED = 1.4  # heap of a real run over this one's: 1.1 to 2.3, 13 runs of both backbones
_LINE = 64  # bytes, alignment of PyTorch's blocks
_SPARE = _LINE + 32  # bytes more that glibc asks for, to have room for the alignment


class Heap:
    """Blocks by best fit, as glibc lays them out.

    Attributes:
        peak: the most bytes that the process held so far.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._mapped = 0  # bytes
        self._mapped_from = SMALLEST_MAPPED
        self._top = 0  # end of the last block in the heap
        self._break = 0  # end of the heap
        self._gaps: list[tuple[int, int]] = []  # (start, end), by place
        self._blocks: dict[int, tuple[int | None, int]] = {}  # key: place, size

    @property
    def resident(self) -> int:
        """Bytes that the process holds."""
        return self._mapped + round(SCATTERED * self._break)

    def take(self, key: int, size: int) -> None:
        """Allocate `size` bytes."""
        size = -(-size // _LINE) * _LINE
        place = self._place(size) if size < self._mapped_from else None
        self._blocks[key] = (place, size)
        self._mapped += size if place is None else 0
        self.peak = max(self.peak, self.resident)

    def give(self, key: int) -> None:
        """Free a block."""
        place, size = self._blocks.pop(key)
        if place is None:
            self._mapped -= size
            if self._mapped_from < size <= LARGEST_IN_HEAP:
                self._mapped_from = size
        elif size:
            self._open(place, place + size)

    def _place(self, size: int) -> int:
        """Start of the smallest gap that is large enough, or of the heap's end.

        A gap that a block of the same size has left is not: the room for the alignment
        is missing (posix_memalign takes more, and gives the rest back).
        """
        fitting = [gap for gap in self._gaps if gap[1] - gap[0] >= size + _SPARE]
        if not fitting:
            start = self._top
            self._top += size
            self._break = max(self._break, self._top)
            return start
        start, end = min(fitting, key=lambda gap: gap[1] - gap[0])
        self._gaps.remove((start, end))
        if end - start > size:
            insort(self._gaps, (start + size, end))
        return start

    def _open(self, start: int, end: int) -> None:
        """A block becomes a gap, one with its neighbours, or the heap's free end."""
        index = bisect_left(self._gaps, (start, end))
        if index < len(self._gaps) and self._gaps[index][0] == end:
            end = self._gaps.pop(index)[1]
        if index and self._gaps[index - 1][1] == start:
            start = self._gaps.pop(index - 1)[0]
        if end < self._top:
            insort(self._gaps, (start, end))
            return
        self._top = start
        if self._break - self._top > 2 * self._mapped_from:  # M_TRIM_THRESHOLD
            self._break = self._top

"""Counts of any number of values, seen once, in constant memory.

Bins are as wide as a power of two, and begin at its multiples. How wide follows from the
smallest and the largest value alone, so the counts are the same in whatever order values
come, and whatever is counted first and added later.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 512  # at most
_DIGITS = 40  # binary ones that a bin number may have

Counts = NDArray[np.int64]


@dataclass
class Histogram:
    """Counts in equal bins.

    Attributes:
        exponent: bins are 2**exponent wide.
        first: number of the first bin; bin i begins at i * 2**exponent.
        counts: (bin,), the first and the last not zero.
    """

    exponent: int = 0
    first: int = 0
    counts: Counts = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, values: NDArray[np.float64]) -> None:
        """Count finite values."""
        if values.size:
            exponent = _exponent(float(values.min()), float(values.max()))
            bins = np.floor(np.ldexp(values, -exponent)).astype(np.int64)
            first = int(bins.min())
            self.merge(Histogram(exponent, first, np.bincount(bins - first)))

    def merge(self, other: "Histogram") -> None:
        """Add the counts of another one."""
        if not other.counts.size:
            return
        if not self.counts.size:
            self.exponent, self.first, self.counts = other.exponent, other.first, other.counts
            return
        self._widen(max(self.exponent, other.exponent))
        part = Histogram(other.exponent, other.first, other.counts)
        part._widen(self.exponent)
        while _span(self, part) > BINS:
            self._widen(self.exponent + 1)
            part._widen(self.exponent)
        first = min(self.first, part.first)
        total = np.zeros(_span(self, part), np.int64)
        for one in (self, part):
            total[one.first - first : one.first - first + len(one.counts)] += one.counts
        self.first, self.counts = first, total

    def occupied(self, bars: int) -> tuple[NDArray[np.float64], Counts]:
        """At most about `bars` bars over the range that holds values.

        Returns:
            Edges (bar + 1,) and counts (bar,).
        """
        merged = max(1, -(-len(self.counts) // bars))
        counts = np.pad(self.counts, (0, -len(self.counts) % merged))
        edges = self.first + merged * np.arange(len(counts) // merged + 1)
        return np.ldexp(edges.astype(float), self.exponent), counts.reshape(-1, merged).sum(axis=1)

    def _widen(self, exponent: int) -> None:
        shift = exponent - self.exponent
        bins = (self.first + np.arange(len(self.counts))) >> min(shift, 62)
        self.first, self.exponent = int(bins[0]), exponent
        self.counts = np.bincount(bins - bins[0], self.counts).astype(np.int64)


def _exponent(low: float, high: float) -> int:
    """Of the narrowest bins that hold these values."""
    exponent = math.frexp(max(abs(low), abs(high), 2.0**-900))[1] - _DIGITS
    while math.floor(math.ldexp(high, -exponent)) - math.floor(math.ldexp(low, -exponent)) >= BINS:
        exponent += 1
    return exponent


def _span(one: Histogram, other: Histogram) -> int:
    """Bins from the first to the last of two with bins of the same width."""
    ends = (one.first + len(one.counts), other.first + len(other.counts))
    return max(ends) - min(one.first, other.first)

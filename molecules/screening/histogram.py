"""Counts of any number of values, seen once, in constant memory."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BINS = 512  # even, so that neighbours can be merged


@dataclass
class Histogram:
    """Counts in equal bins over a range that doubles as values fall outside it."""

    start: float = np.nan
    width: float = np.nan
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, values: NDArray[np.float64]) -> None:
        """Count finite values."""
        if not values.size:
            return
        if np.isnan(self.start):
            spread = float(np.ptp(values)) or max(1.0, abs(float(values[0])))
            self.width = 1.02 * spread / BINS
            self.start = float(values.min()) - 0.01 * spread
        while values.min() < self.start:
            self._double(leftwards=True)
        while values.max() >= self.start + BINS * self.width:
            self._double(leftwards=False)
        bins = ((values - self.start) / self.width).astype(int)
        self.counts += np.bincount(bins, minlength=BINS)[:BINS]

    def occupied(self, bars: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """At most about `bars` bars over the range that holds values.

        Returns:
            Edges (bar + 1,) and counts (bar,).
        """
        used = np.flatnonzero(self.counts)
        merged = max(1, -(-(used[-1] - used[0] + 1) // bars))
        first = used[0]
        counts = self.counts[first : used[-1] + 1]
        counts = np.pad(counts, (0, -len(counts) % merged)).reshape(-1, merged).sum(axis=1)
        edges = self.start + self.width * (first + merged * np.arange(len(counts) + 1))
        return edges, counts

    def _double(self, leftwards: bool) -> None:
        merged = self.counts.reshape(-1, 2).sum(axis=1)
        empty = np.zeros(BINS // 2, np.int64)
        self.counts = np.concatenate([empty, merged] if leftwards else [merged, empty])
        self.start -= BINS * self.width if leftwards else 0.0
        self.width *= 2

"""Whether intervals hold what they promise, near the training set and far from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SIMILARITY_EDGES = (0.0, 0.3, 0.5, 0.7, 1.0)  # Tanimoto, to the nearest training molecule
CONFIDENCE = 0.95

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """Measured values within their intervals, for molecules of some similarity.

    Attributes:
        task: its name.
        least, most: Tanimoto similarity to the nearest training molecule.
        rows: measured molecules of that similarity.
        share: of them within their interval, or for a yes/no property, whose class is in
            the conformal set; NaN without rows.
        lower, upper: 95 % interval of the share (Clopper & Pearson 1934).
        width: median width of the intervals; NaN for a yes/no property.
    """

    task: str
    least: float
    most: float
    rows: int
    share: float
    lower: float
    upper: float
    width: float

    @property
    def held(self) -> str:
        """What holds them, in words."""
        return "sets hold the class of" if np.isnan(self.width) else "intervals hold"

    @property
    def unbounded(self) -> bool:
        """Whether the intervals have no ends, and hold everything."""
        return bool(np.isinf(self.width))


def within(truth: Array, lower: Array, upper: Array) -> Array:
    """1 where a value lies in its interval, 0 where not, NaN where unmeasured or unpredicted."""
    held = ((lower <= truth) & (truth <= upper)).astype(np.float64)
    return np.where(np.isfinite(truth) & ~np.isnan(lower), held, np.nan)


def contained(truth: Array, sets: Sequence[str]) -> Array:
    """1 where a class 0 or 1 is in its conformal set, 0 where not, NaN where unmeasured."""
    return np.array(
        [
            float(f"{label:.0f}" in members) if members and np.isfinite(label) else np.nan
            for label, members in zip(truth, sets, strict=True)
        ]
    )


def coverage_by_similarity(
    task: str, held: Array, width: Array, similarity: Array
) -> list[Coverage]:
    """Coverage of all molecules, then of each range of similarity that has any.

    Args:
        task: name.
        held: (row,) of `within` or `contained`.
        width: (row,) of the intervals.
        similarity: (row,) to the nearest training molecule.
    """
    inside = [
        (least, most, (similarity >= least) & ((similarity < most) | (most == 1)))
        for least, most in pairwise(SIMILARITY_EDGES)
    ]
    everything = (0.0, 1.0, np.ones(len(held), bool))
    found = [
        _coverage(task, least, most, held[rows], width[rows])
        for least, most, rows in (everything, *inside)
    ]
    return [found[0], *(part for part in found[1:] if part.rows)]


def _coverage(task: str, least: float, most: float, held: Array, width: Array) -> Coverage:
    from scipy.stats import binomtest

    measured = np.isfinite(held)
    rows, hits = int(measured.sum()), int(np.nansum(held))
    if not rows:
        return Coverage(task, least, most, 0, np.nan, np.nan, np.nan, np.nan)
    interval = binomtest(hits, rows).proportion_ci(CONFIDENCE)
    middle = float(np.median(width[measured]))
    return Coverage(task, least, most, rows, hits / rows, interval.low, interval.high, middle)

"""How sure a score is: whole blocks of consecutive cases are drawn again and again.

Forecasts that start close together share their weather, so cases are not independent;
blocks keep what consecutive ones have in common. All systems are drawn together, so
the difference of two is paired (Wilks 1997, J. Climate 10, 65).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

Values = NDArray[np.float64]

FEWEST = 8  # cases; of fewer no interval is given
LEVEL = 0.95
FALSE_DISCOVERIES = 0.05  # share that is accepted among differences called significant


@dataclass(frozen=True)
class Bootstrap:
    """Samples of cases, drawn with replacement in circular blocks.

    Attributes:
        cases: number of initial times.
        block: cases in a block.
        samples: number of samples.
        seed: of the draws.
    """

    cases: int
    block: int
    samples: int = 1000
    seed: int = 0

    @cached_property
    def counts(self) -> Values:
        """(sample, case) how often each case was drawn."""
        rng = np.random.default_rng(self.seed)
        blocks = -(-self.cases // self.block)
        starts = rng.integers(0, self.cases, (self.samples, blocks))
        drawn = (starts[:, :, None] + np.arange(self.block)) % self.cases
        drawn = drawn.reshape(self.samples, -1)[:, : self.cases]
        flat = drawn + self.cases * np.arange(self.samples)[:, None]
        counts = np.bincount(flat.ravel(), minlength=self.samples * self.cases)
        return counts.reshape(self.samples, self.cases).astype(np.float64)

    def means(self, series: Values) -> Values:
        """Means of every sample over the cases that are not NaN.

        Args:
            series: (case, ...)

        Returns:
            (sample, ...), NaN where a sample holds no known case.
        """
        return weighted_means(self.counts, series)


def weighted_means(counts: Values, series: Values) -> Values:
    """(sample, ...): means of `series` (case, ...), weighted by `counts` (sample, case)."""
    flat = series.reshape(len(series), -1)
    known = np.isfinite(flat)
    total = counts @ np.where(known, flat, 0)
    number = counts @ (known if not known.all() else known[:, :1])
    number = np.broadcast_to(number, total.shape)
    means = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return means.reshape(-1, *series.shape[1:])


def block_length(series: Values) -> int:
    """Cases in a block, from the correlation of consecutive ones.

    The length l that solves l = (n - l + 1)^(2/3 (1 - n'/n)), where n' = n (1 - r) /
    (1 + r) and r is the correlation of a case with the next (Wilks 1997, §3); the
    largest of all columns.

    Args:
        series: (case, ...) scores of each case; NaN is left out.
    """
    flat = series.reshape(len(series), -1)
    return max((_length(column[np.isfinite(column)]) for column in flat.T), default=1)


def _length(series: Values) -> int:
    cases = len(series)
    if cases < FEWEST or np.ptp(series) == 0:
        return 1
    anomaly = series - series.mean()
    r = float(np.clip((anomaly[1:] @ anomaly[:-1]) / (anomaly @ anomaly), 0, 0.99))
    power = 2 / 3 * (1 - (1 - r) / (1 + r))
    lengths = np.arange(1, cases // 2 + 1)
    return int(lengths[np.argmin(np.abs(lengths - (cases - lengths + 1) ** power))])


def interval(samples: Values) -> tuple[Values, Values]:
    """The middle 95 % of samples (sample, ...); NaN where too many samples have no case."""
    tail = 50 * (1 - LEVEL)
    whole = np.isfinite(samples).all()
    percentiles = np.percentile if whole else np.nanpercentile
    filled = samples if whole else np.where(_enough(samples), samples, 0)
    lower, upper = percentiles(filled, [tail, 100 - tail], axis=0)
    known = _enough(samples)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def p_value(samples: Values) -> Values:
    """Two-sided: how easily differences (sample, ...) could lie on the other side of zero."""
    count = np.isfinite(samples).sum(0)
    below = ((samples < 0).sum(0) + 0.5 * (samples == 0).sum(0) + 0.5) / (count + 1)
    p = np.minimum(2 * np.minimum(below, 1 - below), 1)
    return np.where(_enough(samples), p, np.nan)


def _enough(samples: Values) -> NDArray[np.bool_]:
    """Whether nearly all samples hold a case: of a season some may hold none."""
    return np.isfinite(samples).mean(0) >= LEVEL


def significant(p: Values) -> NDArray[np.bool_]:
    """Which of many tests reject, at most 5 % of them in error.

    Benjamini and Hochberg's procedure, which stays valid for fields of correlated tests
    (Wilks 2016, BAMS 97, 2263). NaN never rejects.
    """
    known = np.isfinite(p)
    result = np.zeros(p.shape, bool)
    if known.any():
        result[known] = false_discovery_control(p[known]) <= FALSE_DISCOVERIES
    return result

"""How sure a score is: molecules are drawn with replacement, again and again."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

if TYPE_CHECKING:
    from molecules.evaluation.metrics import Metric

RESAMPLES = 1000
COVERAGE = 0.95
FEWEST = 3  # molecules; of fewer a score has no interval

Values = NDArray[np.float64]
Molecules = NDArray[np.int64]


def bootstrap(
    metric: "Metric",
    truth: Values,
    *predictions: Values,
    seed: int = 0,
    resamples: int = RESAMPLES,
    molecules: Molecules | None = None,
) -> Values:
    """The metric on molecules drawn with replacement, the same for every prediction.

    Args:
        metric: the score.
        truth: (row,) or (row, class), finite.
        predictions: finite, each of that shape; several give paired differences.
        seed: of the draws.
        resamples: how many.
        molecules: (row,) number of each row's molecule: rows of one share what a model makes
            of it, and are drawn together; None takes each row for another.

    Returns:
        (resample, prediction); NaN where a draw has no score (one class only).
    """
    number = np.arange(len(truth)) if molecules is None else molecules
    _, group, size = np.unique(number, return_inverse=True, return_counts=True)
    order, first = np.argsort(group, kind="stable"), np.cumsum(size) - size
    drawn = np.random.default_rng(seed).integers(len(size), size=(resamples, len(size)))
    draws = (_rows(order, first[one], size[one]) for one in drawn)
    return np.array([[metric.score(truth[d], p[d]) for p in predictions] for d in draws])


def _rows(order: Molecules, first: Molecules, size: Molecules) -> Molecules:
    """Those from each first place on, so many each."""
    before = np.cumsum(size) - size
    return order[np.repeat(first - before, size) + np.arange(size.sum())]


def limits(drawn: Values, rows: int) -> tuple[float, float]:
    """The 95 % interval of a score that was drawn again and again, on so many rows.

    Percentiles as far out as Student's t of a mean would reach: plain ones are too narrow for few
    rows (expanded percentile interval: Hesterberg 2015, Am. Stat. 69, 371). For the root mean
    square of normal errors it holds the truth in 87, 93 and 95 % of trials of 12, 20 and 100
    rows, plain percentiles in 85, 90 and 94.

    Args:
        drawn: NaN where a draw has no score.
        rows: see `independent`.

    Returns:
        NaN for fewer than `FEWEST` rows, all draws of which may be alike.
    """
    if rows < FEWEST:
        return np.nan, np.nan
    reach = np.sqrt(rows / (rows - 1)) * t.ppf((1 - COVERAGE) / 2, rows - 1)
    tail = norm.cdf(reach)
    lower, upper = np.nanquantile(drawn, [tail, 1 - tail])
    return float(lower), float(upper)


def independent(truth: Values, molecules: Molecules | None = None) -> int:
    """How many molecules tell a score: of yes and no twice the fewer, where there are both."""
    number = np.arange(len(truth)) if molecules is None else molecules
    every = len(np.unique(number))
    if truth.ndim > 1 or not np.isin(truth, (0, 1)).all():
        return every
    return 2 * min(len(np.unique(number[truth == label])) for label in (0, 1)) or every

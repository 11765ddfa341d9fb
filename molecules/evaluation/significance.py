"""Whether a difference found by cross-validation is more than chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control
from scipy.stats import t as student


@dataclass(frozen=True)
class Difference:
    """A mean difference over the folds of a repeated cross-validation.

    Attributes:
        mean: of the differences.
        lower, upper: its 95 % confidence interval.
        p: two-sided probability of a difference as large by chance.
        folds: how many it rests on.
    """

    mean: float
    lower: float
    upper: float
    p: float
    folds: int


def corrected_t_test(
    differences: NDArray[np.float64], test_share: float, level: float = 0.95
) -> Difference:
    """Student's t test of paired scores, corrected for training sets that overlap.

    With J differences d of variance s^2, t = mean(d) / sqrt((1/J + n_test/n_train) s^2)
    on J - 1 degrees of freedom (Nadeau & Bengio 2003, Machine Learning 52, 239). The
    uncorrected test takes the folds for independent and finds differences everywhere.

    Args:
        differences: (fold,) one score less the other; NaN where there is none.
        test_share: n_test / n_train.
        level: of the confidence interval.

    Returns:
        NaN for interval and p with fewer than two differences, or if all are alike.
    """
    d = differences[np.isfinite(differences)]
    if len(d) < 2:
        mean = float(d.mean()) if len(d) else np.nan
        return Difference(mean, np.nan, np.nan, np.nan, len(d))
    error = np.sqrt((1 / len(d) + test_share) * d.var(ddof=1))
    if error <= 1e-12 * np.abs(d).max():  # all alike, which says nothing of how they vary
        mean = float(d.mean())
        zero = not np.any(d)
        return Difference(mean, *(0.0, 0.0, 1.0) if zero else (np.nan,) * 3, len(d))
    freedom = len(d) - 1
    half = student.ppf((1 + level) / 2, freedom) * error
    p = 2 * student.sf(abs(d.mean()) / error, freedom)
    return Difference(
        float(d.mean()), float(d.mean() - half), float(d.mean() + half), float(p), len(d)
    )


def adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p of several tests such that, of those below 5 %, at most 5 % are expected to be chance.

    Benjamini & Hochberg (1995, J. R. Stat. Soc. B 57, 289); one test alone stays as it is.

    Args:
        p: (test,) NaN where there is none.
    """
    found = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    if known.any():
        found[known] = false_discovery_control(p[known])
    return found

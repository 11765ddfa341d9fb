"""How alike two molecules are: what the covariance of a Gaussian process is made of."""

import numpy as np
from numpy.typing import NDArray

_LEVELS = 8  # counts from here on are alike
_LARGEST = 4.0  # standard deviations of a descriptor; larger ones count as these
_LEAST_SPREAD = 1e-9

Array = NDArray[np.float64]


def tanimoto(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Sum of the smaller over sum of the larger counts: (row, bit), (other, bit) -> (row, other).

    The smaller of two counts is the number of levels that both reach, so that a sum over
    bits is a matrix product for each level. Two molecules without any count are alike.
    """
    common = np.zeros((len(a), len(b)), np.float32)
    for level in range(1, _LEVELS + 1):
        bits = (a >= level).any(axis=0) & (b >= level).any(axis=0)
        reach = [(counts[:, bits] >= level).astype(np.float32) for counts in (a, b)]
        common += reach[0] @ reach[1].T
    sums = [np.minimum(counts, _LEVELS).sum(axis=1, dtype=np.float32) for counts in (a, b)]
    either = sums[0][:, None] + sums[1] - common
    return np.divide(common, either, out=np.ones_like(common), where=either > 0)


def squared_distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> Array:
    """Mean squared difference of descriptors: (row, d), (other, d) -> (row, other)."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    total = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * a @ b.T
    return np.maximum(total, 0) / max(a.shape[1], 1)


def logarithmic(descriptors: NDArray[np.float32]) -> Array:
    """sign(d) log(1 + |d|), zero where unknown: many descriptors grow with the molecule."""
    values = np.nan_to_num(descriptors.astype(np.float64))
    return np.sign(values) * np.log1p(np.abs(values))


def standardized(
    descriptors: NDArray[np.float32], centre: Array, spread: Array
) -> NDArray[np.float32]:
    """Deviations of descriptors from those learned from, four at most.

    Args:
        descriptors: (molecule, descriptor), NaN where unknown.
        centre, spread: (descriptor,) of their `logarithmic`; what has no spread is left out.

    Returns:
        (molecule, descriptor that is kept).
    """
    kept = spread > _LEAST_SPREAD
    values = (logarithmic(descriptors)[:, kept] - centre[kept]) / spread[kept]
    return np.clip(values, -_LARGEST, _LARGEST).astype(np.float32, order="C")

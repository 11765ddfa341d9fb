"""Molecules that differ: a varied choice among many that are alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molecules.choices import Diversity
from molecules.evaluation.similarity import Fingerprints
from sciml.errors import InputError

MOST_CLUSTERED = 5000  # every pair is compared
SAME_CLUSTER = 0.65  # Tanimoto similarity of Morgan fingerprints of radius 2

Array = NDArray[np.float64]


def tanimoto(some: Fingerprints, others: Fingerprints) -> Array:
    """Similarity of each of `some` to each of `others`: (row, row) in 0 to 1, 0 for blanks."""
    words = np.ascontiguousarray(others).view(np.uint64)
    sizes = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    result = np.empty((len(some), len(others)))
    for row, bits in enumerate(np.ascontiguousarray(some).view(np.uint64)):
        common = np.bitwise_count(words & bits).sum(axis=1, dtype=np.int64)
        union = sizes + np.bitwise_count(bits).sum(dtype=np.int64) - common
        result[row] = common / np.maximum(union, 1)
    return result


def require_number(number: int | None, top: int, by: Diversity) -> None:
    """Check how many are to be chosen among the best `top`.

    Raises:
        InputError: too few, too many, or more pairs than can be compared.
    """
    if number is None:
        return
    if not 1 <= number <= top:
        raise InputError(f"--diverse is {number}; expected 1 to {top}, as many as --top keeps")
    if by == "butina" and top > MOST_CLUSTERED:
        raise InputError(
            f"--diverse-by butina compares every pair: --top is {top}, expected at most "
            f"{MOST_CLUSTERED}; take maxmin or leader"
        )


def choose(fingerprints: Fingerprints, number: int, by: Diversity) -> list[int]:
    """A varied choice.

    Args:
        fingerprints: (molecule, 256), best molecule first.
        number: how many to choose; fewer if there are not so many, or clusters.
        by: `maxmin` begins with the best molecule and goes on with the one that is least
            like those chosen (Ashton et al. 2002); `butina` takes the best molecule of
            each cluster (Butina 1999, similarity 0.65), best first; `leader` goes down the
            list and passes over what is that similar to one chosen before.

    Returns:
        Rows, ascending.
    """
    if by == "maxmin":
        return sorted(_maxmin(fingerprints, number))
    if by == "leader":
        return _leaders(fingerprints, number)
    return sorted(min(cluster) for cluster in clusters(fingerprints))[:number]


def clusters(fingerprints: Fingerprints) -> Sequence[tuple[int, ...]]:
    """Butina's clusters, each with its centre first."""
    from rdkit.ML.Cluster import Butina

    distance = 1 - tanimoto(fingerprints, fingerprints)
    below = distance[np.tril_indices(len(distance), -1)]
    return Butina.ClusterData(
        below, len(distance), 1 - SAME_CLUSTER, isDistData=True, reordering=True
    )


def _leaders(fingerprints: Fingerprints, number: int) -> list[int]:
    free = np.ones(len(fingerprints), bool)
    chosen: list[int] = []
    while free.any() and len(chosen) < number:
        chosen.append(int(free.argmax()))
        (similarity,) = tanimoto(fingerprints[chosen[-1:]], fingerprints)
        free &= similarity < SAME_CLUSTER
        free[chosen] = False
    return chosen


def _maxmin(fingerprints: Fingerprints, number: int) -> list[int]:
    chosen = [0]
    nearest = tanimoto(fingerprints[:1], fingerprints)[0]
    while len(chosen) < min(number, len(fingerprints)):
        nearest[chosen] = 2.0
        chosen.append(int(nearest.argmin()))
        newest = tanimoto(fingerprints[chosen[-1:]], fingerprints)[0]
        nearest = np.maximum(nearest, newest)
    return chosen

"""Clusters of fingerprints: every member is near its cluster's centre.

Taylor-Butina looks at all pairs first and takes the densest neighbourhoods; the leader
algorithm looks once at each molecule, so that it takes any number of them, and its
clusters depend on their order.
"""

import numpy as np
from numpy.typing import NDArray

from sciml.errors import InputError

CUTOFF = 0.6  # Tanimoto distance to the centre, as in DeepChem's ButinaSplitter
MOST_ROWS = 50_000  # neighbours are found by comparing all pairs


def butina(fingerprints: NDArray[np.uint8], cutoff: float = CUTOFF) -> list[list[int]]:
    """Cluster molecules (Butina 1999, J. Chem. Inf. Comput. Sci. 39, 747).

    The molecule with most neighbours becomes a centre and takes those of them that are
    still free; then the next free one, in the order of all neighbours counted at first.

    Args:
        fingerprints: (row, byte) packed bits.
        cutoff: largest Tanimoto distance between a centre and its neighbours.

    Returns:
        Rows of each cluster, its centre first; the clusters in the order of their centres.

    Raises:
        InputError: too many rows to compare all pairs.
    """
    if len(fingerprints) > MOST_ROWS:
        raise InputError(
            f"butina compares all pairs and takes at most {MOST_ROWS:,} molecules, these are "
            f"{len(fingerprints):,}; choose the split leader or scaffold_balanced"
        )
    near = _neighbours(fingerprints, cutoff)
    free = np.ones(len(near), bool)
    clusters = []
    for centre in sorted(range(len(near)), key=lambda row: (len(near[row]), row), reverse=True):
        if free[centre]:
            members = near[centre][free[near[centre]]]
            clusters.append([centre, *members[members != centre].tolist()])
            free[members] = free[centre] = False
    return clusters


def leader(fingerprints: NDArray[np.uint8], cutoff: float = CUTOFF) -> list[list[int]]:
    """Sphere exclusion in the order of the rows (Hartigan 1975, Clustering Algorithms, ch. 3).

    A molecule joins the nearest of the leaders so far, the first of equals, or becomes one
    if none is within the cutoff. This is not Butina's algorithm: no molecule waits for a
    denser neighbourhood. Memory grows with the rows, time with rows times clusters.

    Args:
        fingerprints: (row, byte) packed bits.
        cutoff: largest Tanimoto distance between a leader and its followers.

    Returns:
        Rows of each cluster, its leader first; the clusters in the order of their leaders.
    """
    words = np.ascontiguousarray(fingerprints).view(np.uint64)
    sizes = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    leaders, spans = np.empty_like(words), np.empty_like(sizes)
    clusters: list[list[int]] = []
    for row, (bits, size) in enumerate(zip(words, sizes, strict=True)):
        known = len(clusters)
        common = np.bitwise_count(leaders[:known] & bits).sum(axis=1, dtype=np.int64)
        distance = 1 - common / np.maximum(spans[:known] + size - common, 1)
        if known and distance.min() <= cutoff:
            clusters[int(distance.argmin())].append(row)
        else:
            leaders[known], spans[known] = bits, size
            clusters.append([row])
    return clusters


def _neighbours(fingerprints: NDArray[np.uint8], cutoff: float) -> list[NDArray[np.int32]]:
    """For each row the rows within the cutoff, ascending."""
    words = np.ascontiguousarray(fingerprints).view(np.uint64)
    sizes = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    found = []
    for bits, size in zip(words, sizes, strict=True):
        common = np.bitwise_count(words & bits).sum(axis=1, dtype=np.int64)
        similarity = common / np.maximum(sizes + size - common, 1)
        found.append(np.flatnonzero(1 - similarity <= cutoff).astype(np.int32))
    return found

"""Similar molecules with very different values: where a smooth model must fail."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from molecules.checking.findings import Finding, Severity
from molecules.checking.structures import EXAMPLES, Structures
from molecules.evaluation.similarity import Fingerprints
from molecules.tasks import Task
from sciml.wording import count

Values = NDArray[np.float64]

SIMILAR = 0.7  # Tanimoto of ECFP4 counts as a pair worth comparing
STEEP = 1.0  # standard deviations of the column
ALIKE_IN_SIZE = 0.8  # heavy atoms of the smaller over those of the larger; see `check_cliffs`
MOST_MOLECULES = 8000  # all pairs of more take minutes
ENOUGH_PAIRS = 200_000


def check_cliffs(
    structures: Structures, task: Task, values: Values, seed: int = 0
) -> list[Finding]:
    """Pairs of similar molecules that differ by a standard deviation, or in their class.

    Pairs of unlike size are left out: bits of a fingerprint do not count how often a chain
    repeats, so hexanol and hexadecanol have the same. The others are ranked by SALI,
    |difference| / (1 - similarity) (Guha & Van Drie 2008, J. Chem. Inf. Model. 48, 646).
    """
    rows = _distinct(structures, values)
    sampled = ""
    if len(rows) > MOST_MOLECULES:
        kept = np.random.default_rng(seed).choice(rows, MOST_MOLECULES, replace=False)
        rows, sampled = np.sort(kept), f" in a sample of {MOST_MOLECULES:,} molecules"
    first, second, similarity = pairs(structures.fingerprints[rows], SIMILAR)
    sizes = np.sort(
        np.stack([structures.atoms[rows[first]], structures.atoms[rows[second]]]), axis=0
    )
    alike = sizes[0] >= ALIKE_IN_SIZE * sizes[1]
    first, second, similarity = first[alike], second[alike], similarity[alike]
    if not len(first):
        text = f"{task.name}: no two molecules of similarity {SIMILAR} or more{sampled}"
        return [Finding("cliffs", "ok", text)]
    first, second = rows[first], rows[second]
    difference = np.abs(values[first] - values[second])
    steep = difference >= (1 if task.kind == "binary" else STEEP * np.nanstd(values))
    what = "in opposite classes" if task.kind == "binary" else "a standard deviation apart"
    text = (
        f"{task.name}: {steep.sum():,} of {count(len(steep), 'pair')} of similar molecules "
        f"(Tanimoto {SIMILAR} or more) are {what} ({steep.mean():.0%}){sampled}"
    )
    sali = np.where(steep, difference / np.maximum(1 - similarity, 0.01), 0)
    worst = np.argsort(-sali, kind="stable")[: min(EXAMPLES, int(steep.sum()))]
    cases = tuple(
        structures.case(
            [first[i], second[i]],
            f"{values[first[i]]:g} and {values[second[i]]:g}, similarity {similarity[i]:.2f}",
        )
        for i in worst
    )
    severity: Severity = "note" if steep.any() else "ok"
    advice = "expect large errors there; stereo or assay may tell them apart" if cases else ""
    return [Finding("cliffs", severity, text, advice, cases)]


def pairs(
    fingerprints: Fingerprints, least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Values]:
    """All pairs i < j of at least that Tanimoto similarity; the first few 100,000 of them."""
    found = list(_pairs(fingerprints, least))
    if not found:
        nothing = np.array([], np.int64)
        return nothing, nothing, np.array([])
    first, second, similarity = (np.concatenate(part) for part in zip(*found, strict=True))
    return first, second, similarity


def _pairs(
    fingerprints: Fingerprints, least: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Values]]:
    words = np.ascontiguousarray(fingerprints).view(np.uint64)
    sizes = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    total = 0
    for row in range(len(words) - 1):
        common = np.bitwise_count(words[row + 1 :] & words[row]).sum(axis=1, dtype=np.int64)
        similarity = common / np.maximum(sizes[row + 1 :] + sizes[row] - common, 1)
        (near,) = np.nonzero(similarity >= least)
        if near.size:
            yield np.full(len(near), row), row + 1 + near, similarity[near]
        total += len(near)
        if total > ENOUGH_PAIRS:
            return


def _distinct(structures: Structures, values: Values) -> NDArray[np.int64]:
    """The first measured row of each molecule."""
    rows = np.flatnonzero(structures.valid & np.isfinite(values))
    _, first = np.unique(structures.identity[rows], return_index=True)
    return rows[np.sort(first)]

"""Whether the test fold of a split holds what the training fold has shown already."""

import numpy as np

from molecules.checking.findings import Finding
from molecules.checking.structures import EXAMPLES, Structures
from molecules.evaluation.similarity import NEAR, Nearness, nearest
from molecules.evaluation.splits import Split


def check_split(structures: Structures, folds: Split, name: str) -> list[Finding]:
    """The same molecule in two folds, near-duplicates across them, and the distance.

    Args:
        structures: of the table.
        folds: rows of train, valid and test.
        name: of the split, for the text.
    """
    train = folds["train"][structures.valid[folds["train"]]]
    test = folds["test"][structures.valid[folds["test"]]]
    found = _shared(structures, folds, name)
    similarity = nearest(structures.fingerprints[test], structures.fingerprints[train])
    near = np.flatnonzero(similarity >= NEAR)
    told = Nearness.of(similarity)
    text = f"{name}: {len(folds['train']):,} train, {len(folds['test']):,} test; {told}"
    if told.near > 0.1:
        advice = "scores will flatter; choose scaffold_balanced, butina or time to see further"
        cases = tuple(
            structures.case([test[i]], f"similarity {similarity[i]:.2f} to a training molecule")
            for i in near[:EXAMPLES]
        )
        return [*found, Finding("split", "warning", text, advice, cases)]
    advice = "most of the test is far from anything learned" if told.far > 0.5 else ""
    return [*found, Finding("split", "note" if advice else "ok", text, advice)]


def _shared(structures: Structures, folds: Split, name: str) -> list[Finding]:
    identity = structures.identity
    known = {identity[row]: row for row in folds["train"] if structures.valid[row]}
    shared = [row for row in folds["test"] if structures.valid[row] and identity[row] in known]
    if not shared:
        return []
    cases = tuple(
        structures.case([known[identity[row]], row], "in training and in test")
        for row in shared[:EXAMPLES]
    )
    text = f"{name}: {len(shared):,} of {len(folds['test']):,} test rows hold a training molecule"
    return [Finding("split", "warning", text, "take them out of one of the folds", cases)]

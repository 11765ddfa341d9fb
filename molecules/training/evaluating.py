"""A saved model scored on a labelled table, by the rows that it did not learn from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.baselines import OURS, Comparison, compare
from molecules.evaluation.coverage import Coverage
from molecules.evaluation.similarity import Nearness
from molecules.evaluation.splits import canonical_smiles
from molecules.files.blank import is_blank
from molecules.files.known_labels import known_labels
from molecules.files.labels import Labels
from molecules.files.recognize import listing, text_cells
from molecules.files.table import Table
from molecules.prediction.annotate import mark_unreadable
from molecules.prediction.ensemble import AnyPredictor, each
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor
from molecules.tasks import Tasks
from molecules.training.testing import coverage
from sciml.config import nearest
from sciml.errors import InputError

SCORED, LEARNED, BOUND, UNLABELLED = "scored", "learned from", "only a bound", "no label"

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Evaluated:
    """What came of an evaluation.

    Attributes:
        tasks: that were scored.
        scores: on the rows that count.
        coverage: of the intervals on these rows, by similarity; none of a model that does not
            tell its training set.
        nearness: of these rows to that set, or None.
        prediction: of all rows and tasks.
        uses: one per row: `scored`, or why it is not.
        notes: what is to be said, one line each.
    """

    tasks: Tasks
    scores: list[Comparison]
    coverage: list[Coverage]
    nearness: Nearness | None
    prediction: Prediction
    uses: list[str]
    notes: tuple[str, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many rows have each use."""
        return Counter(self.uses)


def evaluate(
    predictor: AnyPredictor,
    table: Table,
    targets: Sequence[str] = (),
    include_learned: bool = False,
    seed: int = 0,
) -> Evaluated:
    """Score a model on a table; a bound is not scored.

    Args:
        predictor: the model, or several.
        table: with columns named as the properties.
        targets: properties to score; all that the table has if empty.
        include_learned: also score the rows of molecules that the model learned from.
        seed: of the bootstrap, which in `train` is that of the training.

    Raises:
        InputError: a property that the model or the table lacks, or no row to score.
    """
    columns, labels, lacking = _labels(table, predictor.tasks, targets)
    prediction = predictor.predict(table.smiles, positions=table.positions)
    mark_unreadable(prediction, table.unreadable)
    learned, doubt = learned_from(predictor, table.smiles, prediction)
    uses = _uses(prediction, labels, np.zeros_like(learned) if include_learned else learned)
    rows = np.flatnonzero([use == SCORED for use in uses])
    if not len(rows):
        counts = ", ".join(f"{number} {use}" for use, number in Counter(uses).items())
        raise InputError(f"{table.source} has no row to score: {counts}{_way_out(uses)}")
    scored, truth = prediction.of(rows, columns), labels.exact[rows]
    similarity, molecules = scored.similarity, predictor.standardized(scored.smiles)
    bounds = int((labels.bounds[rows] != 0).sum())
    told = f"{bounds} bounds (<5, >5) are not scored" if bounds else ""
    return Evaluated(
        tasks=scored.tasks,
        scores=compare({OURS: scored.mean}, truth, scored.tasks, seed, molecules),
        coverage=[] if similarity is None else coverage(scored, truth),
        nearness=None if similarity is None else Nearness.of(similarity),
        prediction=prediction,
        uses=uses,
        notes=tuple(filter(None, [lacking, doubt, told])),
    )


def learned_from(
    predictor: AnyPredictor, smiles: Sequence[str], prediction: Prediction
) -> tuple[Mask, str]:
    """(row,) whether a model has learned from its molecule; and what is doubtful about it.

    Molecules are compared as the model reads them. A file that keeps none of those it learned
    from may know their fingerprints: then equal ones count.
    """
    models = each(predictor)
    kept = [one.training_set for one in models]
    if any(known is None for known in kept):
        if prediction.similarity is None:
            return np.zeros(len(smiles), bool), "the model does not tell what it learned from"
        alike: Mask = prediction.similarity == 1
        return alike, (
            "the model keeps no molecules; those with the fingerprint of one it learned from are "
            "taken for that"
        )
    learned = np.zeros(len(smiles), bool)
    for one, known in zip(models, kept, strict=True):
        names = set(canonical_smiles(known.smiles if known else ()))
        learned |= [bool(t) and t in names for t in canonical_smiles(one.standardized(smiles))]
    missing = max(_missing(one) for one in models)
    doubt = (
        f"the model does not keep {missing:,} molecules of its training and validation folds; "
        "rows of these count as new, and flatter it"
    )
    return learned, doubt if missing else ""


def _missing(predictor: PropertyPredictor) -> int:
    """Molecules of the training and validation folds that the file does not keep.

    A single network does not learn from the validation fold, but stops and has its intervals
    by it.
    """
    rows, kept = predictor.metadata.get("rows", {}), predictor.training_set
    return max(0, rows.get("train", 0) + rows.get("valid", 0) - len(kept or ()))


def _labels(
    table: Table, tasks: Tasks, targets: Sequence[str]
) -> tuple[NDArray[np.int64], Labels, str]:
    """Which tasks, their labels, and which properties the table has none of."""
    every = list(dict.fromkeys(task.of or task.name for task in tasks.tasks))
    unknown = [name for name in targets if name not in every]
    if unknown:
        hint = nearest(unknown[0], every) or f"; it predicts {', '.join(every)}"
        raise InputError(f"the model does not predict {unknown[0]!r}{hint}")
    held = [name for name in every if name in table.frame.columns and not _blank(table, name)]
    if not targets and not held:
        raise InputError(
            f"{table.source} has no values of what the model predicts: {listing(every)}"
        )
    wanted = list(targets) or held
    chosen = [i for i, task in enumerate(tasks.tasks) if (task.of or task.name) in wanted]
    lacking = [] if targets else [name for name in every if name not in held]
    told = f"no values of {listing(lacking)}" if lacking else ""
    return np.array(chosen, np.int64), known_labels(table, tasks, chosen), told


def _blank(table: Table, column: str) -> bool:
    return all(is_blank(cell.strip()) for cell in text_cells(table.frame[column]))


def _uses(prediction: Prediction, labels: Labels, learned: Mask) -> list[str]:
    exact, any_label = (
        np.isfinite(values).any(axis=1).astype(bool) for values in (labels.exact, labels.values)
    )
    rows = zip(prediction.status, exact, any_label, learned, strict=True)
    return [_use(*row) for row in rows]


def _use(status: str, exact: bool, label: bool, learned: bool) -> str:
    if status != "ok":
        return status
    if not label:
        return UNLABELLED
    if learned:
        return LEARNED
    return SCORED if exact else BOUND


def _way_out(uses: Sequence[str]) -> str:
    return "; --include-learned scores these" if LEARNED in uses else ""

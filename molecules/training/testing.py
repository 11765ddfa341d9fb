"""The test of a trained model: beside a random forest and the mean, and of its intervals."""

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.evaluation.baselines import (
    FOREST,
    OURS,
    Comparison,
    compare,
    mean_prediction,
    verdict,
)
from molecules.evaluation.coverage import Coverage, contained, coverage_by_similarity, within
from molecules.evaluation.metrics import MANY_TASKS
from molecules.experts.forest import Forest
from molecules.experts.inputs import Inputs
from molecules.prediction.prediction import Prediction
from molecules.tasks import Tasks
from molecules.training.bounded import fit_with_bounds
from molecules.training.inputs import TableInputs
from molecules.training.preparation import Prepared

Array = NDArray[np.float64]


def compare_with_baselines(
    predicted: Array, ready: Prepared, forest: Forest | None, seed: int
) -> tuple[list[Comparison], list[str]]:
    """Scores of our model and the baselines on the test fold, and who wins.

    A forest of one property takes seconds to minutes: of more than `MANY_TASKS` as many have
    one, evenly from the fewest to the most labels.

    Args:
        predicted: (test row, task).
        ready: the table, prepared with fingerprints.
        forest: that has learned from training and validation; fitted here if None.
        seed: of the forest and of bootstrap intervals.
    """
    test, known = ready.folds["test"], ready.known
    truth = ready.exact[test]
    chosen = _with_forest(ready.labels[known])
    if forest is None:
        forest = _forest(ready, chosen, seed)
    trees = np.full(truth.shape, np.nan)
    trees[:, chosen] = forest.predict(TableInputs.of(ready, test)[test])
    others = {
        FOREST: _known_only(ready.tasks.in_units(trees), ready),
        "mean": mean_prediction(ready.counted[known], len(test)),
    }
    smiles = [ready.smiles[row] for row in test]
    scores = compare({OURS: predicted, **others}, truth, ready.tasks, seed, smiles)
    return scores, verdict(predicted, others[FOREST], truth, ready.tasks, seed, smiles)


def coverage(predicted: Prediction, truth: Array) -> list[Coverage]:
    """How many measured values lie within their intervals, by task and similarity."""
    assert predicted.similarity is not None
    found = []
    for column, task in enumerate(predicted.tasks.tasks):
        lower, upper = predicted.lower[:, column], predicted.upper[:, column]
        binary = task.kind == "binary"
        held = (
            contained(truth[:, column], predicted.sets[:, column].tolist())
            if binary
            else within(truth[:, column], lower, upper)
        )
        width = np.full_like(lower, np.nan) if binary else upper - lower
        found += coverage_by_similarity(task.name, held, width, predicted.similarity)
    return found


def _with_forest(labels: Array) -> list[int]:
    """Tasks that get a forest, by the labels (row, task) to learn from."""
    order = np.argsort(np.isfinite(labels).sum(axis=0), kind="stable")
    places = np.linspace(0, len(order) - 1, min(len(order), MANY_TASKS))
    return sorted(order[places.round().astype(int)].tolist())


def _forest(ready: Prepared, chosen: list[int], seed: int) -> Forest:
    """Learned from all known rows."""
    known = ready.known
    weights, threads = ready.weights[known], torch.get_num_threads()
    tasks = Tasks(tasks=tuple(ready.tasks.tasks[task] for task in chosen))

    def fit(inputs: Inputs, labels: Array) -> Forest:
        return Forest.fit(inputs, labels, weights, tasks, seed, threads)

    return fit_with_bounds(fit, TableInputs.of(ready, known)[known], ready, known, chosen)


def _known_only(predicted: Array, ready: Prepared) -> Array:
    """NaN for a property without any measured row to learn from."""
    return np.where(np.isfinite(ready.exact[ready.known]).any(axis=0), predicted, np.nan)

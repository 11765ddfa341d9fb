"""The test of a trained model: beside a random forest and the mean, and of its intervals."""

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.evaluation.baselines import Comparison, compare, mean_prediction, verdict
from molecules.evaluation.coverage import Coverage, contained, coverage_by_similarity, within
from molecules.experts.forest import Forest
from molecules.prediction.prediction import Prediction
from molecules.training.inputs import TableInputs
from molecules.training.preparation import Prepared

Array = NDArray[np.float64]


def compare_with_baselines(
    predicted: Array, ready: Prepared, forest: Forest | None, seed: int
) -> tuple[list[Comparison], list[str]]:
    """Scores of our model and the baselines on the test fold, and who wins.

    Args:
        predicted: (test row, task).
        ready: the table, prepared with fingerprints.
        forest: that has learned from training and validation; fitted here if None.
        seed: of the forest and of bootstrap intervals.
    """
    test, known = ready.folds["test"], ready.known
    truth = ready.exact[test]
    if forest is None:
        forest = _forest(ready, seed)
    others = {
        "random forest": _known_only(forest.predict(TableInputs.of(ready, test)[test]), ready),
        "mean": mean_prediction(ready.labels[known], len(test)),
    }
    scores = compare({"our model": predicted, **others}, truth, ready.tasks, seed)
    return scores, verdict(predicted, others["random forest"], truth, ready.tasks, seed)


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


def _forest(ready: Prepared, seed: int) -> Forest:
    """Learned from all known rows."""
    known = ready.known
    labels, weights = ready.labels[known], ready.weights[known]
    threads = torch.get_num_threads()
    inputs = TableInputs.of(ready, known)[known]
    return Forest.fit(inputs, labels, weights, ready.tasks, seed, threads)


def _known_only(predicted: Array, ready: Prepared) -> Array:
    """NaN for a property without any measured row to learn from."""
    return np.where(np.isfinite(ready.labels[ready.known]).any(axis=0), predicted, np.nan)

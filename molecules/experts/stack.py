"""How much each expert counts: weights fitted to predictions of molecules it had not seen.

The weights of a property, w >= 0 with sum 1, minimize over its measured molecules
(stacked regression: Breiman 1996, Mach. Learn. 24, 49)

    sum of (y - sum_e w_e p_e)^2 + SHRINK sum_e (w_e - 1/E)^2 v

where v, the least mean squared error of a single expert, gives the second term its unit.
It keeps the weights alike where a hundred molecules could only tell them apart by chance,
and hardly counts where there are thousands. An expert that makes no error
gets all the weight. The classes of one property share their weights.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from molecules.tasks import Tasks

SHRINK = 100.0
LEAST = 0.02  # a smaller weight is none
_TO_ONE = 1e4  # how hard the weights are held to a sum of one, before they are divided by it

Array = NDArray[np.float64]

NO_LIMITS = np.array([[-np.inf], [np.inf]])


def fit_weights(predicted: Array, truth: Array, tasks: Tasks) -> Array:
    """Weights (expert, task) >= 0; those of a task sum to one.

    Args:
        predicted: (expert, row, task) of molecules that the expert has not learned from;
            NaN where there is none.
        truth: (row, task), NaN where unmeasured.
        tasks: which are classes of one property.
    """
    weights = np.full((len(predicted), len(tasks)), 1 / len(predicted))
    for columns in together(tasks):
        told = predicted[:, :, columns].reshape(len(predicted), -1)
        y = truth[:, columns].ravel()
        both = np.isfinite(y) & np.isfinite(told).all(axis=0)
        weights[:, columns] = _weights(told[:, both], y[both])[:, None]
    return weights


def together(tasks: Tasks) -> list[list[int]]:
    """Columns that share their weights: the classes of a property, or one task."""
    alone = [[i] for i, task in enumerate(tasks.tasks) if not task.of]
    return alone + list(tasks.classes.values())


def combine(predicted: Array | Sequence[Array], weights: Array, tasks: Tasks) -> Array:
    """Weighted mean: (expert, row, task) -> (row, task); classes sum to one."""
    mean = np.einsum("ert,et->rt", np.asarray(predicted), weights)
    return proper(mean, tasks)


def label_limits(labels: Array, tasks: Tasks) -> Array:
    """(2, task) least and most that a quantity is believed to be: a range beyond its labels.

    Far from all that they have learned from, networks may say anything.

    Args:
        labels: (row, task) learned from, bounds among them, on the scale that is learned.
        tasks: which are yes/no, and have none.
    """
    limits = NO_LIMITS.repeat(len(tasks), axis=1)
    for task in np.flatnonzero(~tasks.binary & np.isfinite(labels).any(axis=0)):
        low, high = np.nanmin(labels[:, task]), np.nanmax(labels[:, task])
        limits[:, task] = low - (high - low), high + (high - low)
    return limits


def disagreement(predicted: Array, weights: Array) -> Array:
    """Weighted standard deviation of the experts: (expert, row, task) -> (row, task)."""
    mean = np.einsum("ert,et->rt", predicted, weights)
    return np.sqrt(np.einsum("ert,et->rt", np.square(predicted - mean), weights))


def signs_of_doubt(predicted: Array, weights: Array, unsure: Sequence[Array | None]) -> Array:
    """What lets expect a large error: how far the experts disagree, and how unsure one is.

    Args:
        predicted, weights: as of `disagreement`.
        unsure: what each expert says of itself, (row, task); of the first that does.

    Returns:
        (row, task, 2); the second is zero where no expert says anything.
    """
    between = disagreement(predicted, weights)
    own = next((doubt for doubt in unsure if doubt is not None), np.zeros_like(between))
    return np.stack([between, own], axis=-1)


def proper(told: Array, tasks: Tasks) -> Array:
    """Probabilities within 0 and 1, and those of the classes of a property with sum one."""
    told = np.where(tasks.binary, np.clip(told, 0, 1), told)
    for columns in tasks.classes.values():
        total = told[:, columns].sum(axis=1, keepdims=True)
        even = np.full((len(told), len(columns)), 1 / len(columns))
        told[:, columns] = np.divide(told[:, columns], total, out=even, where=total > 0)
    return told


def _weights(told: Array, y: Array) -> Array:
    """(expert,) weights of one property, from (expert, row) and (row,)."""
    experts = len(told)
    even = np.full(experts, 1 / experts)
    if not len(y):
        return even
    least = np.square(told - y).mean(axis=1).min()
    unit = max(float(np.std(y)), np.sqrt(least)) or 1.0
    pull = np.sqrt(SHRINK * least)
    system = np.vstack(
        [told.T - y[:, None], pull * np.eye(experts), np.full((1, experts), _TO_ONE * unit)]
    )
    wanted = np.concatenate([np.zeros(len(y)), pull * even, [_TO_ONE * unit]])
    found, _ = nnls(system, wanted)
    kept = np.where(found / found.sum() < LEAST, 0.0, found)
    return kept / kept.sum()

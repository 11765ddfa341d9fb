"""Weights of experts: a convex combination, no worse than the best, even where little is known."""

import numpy as np
import pytest

from molecules.experts.stack import (
    SHRINK,
    combine,
    disagreement,
    fit_weights,
    label_limits,
    proper,
)
from molecules.tasks import Task, TaskKind, Tasks

ONE = Tasks(tasks=(Task(name="y"),))
CLASSES = Tasks(tasks=(Task(name="y"), *(Task(name=f"c={n}", kind="binary", of="c") for n in "ab")))


def noisy(rows: int, *errors: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(expert, row, 1) with errors of a standard deviation each, and the truth."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=(rows, 1))
    return np.stack([truth + e * draw.normal(size=(rows, 1)) for e in errors]), truth


def loss(predicted: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> float:
    return float(np.sum((combine(predicted, weights, ONE) - truth) ** 2))


@pytest.mark.parametrize("errors", [(0.5, 0.5, 0.5), (0.1, 1.0), (2.0, 0.3, 0.9, 0.4)])
def test_a_convex_combination_no_worse_than_the_best(errors: tuple[float, ...]) -> None:
    predicted, truth = noisy(60, *errors)
    weights = fit_weights(predicted, truth, ONE)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=0, atol=1e-12)
    alone = [loss(predicted, truth, np.eye(len(errors))[:, [i]]) for i in range(len(errors))]
    allowed = SHRINK * min(alone) / len(truth)  # of the pull to equal weights, at most
    assert loss(predicted, truth, weights) <= min(alone) + allowed


def test_the_minimum_in_closed_form() -> None:
    predicted, truth = noisy(40, 0.5, 0.7)
    a, b = (predicted[i, :, 0] - truth[:, 0] for i in range(2))
    pull = SHRINK * min(np.mean(a**2), np.mean(b**2))
    first = (b @ (b - a) + pull) / ((a - b) @ (a - b) + 2 * pull)
    weights = fit_weights(predicted, truth, ONE)
    np.testing.assert_allclose(weights[:, 0], [first, 1 - first], atol=1e-5)


def test_a_perfect_expert_gets_all_the_weight() -> None:
    predicted, truth = noisy(30, 0.4, 0.0, 0.2)
    np.testing.assert_allclose(fit_weights(predicted, truth, ONE)[:, 0], [0, 1, 0], atol=1e-9)


def test_alike_where_nothing_is_known_and_nearly_so_for_few() -> None:
    predicted, truth = noisy(5, 0.3, 0.6)
    unknown = fit_weights(predicted, np.full_like(truth, np.nan), ONE)
    np.testing.assert_array_equal(unknown, [[0.5], [0.5]])
    few = fit_weights(predicted, truth, ONE)[:, 0]
    predicted, truth = noisy(5000, 0.3, 0.6)
    many = fit_weights(predicted, truth, ONE)[:, 0]
    np.testing.assert_allclose(many, [0.8, 0.2], atol=0.02)  # as 1 / variance
    assert abs(few[0] - 0.5) < abs(many[0] - 0.5)


def test_classes_share_weights_and_sum_to_one() -> None:
    draw = np.random.default_rng(0)
    truth = np.column_stack([draw.normal(size=50), np.eye(2)[draw.integers(2, size=50)]])
    predicted = np.stack(
        [proper(truth + s * draw.normal(size=truth.shape), CLASSES) for s in (0.3, 1)]
    )
    weights = fit_weights(predicted, truth, CLASSES)
    np.testing.assert_array_equal(weights[:, 1], weights[:, 2])
    told = combine(predicted, weights, CLASSES)
    np.testing.assert_allclose(told[:, 1:].sum(axis=1), 1, rtol=1e-12)


def test_disagreement_of_two_with_equal_weights_is_half_their_difference() -> None:
    predicted, _ = noisy(10, 0.3, 0.6)
    spread = disagreement(predicted, np.full((2, 1), 0.5))
    np.testing.assert_allclose(spread, np.abs(predicted[0] - predicted[1]) / 2)


def test_limits_are_a_range_beyond_the_labels() -> None:
    names = ("a", "b", "none")
    kinds: tuple[TaskKind, ...] = ("regression", "binary", "regression")
    tasks = Tasks(tasks=tuple(Task(name=n, kind=k) for n, k in zip(names, kinds, strict=True)))
    labels = np.array([[-2.0, 0, np.nan], [np.nan, 1, np.nan], [1.0, 1, np.nan]])
    expected = [[-5, -np.inf, -np.inf], [4, np.inf, np.inf]]
    np.testing.assert_array_equal(label_limits(labels, tasks), expected)

"""Scores of test predictions over seeds, with intervals over test molecules.

The bootstrap draws molecules, not rows: a molecule that stands in the test folds of several
seeds, or in several rows, is drawn once for all of them. All models of a table and split are
scored on the same draws, so the difference of two models is paired. What another random
number would have trained is in the mean over seeds, not in the interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from molecules_job import Array

from molecules.evaluation.metrics import (
    Metric,
)
from molecules.evaluation.resampling import COVERAGE, RESAMPLES


@dataclass(frozen=True)
class Predicted:
    """Predictions of a test fold.

    Attributes:
        molecules: (row,) canonical SMILES.
        truth: (row, task), NaN where unmeasured.
        predicted: (row, task).
    """

    molecules: Sequence[str]
    truth: Array
    predicted: Array


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % bootstrap interval.

    Attributes:
        value, lower, upper: NaN without one.
        seeds: that the mean is over.
    """

    value: float
    lower: float
    upper: float
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Scored:
    """The score of one seed, and of the bootstrap's draws.

    Attributes:
        value: of the whole test fold.
        draws: (resample,)
    """

    value: float
    draws: Array


def score(metric: Metric, truth: Array, predicted: Array) -> float:
    """The metric, as a mean over tasks that have one; NaN without any.

    Args:
        metric: of one task.
        truth: (row, task), NaN where unmeasured.
        predicted: (row, task).
    """
    values = [_of_task(metric, y, p) for y, p in zip(truth.T, predicted.T, strict=True)]
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _of_task(metric: Metric, truth: Array, predicted: Array) -> float:
    measured = np.isfinite(truth)
    enough = measured.sum() >= metric.min_rows
    return metric.score(truth[measured], predicted[measured]) if enough else np.nan


class Draws:
    """How often each molecule is drawn, the same for all that is compared.

    Args:
        molecules: of all test folds.
        seed: of the draws.
    """

    def __init__(self, molecules: Sequence[str], seed: int = 0) -> None:
        known = sorted(set(molecules))
        self.column = {molecule: i for i, molecule in enumerate(known)}
        random = np.random.default_rng(seed)
        even = np.full(len(known), 1 / len(known))
        self.counts = random.multinomial(len(known), even, size=RESAMPLES)  # (resample, molecule)

    def scored(self, metric: Metric, tested: Predicted) -> Scored:
        """The score, and that of every draw."""
        columns = [self.column[molecule] for molecule in tested.molecules]
        truth, predicted, rows = tested.truth, tested.predicted, np.arange(len(columns))
        drawn = (np.repeat(rows, times[columns]) for times in self.counts)
        draws = [score(metric, truth[some], predicted[some]) for some in drawn]
        return Scored(score(metric, truth, predicted), np.array(draws))


def mean(scores: Mapping[int, Scored]) -> Interval:
    """Over seeds.

    Args:
        scores: seed -> score.
    """
    seeds = sorted(scores)
    draws = np.mean([scores[seed].draws for seed in seeds], axis=0)
    return _interval(float(np.mean([scores[seed].value for seed in seeds])), draws, seeds)


def gain(metric: Metric, ours: Mapping[int, Scored], other: Mapping[int, Scored]) -> Interval:
    """How much better ours is, in units of the metric, over the seeds that both have."""
    seeds = sorted(ours.keys() & other.keys())
    if not seeds:
        return Interval(np.nan, np.nan, np.nan, ())
    sign = 1 if metric.larger_is_better else -1
    value = sign * np.mean([ours[seed].value - other[seed].value for seed in seeds])
    draws = sign * np.mean([ours[seed].draws - other[seed].draws for seed in seeds], axis=0)
    return _interval(float(value), draws, seeds)


def verdict(gained: Interval) -> str:
    """Significantly `better` or `worse` at 5 %, two-sided; otherwise `same`; blank unknown."""
    if not np.isfinite(gained.lower):
        return ""
    return "better" if gained.lower > 0 else "worse" if gained.upper < 0 else "same"


def _interval(value: float, draws: Array, seeds: Sequence[int]) -> Interval:
    if not np.isfinite(draws).any():
        return Interval(value, np.nan, np.nan, tuple(seeds))
    tail = (1 - COVERAGE) / 2
    lower, upper = np.nanquantile(draws, [tail, 1 - tail])
    return Interval(value, float(lower), float(upper), tuple(seeds))

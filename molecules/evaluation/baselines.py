"""How a model compares with what it must beat, on the same molecules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.metrics import (
    FEWER_RESAMPLES,
    MANY_TASKS,
    METRICS,
    Score,
    ScoredKind,
    figure,
    in_all,
    scores,
)
from molecules.evaluation.resampling import RESAMPLES, bootstrap, independent, limits
from molecules.tasks import Tasks
from sciml.wording import count

FEWEST_COMPARED = 8  # test molecules; among fewer all may agree by chance
_MOST_DIGITS = 9  # beyond which figures are equal
OURS, FOREST = "our model", "random forest"  # as models are named in scores

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """A score of one model on one task, as one row of a tidy table."""

    model: str
    task: str
    score: Score


def compare(
    predictions: Mapping[str, Array],
    truth: Array,
    tasks: Tasks,
    seed: int = 0,
    smiles: Sequence[str] | None = None,
) -> list[Comparison]:
    """Every model's scores on the same rows; none of a model that says nothing of a task.

    A property of several classes is scored as a whole, and each class against the rest.

    Args:
        predictions: model -> (row, task), NaN where it has no prediction.
        truth: (row, task), NaN where unmeasured.
        tasks: names and kinds.
        seed: of the bootstrap intervals.
        smiles: of each row, so that measurements of one molecule are drawn together.
    """
    molecules = _numbers(smiles)
    draws = RESAMPLES if len(tasks) <= MANY_TASKS else FEWER_RESAMPLES
    return [
        Comparison(model, part.name, score)
        for part in _parts(tasks)
        for model, predicted in predictions.items()
        if in_all(predicted[:, part.columns]).any() or not in_all(truth[:, part.columns]).any()
        for score in scores(
            part.kind, truth[:, part.columns], predicted[:, part.columns], seed, draws, molecules
        )
    ]


def verdict(
    ours: Array,
    forest: Array,
    truth: Array,
    tasks: Tasks,
    seed: int = 0,
    smiles: Sequence[str] | None = None,
) -> list[str]:
    """For each property, whether our model beats the forest, judged on paired bootstrap draws.

    Of a quantity that is learned as its logarithm logarithms are judged: the largest molecule
    alone would rule the error in units.

    Args:
        ours, forest, truth: (row, task) on the same rows.
        tasks: names and kinds.
        seed: of the draws.
        smiles: of each row, as of `compare`.

    Returns:
        One sentence per property that has a forest; one of several classes is judged as a whole.
    """
    numbers = _numbers(smiles)
    molecules = np.arange(len(truth)) if numbers is None else numbers
    return [
        _verdict(
            ours[:, part.columns],
            forest[:, part.columns],
            truth[:, part.columns],
            part,
            seed,
            molecules,
        )
        for part in _parts(tasks)
        if part.kind != "class"
        and (len(tasks) <= MANY_TASKS or in_all(forest[:, part.columns]).any())
    ]


@dataclass(frozen=True)
class _Part:
    """What is scored for itself: a task, or all classes of a property."""

    name: str
    kind: ScoredKind
    columns: int | list[int]
    logarithmic: bool = False


def _parts(tasks: Tasks) -> list[_Part]:
    """Every task; before the classes of a property, the property."""
    found: list[_Part] = []
    for i, task in enumerate(tasks.tasks):
        if task.of and tasks.classes[task.of][0] == i:
            found.append(_Part(task.of, "multiclass", tasks.classes[task.of]))
        found.append(_Part(task.name, "class" if task.of else task.kind, i, task.scale == "log"))
    return found


def mean_prediction(labels: Array, rows: int) -> Array:
    """The mean of the measured values for each of so many rows: (row, task).

    Args:
        labels: (row, task) to learn from, NaN where unmeasured; NaN for a task without any.
        rows: to predict.
    """
    measured = np.isfinite(labels)
    counts = measured.sum(axis=0)
    mean = np.where(counts, np.nansum(labels, axis=0) / np.maximum(counts, 1), np.nan)
    return np.tile(mean, (rows, 1))


def _numbers(smiles: Sequence[str] | None) -> NDArray[np.int64] | None:
    return None if smiles is None else np.unique(smiles, return_inverse=True)[1]


def _verdict(
    ours: Array, other: Array, truth: Array, part: _Part, seed: int, molecules: NDArray[np.int64]
) -> str:
    task, metric = part.name, METRICS[part.kind][0]
    if part.logarithmic:
        truth, ours, other = map(_log10, (truth, ours, other))
    rows = in_all(ours, other, truth)
    truth, ours, other, molecules = truth[rows], ours[rows], other[rows], molecules[rows]
    every = len(np.unique(molecules))
    values = [metric.score(truth, p) if truth.size else np.nan for p in (ours, other)]
    if np.isnan(values).any():
        return f"{task}: no comparison, {rows.sum()} measured test rows do not give a {metric.name}"
    if independent(truth, molecules) < FEWEST_COMPARED:
        few = "too few of one class among " if every >= FEWEST_COMPARED else "only "
        return f"{task}: no comparison, {few}{count(every, 'test molecule')}"
    sign = 1 if metric.larger_is_better else -1
    drawn = bootstrap(metric, truth, ours, other, seed=seed, molecules=molecules)
    lower, upper = limits(sign * (drawn @ [1, -1]), independent(truth, molecules))
    outcome = "cannot be told from"
    if lower > 0:
        outcome = "beats"
    elif upper < 0:
        outcome = "does NOT beat"
    what = f"{metric.name} of log10" if part.logarithmic else metric.name
    figures = f"{what} {' against '.join(_told_apart(*values))}, {every} test molecules"
    return f"{task}: our model {outcome} the random forest ({figures})"


def _log10(values: Array) -> Array:
    return np.log10(values, out=np.full_like(values, np.nan), where=values > 0)


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Both as figures, with more digits where they would read alike and are not."""
    told = figure(one), figure(other)
    digits = 4
    while told[0] == told[1] and one != other and digits <= _MOST_DIGITS:
        told = f"{one:#.{digits}g}", f"{other:#.{digits}g}"
        digits += 1
    return told

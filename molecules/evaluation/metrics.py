"""Scores of predictions, each with a bootstrap interval and the reason where there is none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from molecules.evaluation.resampling import RESAMPLES, Molecules, bootstrap, independent, limits

Values = NDArray[np.float64]
MANY_TASKS, FEWER_RESAMPLES = 30, 100  # so many draws for more tasks than these


def figure(value: float, sign: str = "") -> str:
    """A value in any unit as a reader wants it: three decimals, or as many digits where it is
    small or large; `sign` is `+` to write it always.
    """
    usual = value == 0 or 0.01 <= abs(value) < 10_000
    return f"{value:{sign}.3f}" if usual else f"{value:{sign}.3g}"


@dataclass(frozen=True)
class Metric:
    """A score of paired values.

    Attributes:
        name: as printed.
        score: (truth, prediction) -> value; both finite, (row,) or, for a property of several
            classes, (row, class).
        larger_is_better: its direction.
        min_rows: fewer give no score.
    """

    name: str
    score: Callable[[Values, Values], float]
    larger_is_better: bool
    min_rows: int = 1


def _rmse(truth: Values, prediction: Values) -> float:
    return float(np.sqrt(np.mean((truth - prediction) ** 2)))


def _mae(truth: Values, prediction: Values) -> float:
    return float(np.mean(np.abs(truth - prediction)))


def _r2(truth: Values, prediction: Values) -> float:
    """Coefficient of determination, 1 - sum (y - p)^2 / sum (y - mean y)^2; not a correlation."""
    total = np.sum((truth - truth.mean()) ** 2)
    return float(1 - np.sum((truth - prediction) ** 2) / total) if total > 0 else np.nan


def _spearman(truth: Values, prediction: Values) -> float:
    ranked = np.ptp(truth) > 0 and np.ptp(prediction) > 0
    return float(np.corrcoef(rankdata(truth), rankdata(prediction))[0, 1]) if ranked else np.nan


def _roc_auc(truth: Values, prediction: Values) -> float:
    """The share of pairs (positive, negative) in the right order; a tie counts half.

    From ranks (Mann-Whitney), since a bootstrap pays scikit-learn's checks a thousand times.
    """
    positive = truth == 1
    pairs = positive.sum() * (~positive).sum()
    if not pairs:
        return np.nan
    n = positive.sum()
    return float((rankdata(prediction)[positive].sum() - n * (n + 1) / 2) / pairs)


def _pr_auc(truth: Values, prediction: Values) -> float:
    """Average precision, sum over thresholds of (recall gained) x (precision).

    A random ranking scores the share of positives.
    """
    positives = truth.sum()
    if positives in (0, len(truth)):
        return np.nan
    order = np.argsort(-prediction, kind="stable")
    threshold_ends = np.flatnonzero(np.append(np.diff(prediction[order]) != 0, True))
    hits = np.cumsum(truth[order])[threshold_ends]
    gained = np.diff(hits, prepend=0) / positives
    return float(np.sum(gained * hits / (threshold_ends + 1)))


def confusion(truth: Values, prediction: Values) -> NDArray[np.int64]:
    """How many rows of each class were taken for which: (true class, predicted class).

    Args:
        truth: (row,) 0 and 1; or (row, class), 1 for the one class of the row.
        prediction: (row,) probability of 1, which is predicted above 0.5; or (row, class), of
            which the most probable one is predicted.
    """
    classes = truth.shape[1] if truth.ndim == 2 else 2
    pairs = classes * _class(truth) + _class(prediction)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def _class(values: Values) -> NDArray[np.int64]:
    return values.argmax(axis=1) if values.ndim == 2 else (values > 0.5).astype(np.int64)


def _accuracy(truth: Values, prediction: Values) -> float:
    return float(np.trace(confusion(truth, prediction)) / len(truth))


def _balanced_accuracy(truth: Values, prediction: Values) -> float:
    """The mean, over the classes that occur, of the share of their rows that is found."""
    table = confusion(truth, prediction)
    rows = table.sum(axis=1)
    return float(np.mean(np.diag(table)[rows > 0] / rows[rows > 0])) if _several(rows) else np.nan


def _mcc(truth: Values, prediction: Values) -> float:
    """Matthews' correlation coefficient of any number of classes; 0 where one is always said.

    Gorodkin (2004), doi:10.1016/j.compbiolchem.2004.09.006, equation 8.
    """
    table = confusion(truth, prediction).astype(np.float64)
    true, said, rows = table.sum(axis=1), table.sum(axis=0), table.sum()
    if not _several(true):
        return np.nan
    spread = (rows**2 - said @ said) * (rows**2 - true @ true)
    return float((np.trace(table) * rows - true @ said) / np.sqrt(spread)) if spread > 0 else 0.0


def _several(rows: NDArray[np.number]) -> bool:
    return int(np.count_nonzero(rows)) > 1


def _macro_roc_auc(truth: Values, prediction: Values) -> float:
    """The mean, over the classes that occur, of the ROC-AUC of one against the rest."""
    occur = np.flatnonzero(truth.any(axis=0))
    return float(np.mean([_roc_auc(truth[:, i], prediction[:, i]) for i in occur]))


RMSE = Metric("RMSE", _rmse, larger_is_better=False)
MAE = Metric("MAE", _mae, larger_is_better=False)
R2 = Metric("R2", _r2, larger_is_better=True, min_rows=2)
SPEARMAN = Metric("Spearman", _spearman, larger_is_better=True, min_rows=3)
ROC_AUC = Metric("ROC-AUC", _roc_auc, larger_is_better=True, min_rows=2)
PR_AUC = Metric("PR-AUC", _pr_auc, larger_is_better=True, min_rows=2)
BRIER = Metric("Brier", lambda y, p: float(np.mean((y - p) ** 2)), larger_is_better=False)
MACRO_ROC_AUC = Metric("macro ROC-AUC", _macro_roc_auc, larger_is_better=True, min_rows=2)
ACCURACY = Metric("accuracy", _accuracy, larger_is_better=True)
BALANCED = Metric("balanced accuracy", _balanced_accuracy, larger_is_better=True, min_rows=2)
MCC = Metric("MCC", _mcc, larger_is_better=True, min_rows=2)

ScoredKind = Literal["regression", "binary", "class", "multiclass"]
METRICS: dict[ScoredKind, tuple[Metric, ...]] = {
    "regression": (RMSE, MAE, R2, SPEARMAN),
    "binary": (ROC_AUC, PR_AUC, BRIER, BALANCED, MCC),
    "class": (ROC_AUC, PR_AUC, BRIER),  # one of several against the rest
    "multiclass": (MACRO_ROC_AUC, ACCURACY, BALANCED, MCC),
}


@dataclass(frozen=True)
class Score:
    """One metric of one set of predictions.

    Attributes:
        metric: its name.
        value, lower, upper: the score and its 95 % bootstrap interval; NaN without one, as
            for fewer than three rows, or where all draws score alike: a few molecules in
            perfect order are in perfect order however they are drawn.
        rows: how many pairs it rests on.
        reason: why there is no score; empty if there is.
    """

    metric: str
    value: float
    lower: float
    upper: float
    rows: int
    reason: str = ""


def scores(
    kind: ScoredKind,
    truth: Values,
    prediction: Values,
    seed: int = 0,
    resamples: int = RESAMPLES,
    molecules: Molecules | None = None,
) -> list[Score]:
    """All metrics of one task; the first is the one to compare models by.

    Args:
        kind: of the task.
        truth: (row,) measured values, or 0 and 1; of `multiclass` (row, class) 0 and 1; NaN
            where unmeasured.
        prediction: of the same shape, in the same unit, or the probability of 1; NaN where
            there is none: such rows are left out.
        seed: of the bootstrap.
        resamples: its draws.
        molecules: of each row, see `bootstrap`.
    """
    paired = in_all(truth, prediction)
    truth, prediction = truth[paired], prediction[paired]
    own = None if molecules is None else molecules[paired]
    return [_score(metric, truth, prediction, seed, resamples, own) for metric in METRICS[kind]]


def in_all(*values: Values) -> NDArray[np.bool_]:
    """(row,) whether every one of `values`, (row,) or (row, class) each, is finite there."""
    finite = np.all([np.isfinite(part) for part in values], axis=0)
    return finite.all(axis=1) if finite.ndim == 2 else finite


def _score(
    metric: Metric,
    truth: Values,
    prediction: Values,
    seed: int,
    resamples: int,
    molecules: Molecules | None,
) -> Score:
    rows = len(truth)
    if rows < metric.min_rows:
        return Score(metric.name, np.nan, np.nan, np.nan, rows, f"only {rows} measured rows")
    value = metric.score(truth, prediction)
    if np.isnan(value):
        alike = np.ptp(truth, axis=0).max() == 0
        reason = "all measured values are the same" if alike else "constant prediction"
        return Score(metric.name, np.nan, np.nan, np.nan, rows, reason)
    resampled = bootstrap(
        metric, truth, prediction, seed=seed, resamples=resamples, molecules=molecules
    )[:, 0]
    lower, upper = limits(resampled, independent(truth, molecules))
    if lower == upper:
        lower = upper = np.nan
    return Score(metric.name, value, lower, upper, rows)

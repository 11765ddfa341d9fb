"""How far to trust a prediction: intervals learned from the validation fold."""

import math
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molecules.tasks import TaskKind
from sciml.config import Config

LEVEL = 0.9  # share of new molecules, alike those of the validation fold, within the interval
_MOST_SCORES = 1000  # calibration scores kept for a yes/no property

Array = NDArray[np.float64]


class Calibration(Config):
    """Interval of one property; plain data, kept in the model file.

    For a quantity it is split-conformal: the prediction plus or minus the `LEVEL`
    quantile of the absolute residuals (Vovk et al. 2005, section 4.1). For a
    probability it is the Venn-Abers interval (Vovk & Petej 2014): what isotonic
    regression would say if the new molecule were 0, and if it were 1.

    Attributes:
        width: half the interval of a quantity; None if the validation fold is too small.
        scores: ascending probabilities of the validation fold.
        low, high: interval for a probability below the first score, between the
            first and the second, ... (len(scores) + 1).
    """

    width: float | None = None
    scores: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def fit(cls, kind: TaskKind, predicted: Array, truth: Array) -> Self:
        """Learn from the validation fold.

        Args:
            kind: of the property.
            predicted, truth: (row,), NaN where unmeasured.
        """
        both = np.isfinite(predicted) & np.isfinite(truth)
        predicted, truth = predicted[both], truth[both]
        if kind == "regression":
            return cls(width=_conformal_width(np.abs(predicted - truth)))
        return cls(**_venn_abers(predicted, truth))

    def interval(self, kind: TaskKind, predicted: Array) -> tuple[Array, Array]:
        """Lower and upper end, (row,) each; unbounded where nothing was learned."""
        if kind == "regression":
            width = math.inf if self.width is None else self.width
            return predicted - width, predicted + width
        if not self.scores:
            return np.zeros_like(predicted), np.ones_like(predicted)
        gap = np.searchsorted(self.scores, predicted)
        low, high = np.array(self.low)[gap], np.array(self.high)[gap]
        return np.minimum(low, predicted), np.maximum(high, predicted)


def _conformal_width(residuals: Array) -> float | None:
    """The ceil((n + 1) LEVEL)-th smallest residual."""
    rank = math.ceil((len(residuals) + 1) * LEVEL)
    return float(np.sort(residuals)[rank - 1]) if rank <= len(residuals) else None


def _venn_abers(predicted: Array, truth: Array) -> dict[str, tuple[float, ...]]:
    """The intervals of all gaps between scores, each with two isotonic regressions."""
    from sklearn.isotonic import isotonic_regression

    if len(predicted) > _MOST_SCORES:
        kept = np.random.default_rng(0).choice(len(predicted), _MOST_SCORES, replace=False)
        predicted, truth = predicted[kept], truth[kept]
    order = np.argsort(predicted, kind="stable")
    scores, truth = predicted[order], truth[order]
    low, high = (
        tuple(
            float(isotonic_regression(np.insert(truth, gap, label))[gap])
            for gap in range(len(truth) + 1)
        )
        for label in (0.0, 1.0)
    )
    return {"scores": tuple(scores.tolist()), "low": low, "high": high}

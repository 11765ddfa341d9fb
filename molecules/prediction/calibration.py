"""How far to trust a prediction: intervals and sets learned from the validation fold."""

import math
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molecules.prediction.error_scale import ErrorScale, held_out_scale
from molecules.tasks import TaskKind
from sciml.config import Config

LEVEL = 0.9  # share of new molecules, alike those of the validation fold, within the interval
FEWEST_HELD = 9  # exact values held out, of which the largest error is the width of intervals
_MOST_SCORES = 1000  # calibration scores kept for a yes/no property

Array = NDArray[np.float64]


class Calibration(Config):
    """Interval of one property; plain data, kept in the model file.

    For a quantity it is split-conformal: the prediction plus or minus `width` times a
    scale. The scale is 1, or the error to be expected where the prediction comes with signs
    of doubt (Lei et al. 2018, section 5.2), so that the interval is wide where these are
    large. `width` is the ceil((n + 1) LEVEL)-th smallest of the n validation residuals over
    their scales (Vovk et al. 2005, section 4.1): the interval holds a new molecule with a
    probability of at least LEVEL if it could as well have been in the validation fold. The
    scale of each of these residuals is learned from others, so that what is true of a scale
    known beforehand is nearly so of a learned one.

    For a probability it is the Venn-Abers interval (Vovk & Petej 2014): what isotonic
    regression would say if the new molecule were 0, and if it were 1. Its conformal set
    holds each class that is not too improbable, and misses the true one, whichever it is,
    with a probability of at most 1 - LEVEL (Vovk 2012, "label conditional"). The classes of
    one property have such a set together: those whose own set holds 1.

    Attributes:
        width: half the interval of a quantity, in scales; None if the validation fold is
            too small.
        scale: None where it is 1.
        scores: ascending probabilities of the validation fold.
        low, high: interval for a probability below the first score, between the
            first and the second, ... (len(scores) + 1).
        doubts: for 0 and for 1, the largest 1 - probability with which it is in the set;
            None if the validation fold has too few of that class to leave it out.
    """

    width: float | None = None
    scale: ErrorScale | None = None
    scores: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    doubts: tuple[float | None, float | None] = (None, None)

    @classmethod
    def fit(
        cls,
        kind: TaskKind,
        predicted: Array,
        truth: Array,
        signs: Array | None = None,
    ) -> Self:
        """Learn from the validation fold.

        Args:
            kind: of the property.
            predicted, truth: (row,), NaN where unmeasured.
            signs: (row, sign) >= 0 of doubt in a quantity; None for a scale of 1.
        """
        both = np.isfinite(predicted) & np.isfinite(truth)
        predicted, truth = predicted[both], truth[both]
        if kind == "regression":
            return cls._of_errors(predicted - truth, None if signs is None else signs[both])
        negative, positive = predicted[truth == 0], 1 - predicted[truth == 1]
        doubts = conformal_quantile(negative), conformal_quantile(positive)
        return cls(**_venn_abers(predicted, truth), doubts=doubts)

    @classmethod
    def _of_errors(cls, errors: Array, signs: Array | None) -> Self:
        alike = cls(width=conformal_quantile(np.abs(errors)))
        if signs is None or not errors.any():
            return alike
        scales = held_out_scale(errors, signs)
        if not scales.all():  # some rows have no error beside them to learn from
            return alike
        width = conformal_quantile(np.abs(errors) / scales)
        return cls(width=width, scale=ErrorScale.fit(errors, signs))

    def interval(
        self, kind: TaskKind, predicted: Array, signs: Array | None = None
    ) -> tuple[Array, Array]:
        """Lower and upper end, (row,) each; unbounded where nothing was learned."""
        if kind == "regression":
            width = (math.inf if self.width is None else self.width) * self._scale(signs)
            return predicted - width, predicted + width
        if not self.scores:
            return np.zeros_like(predicted), np.ones_like(predicted)
        gap = np.searchsorted(self.scores, predicted)
        low, high = np.array(self.low)[gap], np.array(self.high)[gap]
        return np.minimum(low, predicted), np.maximum(high, predicted)

    def sets(self, predicted: Array) -> list[str]:
        """The conformal set of each probability of 1: `{0}`, `{1}`, `{0 1}`, or `{}`.

        The empty set says that the molecule is like neither class.
        """
        limits = [math.inf if doubt is None else doubt for doubt in self.doubts]
        inside = np.stack([predicted <= limits[0], 1 - predicted <= limits[1]], axis=-1)
        return ["{" + " ".join(map(str, np.flatnonzero(row))) + "}" for row in inside]

    def _scale(self, signs: Array | None) -> Array | float:
        if self.scale is None:
            return 1.0
        assert signs is not None, "these intervals need the signs of doubt they were learned with"
        return self.scale.of(signs)


def conformal_quantile(scores: Array) -> float | None:
    """The ceil((n + 1) LEVEL)-th smallest of n scores; None if there are too few."""
    rank = math.ceil(round((len(scores) + 1) * LEVEL, 9))  # 0.9 is not exact in binary
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else None


def _venn_abers(predicted: Array, truth: Array) -> dict[str, tuple[float, ...]]:
    """The intervals of all gaps between scores, each with two isotonic regressions.

    Equal scores are one, of the mean of what was found, and count as many times, so that the
    order of the rows does not matter.
    """
    from sklearn.isotonic import isotonic_regression

    if len(predicted) > _MOST_SCORES:
        kept = np.random.default_rng(0).choice(len(predicted), _MOST_SCORES, replace=False)
        predicted, truth = predicted[kept], truth[kept]
    scores, group, number = np.unique(predicted, return_inverse=True, return_counts=True)
    found = np.bincount(group, truth)

    def told(gap: int, label: float) -> float:
        """What is said of a new molecule in a gap, were it of this class."""
        mean = np.insert(found / number, gap, label)
        weight = np.insert(number.astype(float), gap, 1.0)
        return float(isotonic_regression(mean, sample_weight=weight)[gap])

    low, high = (tuple(told(gap, label) for gap in range(len(scores) + 1)) for label in (0.0, 1.0))
    return {"scores": tuple(scores.tolist()), "low": low, "high": high}

"""How large an error is to be expected of a prediction, from signs of doubt that come with it.

The expected absolute error is a sum of a constant and of the signs, such as how far experts
disagree, each times a number that is not negative. The numbers w minimize over molecules
held out

    sum of (|error| - w_0 - sum_j w_j s_j)^2
        + PULL ((w_0 - m)^2 + sum_j (w_j mean(s_j))^2)

where m is the mean absolute error: a few molecules hardly move it away from a constant. The
constant is at least `LEAST` of m, so that no error is thought impossible. The first sign is in
the unit of the errors; of more than was seen among these molecules the errors tell nothing, and
what is more is added as it is.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from sciml.config import Config

PULL = 2.0  # molecules that speak for a constant
LEAST = 0.05
_FOLDS = 5

Array = NDArray[np.float64]


class ErrorScale(Config):
    """Plain data, kept in the model file.

    Attributes:
        constant: in the unit of the errors.
        slopes: of each sign.
        most: the largest first sign seen; None where what is beyond counts no more.
    """

    constant: float
    slopes: tuple[float, ...]
    most: float | None = None

    @classmethod
    def fit(cls, errors: Array, signs: Array) -> Self:
        """Learn from errors (row,) and signs (row, sign) >= 0 of molecules held out."""
        size = np.abs(errors)
        units = np.array([1.0, *signs.mean(axis=0)])
        units[units <= 0] = 1.0
        told = np.column_stack([np.ones(len(signs)), signs]) / units
        level = float(size.mean())
        pull = np.sqrt(PULL) * np.eye(len(units))
        wanted = np.sqrt(PULL) * np.array([level, *np.zeros(signs.shape[1])])
        found, _ = nnls(np.vstack([told, pull]), np.concatenate([size, wanted]))
        constant, *slopes = (found / units).tolist()
        most = float(signs[:, 0].max())
        return cls(constant=max(constant, LEAST * level), slopes=tuple(slopes), most=most)

    def of(self, signs: Array) -> Array:
        """(row,) expected absolute error."""
        beyond = 0.0 if self.most is None else np.maximum(signs[:, 0] - self.most, 0)
        return self.usual(signs) + beyond

    def usual(self, signs: Array) -> Array:
        """(row,) the same, as if no sign were larger than those seen."""
        return self.constant + signs @ np.array(self.slopes)


def held_out_scale(errors: Array, signs: Array, seed: int = 0) -> Array:
    """(row,) errors that scales learned from other rows expect, in the unit of the errors.

    Zero where no other row has an error.
    """
    fold = np.random.default_rng(seed).permutation(len(errors)) % _FOLDS
    scale = np.empty(len(errors))
    for held in (fold == number for number in np.unique(fold)):
        known = ~held if len(errors) > 1 else held
        scale[held] = ErrorScale.fit(errors[known], signs[known]).usual(signs[held])
    return scale

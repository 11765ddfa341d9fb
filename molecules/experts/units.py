"""Units in which trees can tell labels apart, whatever those of the table are.

scikit-learn splits no further from an impurity of 2e-16 on, so that to it all concentrations in
mol/L are alike, and labels and leaves of float32 end at 3e38 and tell 1e9 from 1e9 + 1 no more.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_FAR = 2.0**10  # spreads from zero, as far as labels are not moved, about
_ORDER = 2.0**20  # from one size to the next; spreads from a thousandth to 1000 have size 1

Array = NDArray[np.float64]


class Units(NamedTuple):
    """Zero and size of the unit of each property.

    Most labels are left as they are, and their trees too: in another unit a node of equal
    labels, whose impurity is rounding noise, may be split or not, which moves what is drawn next.

    Attributes:
        zero: (task,) in units of the table; 0 for a yes/no property.
        size: (task,) likewise; 1 for a yes/no property.
    """

    zero: Array
    size: Array

    @classmethod
    def of(cls, labels: Array, weights: Array, binary: NDArray[np.bool_]) -> Self:
        """Units of labels (molecule, task), NaN where unmeasured, that weigh more than zero."""
        zero, size = np.zeros(len(binary)), np.ones(len(binary))
        for task in np.flatnonzero(~binary):
            values = labels[np.isfinite(labels[:, task]) & (weights > 0), task]
            if len(values):
                zero[task], size[task] = _unit(values)
        return cls(zero, size)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], tasks: int) -> Self:
        """What `_asdict` gave; a file without it holds trees of the labels as they came."""
        return cls(arrays.get("zero", np.zeros(tasks)), arrays.get("size", np.ones(tasks)))

    def learned(self, labels: Array) -> Array:
        """(..., task) labels as the trees learn them."""
        return (labels - self.zero) / self.size

    def told(self, answers: Array) -> Array:
        """The inverse of `learned`."""
        return answers * self.size + self.zero


def _unit(values: Array) -> tuple[float, float]:
    """Zero and size, by the quartiles, which a wild value does not move, or by the deviation."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    spread = high - low or values.std()
    if not spread > 0:
        return float(middle), 1.0
    step = _FAR * 2.0 ** np.round(np.log2(spread))
    return step * np.round(middle / step), _ORDER ** np.round(np.log(spread) / np.log(_ORDER))

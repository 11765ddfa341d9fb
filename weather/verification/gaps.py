"""What missing values take from the sums behind a climatology, in the cells that have any."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass
class Gaps:
    """Sums over the samples that cells lack; all other cells lack none.

    Attributes:
        terms, pentads: how many there are.
        cells: (cell,) places of the cells that lack samples, ascending.
        square: (cell, term, term) sum of the products of terms.
        pentad_terms: (cell, pentad, term) sum of the terms by pentad.
    """

    terms: int
    pentads: int
    cells: NDArray[np.intp] = field(init=False)
    square: Values = field(init=False)
    pentad_terms: Values = field(init=False)

    def __post_init__(self) -> None:
        self.cells = np.empty(0, np.intp)
        self.square = np.empty((0, self.terms, self.terms))
        self.pentad_terms = np.empty((0, self.pentads, self.terms))

    def add(self, missing: NDArray[np.bool_], terms: Values, pentad: NDArray[np.int64]) -> None:
        """Take in samples.

        Args:
            missing: (time, cell)
            terms: (time, term)
            pentad: (time,) which each sample is of; none where there are no pentads.
        """
        self._widen(np.flatnonzero(missing.any(0)))
        lost = missing[:, self.cells].T.astype(np.float64)  # (cell, time)
        self.square += np.tensordot(lost, terms[:, :, None] * terms[:, None], 1)
        for number in np.unique(pentad):
            here = pentad == number
            self.pentad_terms[:, number] += lost[:, here] @ terms[here]

    def _widen(self, cells: NDArray[np.intp]) -> None:
        """Make room for cells that lacked nothing so far."""
        every = np.union1d(self.cells, cells)
        if len(every) == len(self.cells):
            return
        known = np.searchsorted(every, self.cells)
        square, pentad_terms = (
            np.zeros((len(every), *sums.shape[1:])) for sums in (self.square, self.pentad_terms)
        )
        square[known], pentad_terms[known] = self.square, self.pentad_terms
        self.cells, self.square, self.pentad_terms = every, square, pentad_terms

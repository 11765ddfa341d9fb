"""What missing values take from the sums behind a climatology, in the cells that have any."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass
class Gaps:
    """Sums over the samples that cells lack which have others; all other cells lack none, or all.

    Attributes:
        terms, pentads: how many there are.
        number: of cells.
        never: (number,) cells without any sample so far, such as sea temperature on land.
        cells: (cell,) places of the cells that have some samples and lack some, ascending.
        square: (cell, term, term) sum of the products of terms.
        pentad_terms: (cell, pentad, term) sum of the terms by pentad.
    """

    terms: int
    pentads: int
    number: int
    never: NDArray[np.bool_] = field(init=False)
    cells: NDArray[np.intp] = field(init=False)
    square: Values = field(init=False)
    pentad_terms: Values = field(init=False)

    def __post_init__(self) -> None:
        self.never = np.ones(self.number, np.bool_)
        self.cells = np.empty(0, np.intp)
        self.square = np.empty((0, self.terms, self.terms))
        self.pentad_terms = np.empty((0, self.pentads, self.terms))

    def add(
        self,
        missing: NDArray[np.bool_] | None,
        terms: Values,
        pentad: NDArray[np.int64],
        before: tuple[Values, Values],
    ) -> None:
        """Take in samples.

        Args:
            missing: (time, number); None where nothing is.
            terms: (time, term)
            pentad: (time,) which each sample is of; none where there are no pentads.
            before: the sums of the products of terms (term, term), and of the terms by pentad
                (pentad, term), over all samples taken in before: what a cell lacks whose first
                value comes now.
        """
        if missing is None:
            missing = np.zeros((len(terms), 1), np.bool_)
        some = ~missing.all(0)
        late = self.never & some & bool(before[0].any())
        torn = some & missing.any(0) | ~some & ~self.never
        self.never &= ~some
        self._widen(np.flatnonzero(torn | late))
        first = np.searchsorted(self.cells, np.flatnonzero(late))
        self.square[first] += before[0]
        self.pentad_terms[first] += before[1]
        lost = np.broadcast_to(missing, (len(terms), self.number))[:, self.cells]
        if not lost.any():
            return
        lost = lost.T.astype(np.float64)  # (cell, time)
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

"""What the experts beside the networks read of the rows of a table."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.experts.inputs import Inputs
from molecules.training.preparation import Prepared

MANY = 2000  # molecules from which processes of their own pay for descriptors

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class TableInputs:
    """Inputs of some rows, asked for by the numbers that these have in the table."""

    inputs: Inputs
    place: Rows

    @classmethod
    def of(cls, ready: Prepared, rows: Rows) -> "TableInputs":
        """Compute them once.

        Args:
            ready: prepared with fingerprints.
            rows: distinct ones that hold a molecule.
        """
        counts = ready.featurized.fingerprints
        assert counts is not None, "the table was prepared without fingerprints"
        place = np.full(len(ready.smiles), -1)
        place[rows] = np.arange(len(rows))
        molecule = np.searchsorted(ready.featurized.rows, rows)
        processes = torch.get_num_threads() if len(rows) > MANY else 1
        smiles = [ready.smiles[row] for row in rows]
        return cls(Inputs.of(smiles, counts[molecule], processes), place)

    def __getitem__(self, rows: Rows) -> Inputs:
        return self.inputs.rows(self.place[rows])

"""What the experts beside the networks read of a molecule: Morgan counts and descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.splits import canonical_smiles
from molecules.features.descriptors import descriptors


@dataclass(frozen=True)
class Inputs:
    """One row for each molecule.

    Attributes:
        counts: (molecule, FINGERPRINT) uint8 of Morgan environments.
        descriptors: (molecule, descriptor) float32 of RDKit, NaN where it cannot tell.
    """

    counts: NDArray[np.uint8]
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def of(cls, smiles: Sequence[str], counts: NDArray[np.uint8], processes: int = 1) -> Self:
        """Compute the descriptors, 3 to 5 ms a molecule.

        They are those of the canonical SMILES: sums over atoms differ in the last digits
        with the order of atoms, and a tree may part what differs in the last digit.

        Args:
            smiles: valid ones.
            counts: of the same molecules.
            processes: at most so many.
        """
        canonical = [text or "" for text in canonical_smiles(smiles)]
        return cls(counts, descriptors(canonical, processes))

    def rows(self, rows: NDArray[np.int64]) -> "Inputs":
        """Those of some molecules."""
        return Inputs(self.counts[rows], self.descriptors[rows])

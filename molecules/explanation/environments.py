"""Which atoms each count of a fingerprint rests on."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from molecules.features.encoding import FINGERPRINT

RADIUS = 2
_LARGEST_COUNT = 255  # as in `features.featurize`
_MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=FINGERPRINT)


@dataclass(frozen=True)
class Environments:
    """The Morgan environments of one molecule.

    Attributes:
        bits: (environment,) where each is counted.
        members: (environment, atom) bool, atoms within its radius.
    """

    bits: NDArray[np.int64]
    members: NDArray[np.bool_]

    @classmethod
    def of(cls, mol: Chem.Mol) -> Self:
        """All environments that the fingerprint counts."""
        output = rdFingerprintGenerator.AdditionalOutput()
        output.AllocateBitInfoMap()
        _MORGAN.GetCountFingerprint(mol, additionalOutput=output)
        found = [(b, *where) for b, info in output.GetBitInfoMap().items() for where in info]
        bits, centres, radii = np.array(found, np.int64).reshape(-1, 3).T
        distance = Chem.GetDistanceMatrix(mol)
        return cls(bits, distance[centres] <= radii[:, None])

    def counts(self) -> NDArray[np.uint8]:
        """(FINGERPRINT,) what the fingerprint of the whole molecule holds."""
        return _clipped(np.bincount(self.bits, minlength=FINGERPRINT))

    def counts_without(self, atoms: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Counts without the environments that hold an atom, (atom, FINGERPRINT).

        As in the similarity maps of Riniker & Landrum 2013, J. Cheminform. 5, 43.
        """
        kept = ~self.members[:, atoms]
        return _clipped(
            np.stack([np.bincount(self.bits[keep], minlength=FINGERPRINT) for keep in kept.T])
        )

    def share_out(self, bits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of bits (FINGERPRINT, task) to atoms (atom, task), with the same sum.

        The environments of a bit get equal shares, and so do the atoms of each.
        """
        occurrences = np.bincount(self.bits, minlength=FINGERPRINT)[self.bits]
        shares = self.members / (occurrences * self.members.sum(axis=1))[:, None]
        return shares.T @ bits[self.bits]


def _clipped(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.minimum(counts, _LARGEST_COUNT).astype(np.uint8)

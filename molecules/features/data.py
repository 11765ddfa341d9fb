"""Molecules in memory, handed out as ready batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.molecule import MoleculeBatch
from molecules.packed import Packed, ranges


@dataclass(frozen=True)
class MoleculeData:
    """Some of the molecules of a store, with what is known of them.

    Attributes:
        packed: the store.
        indices: (row,) which of its molecules these are.
        labels: (molecule, task) of the whole store, NaN where unmeasured, or None.
        positions: (atom, 3) Å of the whole store, NaN without conformer, or None.
        descriptors: (molecule, descriptor) of the whole store, or None.
        fingerprints: (molecule, encoding.FINGERPRINT) counts, of the whole store, or None.
        bounds: (molecule, task) -1, 0 or 1, see `MoleculeBatch.bound`, or None.
        weights: (molecule,) of the whole store, or None.
    """

    packed: Packed
    indices: NDArray[np.int64]
    labels: NDArray[np.float64] | None = None
    positions: NDArray[np.float32] | None = None
    descriptors: NDArray[np.float32] | None = None
    fingerprints: NDArray[np.uint8] | None = None
    bounds: NDArray[np.int8] | None = None
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.indices)

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> MoleculeBatch:
        """The batch of these rows."""
        chosen = self.indices[np.asarray(indices, np.int64)]
        batch = MoleculeBatch.cut(self.packed, chosen)
        if self.positions is not None:
            start = self.packed.atom_start
            row = ranges(start[chosen], np.diff(start)[chosen])
            batch = replace(batch, pos=torch.from_numpy(self.positions[row]))
        if self.descriptors is not None:
            batch = replace(batch, descriptors=torch.from_numpy(self.descriptors[chosen]))
        if self.fingerprints is not None:
            counts = torch.from_numpy(self.fingerprints[chosen])
            batch = replace(batch, fingerprint=counts.float().log1p())
        if self.labels is not None:
            batch = replace(batch, y=torch.from_numpy(self.labels[chosen]).float())
        if self.bounds is not None:
            batch = replace(batch, bound=torch.from_numpy(self.bounds[chosen]))
        if self.weights is not None:
            batch = replace(batch, weight=torch.from_numpy(self.weights[chosen]).float())
        return batch

    def rows(self, indices: NDArray[np.int64]) -> "MoleculeData":
        """The same store seen through other indices."""
        return replace(self, indices=indices)

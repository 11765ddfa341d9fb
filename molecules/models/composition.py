"""What a property owes to a molecule's composition: a reference value of each element."""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from molecules.features.encoding import ATOM_FIELDS
from molecules.molecule import MoleculeBatch
from sciml.graph import gather_sum
from sciml.normalize import Normalizer

_NUMBER, _HYDROGENS = (list(ATOM_FIELDS).index(name) for name in ("atomic_number", "hydrogens"))
_HYDROGEN = 1  # atomic number


class AtomicReferences(nn.Module):
    """Sum over a molecule's atoms of a value for their element, hydrogens included.

    Of an energy E it is sum_i e(Z_i), the energy of atoms each in their mean surroundings;
    what is left, some hundredth of E, is what the geometry and the bonds decide (as in
    Schütt et al. 2018, J. Chem. Phys. 148, 241722, where isolated atoms are taken).

    Args:
        tasks: number of properties.
    """

    value: Tensor

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros(ATOM_FIELDS["atomic_number"], tasks))

    def forward(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (molecule, task), in the units of the tasks."""
        number, hydrogens = batch.x[:, _NUMBER], batch.x[:, _HYDROGENS].unsqueeze(1)
        parts = self.value[number] + hydrogens * self.value[_HYDROGEN]
        return gather_sum(parts, batch.batch, len(batch))

    @classmethod
    def fit(cls, batch: MoleculeBatch, labels: NDArray[np.float64]) -> tuple[Self, Normalizer]:
        """Least squares without intercept, so that nothing is left over of no atoms.

        Args:
            batch: molecules; an element that none of them holds has the value zero.
            labels: (molecule, task), NaN where unmeasured.

        Returns:
            The references, and a normalizer of mean zero and the deviation of what is left.
        """
        counts = composition(batch).double().numpy()
        references = cls(labels.shape[1])
        left = np.full(labels.shape, np.nan)
        for task, column in enumerate(labels.T):
            known = np.isfinite(column)
            value = np.linalg.lstsq(counts[known], column[known])[0]
            references.value[:, task] = torch.from_numpy(value)
            left[known, task] = column[known] - counts[known] @ value
        std = np.sqrt(np.nanmean(left**2, axis=0))
        return references, Normalizer(torch.zeros(len(std)), torch.from_numpy(std))


def composition(batch: MoleculeBatch) -> Tensor:
    """(molecule, element) float32: atoms of each atomic number, with hydrogens bound to them."""
    ones = torch.zeros(len(batch.x), ATOM_FIELDS["atomic_number"])
    ones.scatter_(1, batch.x[:, _NUMBER, None], 1.0)
    ones[:, _HYDROGEN] += batch.x[:, _HYDROGENS]
    return gather_sum(ones, batch.batch, len(batch))

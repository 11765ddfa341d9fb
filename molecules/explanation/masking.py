"""What a prediction loses when an atom is taken away, for all atoms of many molecules.

A(atom) = f(molecule) - f(molecule without the atom and its bonds), the neighbours keeping
the features they had (Polishchuk et al. 2013, Mol. Inf. 32, 843): positive where the atom
raises the prediction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from molecules.explanation.environments import Environments
from molecules.features.data import MoleculeData
from molecules.molecule import MoleculeBatch
from molecules.prediction.predictor import PropertyPredictor

_ATOMS = 16384  # atoms of all copies computed at once; bounds the memory

Array = NDArray[np.float64]


def without_atom(batch: MoleculeBatch, atoms: Tensor) -> MoleculeBatch:
    """Molecules without one atom each; what is left keeps its features.

    Args:
        batch: molecules of at least two atoms.
        atoms: (molecule,) int64, the row in `batch` of the atom to take from each.
    """
    kept = torch.ones(len(batch.x), dtype=torch.bool, device=batch.x.device)
    kept[atoms] = False
    number = kept.cumsum(0) - 1
    edges = kept[batch.edge_index].all(dim=0)
    return replace(
        batch,
        x=batch.x[kept],
        edge_index=number[batch.edge_index[:, edges]],
        edge_attr=batch.edge_attr[edges],
        batch=batch.batch[kept],
        ptr=F.pad((batch.ptr.diff() - 1).cumsum(0), (1, 0)),
        pos=None if batch.pos is None else batch.pos[kept],
    )


@torch.inference_mode()
def by_masking(
    predictor: PropertyPredictor, data: MoleculeData, environments: Sequence[Environments] | None
) -> Array:
    """Contribution of every atom, (atom, task) in the unit of the task or as probability.

    Args:
        predictor: the model.
        data: molecules.
        environments: of each molecule, for a model that reads fingerprints.

    Returns:
        Atoms in the order of `data`; NaN for the atom of a molecule that has no other.
    """
    start = data.packed.atom_start
    sizes = np.diff(start)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    result = np.full((len(owner), len(predictor.tasks)), np.nan)
    for rows in _chunks(np.flatnonzero(sizes[owner] > 1), sizes[owner]):
        masked = without_atom(*_copies(data, owner[rows], rows - start[owner[rows]]))
        if environments is not None:
            counts = _masked_counts(environments, owner[rows], rows - start[owner[rows]])
            masked = replace(masked, fingerprint=torch.from_numpy(counts).float().log1p())
        result[rows] = predictor.network_mean(masked.to(predictor.device)).cpu().numpy()
    return _whole(predictor, data)[owner] - result


def _copies(
    data: MoleculeData, molecules: NDArray[np.int64], atoms: NDArray[np.int64]
) -> tuple[MoleculeBatch, Tensor]:
    """A copy of a molecule for each of its atoms that is to go, and where that is."""
    batch = data.__getitems__(molecules)
    return batch, batch.ptr[:-1] + torch.from_numpy(atoms)


def _masked_counts(
    environments: Sequence[Environments],
    molecules: NDArray[np.int64],
    atoms: NDArray[np.int64],
) -> NDArray[np.uint8]:
    firsts = np.flatnonzero(np.diff(molecules, prepend=-1))
    return np.concatenate(
        [
            environments[molecules[part[0]]].counts_without(atoms[part])
            for part in np.split(np.arange(len(molecules)), firsts[1:])
        ]
    )


def _whole(predictor: PropertyPredictor, data: MoleculeData) -> Array:
    """(molecule, task) predictions of the molecules as they are."""
    sizes = np.diff(data.packed.atom_start)
    result = np.empty((len(sizes), len(predictor.tasks)))
    for rows in _chunks(np.arange(len(sizes)), sizes):
        batch = data.__getitems__(rows).to(predictor.device)
        result[rows] = predictor.network_mean(batch).cpu().numpy()
    return result


def _chunks(rows: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Consecutive rows whose sizes add up to some `_ATOMS`."""
    if len(rows):
        filled = np.cumsum(sizes[rows]) // _ATOMS
        yield from np.split(rows, np.flatnonzero(np.diff(filled)) + 1)

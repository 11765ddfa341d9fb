"""What every molecule tells of itself: RDKit's descriptors, and counts of its environments.

They cost some 5 ms a molecule, so they are computed in parallel, once, and kept in files
named by a hash of the SMILES and of all that decides the values. The files are mapped
into memory; a molecule takes 1 KB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rdkit
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from safetensors.numpy import save_file

from molecules.features.cache_path import cache_path
from molecules.features.descriptors import NAMES, of_molecule
from molecules.features.encoding import FINGERPRINT, counted
from molecules.features.mapped import map_arrays
from molecules.packed import starts
from sciml.files import atomic_path

_FORMAT = 1


@dataclass(frozen=True)
class Targets:
    """Targets of some molecules.

    Attributes:
        descriptors: (molecule, descriptor) float32, NaN where RDKit cannot tell.
        start: (molecule + 1,) int64, first environment of each molecule.
        environment: (kind,) uint16, number of a Morgan environment below FINGERPRINT.
        count: (kind,) uint8, how often it occurs; 255 and more together.
    """

    descriptors: NDArray[np.float32]
    start: NDArray[np.int64]
    environment: NDArray[np.uint16]
    count: NDArray[np.uint8]

    def counts(self) -> NDArray[np.uint8]:
        """(molecule, FINGERPRINT) counts of all environments."""
        found = np.zeros((len(self.start) - 1, FINGERPRINT), np.uint8)
        row = np.repeat(np.arange(len(found)), np.diff(self.start))
        found[row, self.environment] = self.count
        return found


def computed_targets(smiles: Sequence[str]) -> Targets:
    """Targets of valid SMILES, one after the other."""
    with rdBase.BlockLogs():
        molecules = [Chem.MolFromSmiles(text) for text in smiles]
        descriptors = [of_molecule(mol) for mol in molecules]
        environments = [counted(mol) for mol in molecules]
    counts = np.array(environments, np.uint8).reshape(-1, FINGERPRINT)
    row, column = np.nonzero(counts)
    return Targets(
        np.array(descriptors, np.float32).reshape(-1, len(NAMES)),
        starts(np.bincount(row, minlength=len(smiles))),
        column.astype(np.uint16),
        counts[row, column],
    )


def store_targets(smiles: Sequence[str], folder: Path) -> Path:
    """Compute targets unless they are there; where they are kept."""
    path = cache_path(folder, "targets", [_FORMAT, rdkit.__version__, NAMES, FINGERPRINT, *smiles])
    if not path.exists():
        with atomic_path(path) as temporary:
            save_file(vars(computed_targets(smiles)), temporary)
    return path


def open_targets(path: Path) -> Targets:
    """Map targets into memory, read-only."""
    return Targets(**map_arrays(path)[0])

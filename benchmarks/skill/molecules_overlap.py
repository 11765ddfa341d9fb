"""Which test molecules a model may have met before: in pre-training, by connectivity.

Two molecules are the same if the first blocks of their InChIKeys are: stereochemistry and
most protonation states and tautomers make no difference.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molecules.files.table import iter_library
from sciml.files import atomic_path

BLOCK = 14  # letters of an InChIKey that tell the connectivity
PART = 50_000  # rows read at once


def connectivity(smiles: Iterable[str]) -> NDArray[np.bytes_]:
    """(molecule,) first block of the InChIKey; empty where there is none."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecules = (Chem.MolFromSmiles(text) for text in smiles)
        keys = [Chem.MolToInchiKey(mol)[:BLOCK] if mol else "" for mol in molecules]
    return np.array(keys, f"S{BLOCK}")


def known(files: Sequence[Path], folder: Path) -> NDArray[np.bytes_]:
    """Sorted keys of all molecules of some files; some 0.2 ms a molecule, kept in a folder."""
    parts = [_of_file(file, folder) for file in files]
    keys = np.unique(np.concatenate(parts)) if parts else np.array([], f"S{BLOCK}")
    return keys[keys != b""]


def _of_file(file: Path, folder: Path) -> NDArray[np.bytes_]:
    kept = folder / f"{file.stem}-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}.npy"
    if not kept.exists():
        made = [connectivity(table.smiles) for table in iter_library(file, PART)]
        with atomic_path(kept) as temporary:
            np.save(temporary, np.unique(np.concatenate(made)))
    return np.load(kept)

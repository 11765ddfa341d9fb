"""RDKit's 2-D descriptors of many molecules, as targets of pre-training.

Some 200 numbers that are known for every molecule at no cost but a few milliseconds:
an encoder that can tell them has learned what chemists look at first (CheMeleon:
Burns et al. 2025; KPGT: Li et al. 2022).
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors

# Left out: those that take the most time, and one that overflows.
_COSTLY = {"AvgIpc", "BCUT2D_MWHI", "BalabanJ", "BertzCT", "Ipc", "SPS", "qed"}
_FUNCTIONS = [(name, function) for name, function in Descriptors.descList if name not in _COSTLY]
NAMES = tuple(name for name, _ in _FUNCTIONS)
_LARGEST = 1e6  # larger magnitudes are clipped
_CHUNK = 256  # molecules handed to a process at once


def descriptors(smiles: Sequence[str], processes: int | None = None) -> NDArray[np.float32]:
    """(molecule, len(NAMES)); NaN where RDKit cannot tell.

    Args:
        smiles: valid ones.
        processes: at most so many; default one per core.
    """
    chunks = [list(smiles[i : i + _CHUNK]) for i in range(0, len(smiles), _CHUNK)]
    workers = min(len(chunks), processes or os.cpu_count() or 1)
    if workers < 2:
        rows = [row for chunk in chunks for row in _all(chunk)]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            rows = [row for chunk in pool.map(_all, chunks) for row in chunk]
    return np.array(rows, np.float32).reshape(-1, len(NAMES))


def _all(smiles: Sequence[str]) -> list[list[float]]:
    """Descriptors of each molecule; runs in a process of its own."""
    with rdBase.BlockLogs():
        return [_of(Chem.MolFromSmiles(text)) for text in smiles]


def _of(mol: Chem.Mol) -> list[float]:
    return [_value(function, mol) for _, function in _FUNCTIONS]


def _value(function: object, mol: Chem.Mol) -> float:
    try:
        value = float(function(mol))  # type: ignore[operator]
    except (ArithmeticError, ValueError, RuntimeError):
        return float("nan")
    return min(max(value, -_LARGEST), _LARGEST) if np.isfinite(value) else float("nan")

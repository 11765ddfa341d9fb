"""RDKit's 2-D descriptors of many molecules: inputs of trees, targets of pre-training.

Some 200 numbers that are known for every molecule at no cost but a few milliseconds:
an encoder that can tell them has learned what chemists look at first (CheMeleon:
Burns et al. 2025; KPGT: Li et al. 2022).
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import Descriptors

from sciml.processes import PlainSpawn, begin_worker, cores

Descriptor = Callable[..., float]

# Left out: eight in ten milliseconds of all descriptors go into these, and Ipc overflows.
_COSTLY = {"AvgIpc", "BalabanJ", "BertzCT", "Ipc", "SPS", "qed"}
_COSTLY |= {name for name, _ in Descriptors.descList if name.startswith("BCUT2D_")}
_LARGEST = 1e6  # larger magnitudes are clipped
_CHUNK = 256  # molecules handed to a process at once


def _kept(name: str, function: Descriptor) -> Descriptor:
    """Extremes of the electrotopological state take the indices that RDKit keeps, if it has."""
    return partial(function, force=False) if name.endswith("EStateIndex") else function


_FUNCTIONS = {n: _kept(n, function) for n, function in Descriptors.descList if n not in _COSTLY}
NAMES = tuple(_FUNCTIONS)


def descriptors(smiles: Sequence[str], processes: int | None = None) -> NDArray[np.float32]:
    """(molecule, len(NAMES)); NaN where RDKit cannot tell.

    Args:
        smiles: valid ones.
        processes: at most so many; default one per core.
    """
    chunks = [list(smiles[i : i + _CHUNK]) for i in range(0, len(smiles), _CHUNK)]
    workers = min(len(chunks), processes or cores())
    if workers < 2:
        rows = [row for chunk in chunks for row in _all(chunk)]
    else:
        with ProcessPoolExecutor(workers, PlainSpawn(), begin_worker) as pool:
            rows = [row for chunk in pool.map(_all, chunks) for row in chunk]
    return np.array(rows, np.float32).reshape(-1, len(NAMES))


def _all(smiles: Sequence[str]) -> list[list[float]]:
    """Descriptors of each molecule; runs in a process of its own."""
    with rdBase.BlockLogs():
        return [of_molecule(Chem.MolFromSmiles(text)) for text in smiles]


def of_molecule(mol: Chem.Mol) -> list[float]:
    """The descriptors of one molecule."""
    return [_value(function, mol) for function in _FUNCTIONS.values()]


def _value(function: Descriptor, mol: Chem.Mol) -> float:
    try:
        value = float(function(mol))
    except (ArithmeticError, ValueError, RuntimeError):
        return float("nan")
    return min(max(value, -_LARGEST), _LARGEST) if np.isfinite(value) else float("nan")

"""Features of the trees in the benchmark: Morgan counts and all of RDKit's descriptors."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from math import isfinite
from multiprocessing import get_context
from os import cpu_count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sciml.processes import end_with_parent

FINGERPRINT_SIZE = 2048
DESCRIPTOR_LIMIT = 1e6  # larger magnitudes are clipped: trees need the order only
CHUNK = 256


def molecular_features(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Counts of Morgan environments of radius 2 (2,048), then RDKit's 2-D descriptors but Ipc.

    They cost some 15 ms a molecule, in a process on each core.

    Returns:
        (row, feature); NaN in rows that hold no molecule. A descriptor that is not
        finite is zero.
    """
    chunks = [list(smiles[i : i + CHUNK]) for i in range(0, len(smiles), CHUNK)]
    workers = min(len(chunks), cpu_count() or 1)
    if workers < 2:
        return np.array(list(chain.from_iterable(map(_features, chunks))), np.float32)
    with ProcessPoolExecutor(workers, get_context("spawn"), end_with_parent) as pool:
        return np.concatenate(list(pool.map(_features, chunks)))


def _features(smiles: list[str]) -> NDArray[np.float32]:
    """(row, feature) of one chunk; runs in a process of its own."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import Descriptors, rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=FINGERPRINT_SIZE)
    functions = [function for name, function in Descriptors.descList if name != "Ipc"]
    table = np.full((len(smiles), FINGERPRINT_SIZE + len(functions)), np.nan, np.float32)
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            molecule = Chem.MolFromSmiles(text) if text.strip() else None
            if molecule is not None and molecule.GetNumAtoms():
                counts = generator.GetCountFingerprintAsNumPy(molecule)
                table[row] = [*counts, *(_descriptor(f, molecule) for f in functions)]
    return table


def _descriptor(function: Callable[[Any], float], molecule: Any) -> float:
    """One descriptor; zero where RDKit divides by zero or overflows (metals, single atoms)."""
    try:
        value = float(function(molecule))
    except (ArithmeticError, ValueError, RuntimeError):
        return 0.0
    return min(max(value, -DESCRIPTOR_LIMIT), DESCRIPTOR_LIMIT) if isfinite(value) else 0.0

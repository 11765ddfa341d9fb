"""3-D conformers: ETKDG and MMFF, seeded, in parallel, remembered.

The conformer is made from the canonical SMILES and carried back to the atoms' own
order, so that another spelling of a molecule gives the same shape. Where none can be
made, positions are NaN and the reason is kept; nothing is filled with zeros.
"""

import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rdkit
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molecules.features.cache_path import cache_path
from sciml.files import atomic_path
from sciml.processes import PlainSpawn, begin_worker, cores

LARGEST = 150  # heavy atoms; beyond, distance geometry takes minutes
SECONDS = 20  # given to one molecule
APART = 15.0  # Å between molecules of one SMILES; models see up to 12
_FORMAT = 2  # counts on when conformers are made otherwise
_CHUNK = 32  # molecules handed to a process at once


Fragments = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Conformers:
    """Positions of the atoms of some molecules, one after the other.

    Attributes:
        positions: (atom, 3) float32 in Å; NaN throughout a molecule that failed.
        reason: one per molecule; empty where there is a conformer.
    """

    positions: NDArray[np.float32]
    reason: list[str]


def conformers(
    smiles: Sequence[str], seed: int = 0, processes: int | None = None, cache: Path | None = None
) -> Conformers:
    """One conformer for each molecule.

    Args:
        smiles: valid ones; atoms come out in the order in which RDKit reads them.
        seed: of the distance geometry.
        processes: at most so many; default one per core.
        cache: folder that keeps results by content, also of molecules that took too long;
            None computes anew.
    """
    if cache is None:
        return _compute(smiles, seed, processes)
    content = [_FORMAT, rdkit.__version__, seed, LARGEST, SECONDS, *smiles]
    file = cache_path(cache, "conformers", content, ".npz", digits=16)
    kept = _kept(file)
    if kept is not None:
        return kept
    result = _compute(smiles, seed, processes)
    with atomic_path(file) as path:
        np.savez(path, positions=result.positions, reason=np.array(result.reason, dtype=np.str_))
    return result


def _kept(file: Path) -> Conformers | None:
    """What was computed before, if it is there and whole."""
    try:
        with file.open("rb") as opened, np.load(opened) as stored:
            return Conformers(stored["positions"], stored["reason"].tolist())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _compute(smiles: Sequence[str], seed: int, processes: int | None) -> Conformers:
    chunks = [list(smiles[i : i + _CHUNK]) for i in range(0, len(smiles), _CHUNK)]
    workers = min(len(chunks), processes or cores())
    seeds = [seed] * len(chunks)
    if workers < 2:
        done = [_embed_all(chunk, seed) for chunk in chunks]
    else:
        with ProcessPoolExecutor(workers, PlainSpawn(), begin_worker) as pool:
            done = list(pool.map(_embed_all, chunks, seeds))
    found = [result for chunk in done for result in chunk]
    return Conformers(
        np.concatenate([np.empty((0, 3), np.float32), *(positions for positions, _ in found)]),
        [reason for _, reason in found],
    )


def _embed_all(smiles: Sequence[str], seed: int) -> list[tuple[NDArray[np.float32], str]]:
    """Positions and reason of each molecule; runs in a process of its own."""
    with rdBase.BlockLogs():
        return [_embed(Chem.MolFromSmiles(text), seed) for text in smiles]


def _embed(mol: Chem.Mol, seed: int) -> tuple[NDArray[np.float32], str]:
    nowhere = np.full((mol.GetNumAtoms(), 3), np.nan, np.float32)
    if mol.GetNumAtoms() > LARGEST:
        return nowhere, f"more than {LARGEST} atoms: no conformer is tried"
    canonical = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    if canonical is None or canonical.GetNumAtoms() != mol.GetNumAtoms():
        return nowhere, "its canonical SMILES does not read back"
    order = list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    started = time.monotonic()
    positions = _positions(canonical, seed)
    if positions is None:
        within = f" within {SECONDS} s" if time.monotonic() - started >= SECONDS else ""
        return nowhere, f"distance geometry found no conformer{within}"
    placed = np.empty_like(nowhere)
    placed[order] = positions
    return placed, ""


def _positions(mol: Chem.Mol, seed: int) -> NDArray[np.float64] | None:
    full = Chem.AddHs(mol)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed = seed  # type: ignore[assignment]  # RDKit's stubs are wrong
    parameters.timeout = SECONDS  # type: ignore[assignment]
    if rdDistGeom.EmbedMolecule(full, parameters) < 0:
        parameters.useRandomCoords = True  # type: ignore[assignment]
        if rdDistGeom.EmbedMolecule(full, parameters) < 0:
            return None
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(full):
        rdForceFieldHelpers.MMFFOptimizeMolecule(full)
    return _apart(full.GetConformer().GetPositions()[: mol.GetNumAtoms()], Chem.GetMolFrags(mol))


def _apart(positions: NDArray[np.float64], fragments: Fragments) -> NDArray[np.float64]:
    """Molecules of one SMILES side by side, out of each other's reach.

    Distance geometry puts them all around the origin, and no force field tells how they lie.
    """
    end = -np.inf
    for fragment in map(list, fragments):
        along = positions[fragment, 0]
        if np.isfinite(end):
            along = along - along.min() + end + APART
        positions[fragment, 0], end = along, along.max()
    return positions

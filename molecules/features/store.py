"""Molecular graphs kept on disk, so that no table is parsed twice.

A chunk of rows is one `.safetensors` file, named by a hash of its SMILES and of all that
decides how they are encoded. Training, predictions, embeddings and screens of the same
rows find the same files, whatever the model. Chunks do not depend on each other, so a
large table is encoded on all cores. Arrays are mapped into memory; a drug-like
molecule takes some 0.7 KB, its fingerprint 0.15 KB more.
"""

import json
import struct
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rdkit
from safetensors.numpy import save_file

from molecules.features.cache_path import cache_path
from molecules.features.encoding import ATOM_FIELDS, BOND_FIELDS, FINGERPRINT
from molecules.features.features import MAX_ATOMS, Featurized, featurize
from molecules.features.mapped import map_arrays
from molecules.packed import Packed, starts
from sciml.errors import InputError
from sciml.files import atomic_path
from sciml.processes import PlainSpawn, begin_worker, cores

FORMAT = 5  # counts on when the encoding changes
CHUNK = 4096  # rows in a file
CHUNKS_A_PROCESS = 4  # at least: to start one takes as long as to encode some of them


def stored_featurize(
    smiles: Sequence[str | None],
    max_atoms: int = MAX_ATOMS,
    with_fingerprints: bool = False,
    folder: Path | None = None,
    processes: int | None = None,
) -> Featurized:
    """As `featurize`, from the folder where it has been done before.

    Args:
        smiles: one per row, None or blank where there is none.
        max_atoms, with_fingerprints: of `featurize`.
        folder: of the files; None encodes anew.
        processes: at most so many encode what is not there; default one per core, and this
            one alone where starting others would take longer. Nothing else depends on it.

    Raises:
        InputError: the folder cannot be written, or a process was ended from outside.
    """
    chunks = [smiles[first : first + CHUNK] for first in range(0, len(smiles), CHUNK)] or [smiles]
    store = _Store(max_atoms, with_fingerprints, folder)
    new = [chunk for chunk in chunks if not store.has(chunk)]
    workers = min(processes or cores(), len(new) // CHUNKS_A_PROCESS)
    made = _in_processes(store, new, workers) if workers > 1 else []
    return _join(made or [store.chunk(chunk) for chunk in chunks])


def chunk_path(
    smiles: Sequence[str | None], max_atoms: int, with_fingerprints: bool, folder: Path
) -> Path:
    """Where the graphs of a chunk are kept."""
    encoding = [FORMAT, rdkit.__version__, ATOM_FIELDS, BOND_FIELDS, max_atoms]
    encoding.append(FINGERPRINT if with_fingerprints else 0)
    return cache_path(folder, "graphs", [encoding, [text or "" for text in smiles]])


@dataclass(frozen=True)
class _Store:
    """How chunks are encoded, and where they are kept, if anywhere."""

    max_atoms: int
    with_fingerprints: bool
    folder: Path | None

    def has(self, smiles: Sequence[str | None]) -> bool:
        """Whether the file of a chunk is there."""
        return self.folder is not None and self._path(smiles, self.folder).exists()

    def chunk(self, smiles: Sequence[str | None]) -> Featurized:
        """The graphs of a chunk, from its file if it is there and whole."""
        if self.folder is None:
            return featurize(smiles, self.max_atoms, self.with_fingerprints)
        path = self._path(smiles, self.folder)
        try:
            return read(path)
        except (OSError, ValueError, KeyError, struct.error):  # not there, or cut short
            made = featurize(smiles, self.max_atoms, self.with_fingerprints)
            with atomic_path(path) as temporary:
                write(made, temporary)
            return made

    def fill(self, smiles: Sequence[str | None]) -> Featurized | None:
        """In a process of its own: make a chunk, and hand over what no file keeps."""
        made = self.chunk(smiles)
        return made if self.folder is None else None

    def _path(self, smiles: Sequence[str | None], folder: Path) -> Path:
        return chunk_path(smiles, self.max_atoms, self.with_fingerprints, folder)


def _in_processes(
    store: _Store, chunks: Sequence[Sequence[str | None]], workers: int
) -> list[Featurized]:
    """Make chunks in processes; those that no file keeps come back."""
    with ProcessPoolExecutor(workers, PlainSpawn(), begin_worker) as pool:
        try:
            return [made for made in pool.map(store.fill, chunks) if made is not None]
        except BrokenProcessPool as error:
            raise InputError(
                "a process that reads molecules was ended from outside, perhaps for want of "
                "memory; start again, and what is in the cache need not be read again"
            ) from error


def write(featurized: Featurized, path: Path) -> None:
    """Write a chunk."""
    arrays = {name: np.ascontiguousarray(a) for name, a in vars(featurized.packed).items()}
    arrays["rows"] = featurized.rows
    if featurized.fingerprints is not None:
        row, column = np.nonzero(featurized.fingerprints)
        arrays["fingerprint_start"] = starts(np.bincount(row, minlength=len(featurized.packed)))
        arrays["fingerprint_bit"] = column.astype(np.uint16)
        arrays["fingerprint_count"] = featurized.fingerprints[row, column]
    failed = {
        row: (status, featurized.reason[row])
        for row, status in enumerate(featurized.status)
        if status != "ok"
    }
    account = {"rows": len(featurized.status), "failed": failed}
    save_file(arrays, path, metadata={"account": json.dumps(account)})


def read(path: Path) -> Featurized:
    """Map a chunk into memory, read-only.

    Raises:
        OSError, ValueError, KeyError, struct.error: it is not there, or not whole.
    """
    arrays, metadata = map_arrays(path)
    account = json.loads(metadata["account"])
    rows = arrays.pop("rows")
    start = arrays.pop("fingerprint_start", None)
    fingerprints = None
    if start is not None:
        bits, counts = arrays.pop("fingerprint_bit"), arrays.pop("fingerprint_count")
        fingerprints = np.zeros((len(rows), FINGERPRINT), np.uint8)
        fingerprints[np.repeat(np.arange(len(rows)), np.diff(start)), bits] = counts
    status, reason = ["ok"] * account["rows"], [""] * account["rows"]
    for row, (state, why) in account["failed"].items():
        status[int(row)], reason[int(row)] = state, why
    return Featurized(Packed(**arrays), rows, fingerprints, status, reason)  # type: ignore[arg-type]


def _join(parts: Sequence[Featurized]) -> Featurized:
    if len(parts) == 1:
        return parts[0]
    first = starts(np.array([len(part.status) for part in parts], np.int64))
    made = [part.fingerprints for part in parts if part.fingerprints is not None]
    return Featurized(
        Packed.join([part.packed for part in parts]),
        np.concatenate([part.rows + base for part, base in zip(parts, first, strict=False)]),
        np.concatenate(made) if made else None,
        [status for part in parts for status in part.status],
        [reason for part in parts for reason in part.reason],
    )

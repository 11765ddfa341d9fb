"""Molecular graphs kept on disk, so that no table is parsed twice.

A chunk of rows is one `.safetensors` file, named by a hash of its SMILES and of all that
decides how they are encoded. Training, predictions, embeddings and screens of the same
rows find the same files, whatever the model. Arrays are mapped into memory; a drug-like
molecule takes some 0.7 KB, its fingerprint 0.15 KB more.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rdkit
from safetensors.numpy import save_file

from molecules.features.encoding import ATOM_FIELDS, BOND_FIELDS, FINGERPRINT
from molecules.features.features import MAX_ATOMS, Featurized, featurize
from molecules.features.mapped import map_arrays
from molecules.packed import Packed, starts
from sciml.files import atomic_path

FORMAT = 1  # counts on when the encoding changes
CHUNK = 4096  # rows in a file


def stored_featurize(
    smiles: Sequence[str | None],
    max_atoms: int = MAX_ATOMS,
    with_fingerprints: bool = False,
    folder: Path | None = None,
) -> Featurized:
    """As `featurize`, from the folder where it has been done before.

    Args:
        smiles: one per row, None or blank where there is none.
        max_atoms, with_fingerprints: of `featurize`.
        folder: of the files; None encodes anew.

    Raises:
        InputError: the folder cannot be written.
    """
    if folder is None or not len(smiles):
        return featurize(smiles, max_atoms, with_fingerprints)
    chunks = [smiles[first : first + CHUNK] for first in range(0, len(smiles), CHUNK)]
    return _join([_chunk(chunk, max_atoms, with_fingerprints, folder) for chunk in chunks])


def chunk_path(
    smiles: Sequence[str | None], max_atoms: int, with_fingerprints: bool, folder: Path
) -> Path:
    """Where the graphs of a chunk are kept."""
    encoding = [FORMAT, rdkit.__version__, ATOM_FIELDS, BOND_FIELDS, max_atoms]
    encoding.append(FINGERPRINT if with_fingerprints else 0)
    content = json.dumps([encoding, [text or "" for text in smiles]])
    return folder / f"graphs-{hashlib.sha256(content.encode()).hexdigest()[:32]}.safetensors"


def _chunk(
    smiles: Sequence[str | None], max_atoms: int, with_fingerprints: bool, folder: Path
) -> Featurized:
    path = chunk_path(smiles, max_atoms, with_fingerprints, folder)
    try:
        return read(path)
    except (OSError, ValueError, KeyError, struct.error):  # not there, or cut short
        made = featurize(smiles, max_atoms, with_fingerprints)
        with atomic_path(path) as temporary:
            write(made, temporary)
        return made


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

"""SMILES to packed molecular graphs; every row gets a status, and none stops the others."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molecules.features.encoding import FINGERPRINT, Encoder, Raw
from molecules.features.parsing import parse
from molecules.files.blank import is_blank
from molecules.files.inchi import as_smiles, is_inchi
from molecules.files.recognize import foreign
from molecules.packed import Packed

Status = Literal["ok", "empty", "invalid_smiles", "invalid_inchi", "no_atoms", "too_large"]
MAX_ATOMS = 1000
_Row = tuple[Raw | None, Status, str]  # what was read, status and reason
_INCHI_KEY = re.compile("[A-Z]{14}-[A-Z]{10}-[A-Z]$")
_SEVERAL_LINES = "several lines in one cell: is a quote left open there?"
_LEAST_LEFT_OUT = 3  # atoms; shorter words behind a SMILES may be names
_CHUNK = 128  # molecules encoded at once
_CELLS = 4_000_000  # of their bond matrices, which bounds the memory: 32 MB, held twice


@dataclass(frozen=True)
class Featurized:
    """Graphs of the usable molecules, and what became of every row.

    Attributes:
        packed: the molecules whose status is `ok`, in the order of their rows.
        rows: (molecule,) the row each of them came from.
        fingerprints: (molecule, FINGERPRINT) uint8 counts of Morgan environments of
            radius 2, 255 and more together; None if not asked for.
        status, reason: one per row; a reason where the status is `ok` is a remark.
    """

    packed: Packed
    rows: NDArray[np.int64]
    fingerprints: NDArray[np.uint8] | None
    status: list[Status]
    reason: list[str]


def featurize(
    molecules: Iterable[str | Chem.Mol | None],
    max_atoms: int = MAX_ATOMS,
    with_fingerprints: bool = False,
) -> Featurized:
    """Integer-coded graphs of all molecules that can be used; the others get a status.

    Args:
        molecules: SMILES, InChI (whose atoms come in the order of `as_smiles`), RDKit
            molecules, or None for a blank.
        max_atoms: a molecule with more is `too_large`.
        with_fingerprints: count Morgan environments too, which costs half a parse.
    """
    encoder = Encoder(with_fingerprints)
    parts: list[Packed] = []
    counts: list[NDArray[np.uint8]] = [np.empty((0, FINGERPRINT), np.uint8)]
    rows: list[int] = []
    status: list[Status] = []
    reason: list[str] = []
    remaining = (_read(encoder, molecule, max_atoms) for molecule in molecules)
    while read := _chunk(remaining):
        raws = [raw for raw, _, _ in read if raw is not None]
        parts.append(encoder.pack(raws))
        counts.extend(raw.fingerprint[None] for raw in raws if raw.fingerprint is not None)
        rows.extend(len(status) + i for i, (raw, _, _) in enumerate(read) if raw is not None)
        status.extend(state for _, state, _ in read)
        reason.extend(why for _, _, why in read)
    packed = Packed.join(parts or [encoder.pack([])])
    fingerprints = np.concatenate(counts) if with_fingerprints else None
    return Featurized(packed, np.array(rows, np.int64), fingerprints, status, reason)


def _chunk(remaining: Iterator[_Row]) -> list[_Row]:
    """The next rows, as many as are encoded at once."""
    chunk: list[_Row] = []
    cells = 0
    with rdBase.BlockLogs():
        while len(chunk) < _CHUNK and cells < _CELLS and (row := next(remaining, None)):
            chunk.append(row)
            cells += 0 if row[0] is None else len(row[0].orders)
    return chunk


def _read(encoder: Encoder, source: str | Chem.Mol | None, max_atoms: int) -> _Row:
    if source is None or (isinstance(source, str) and is_blank(source)):
        return None, "empty", "no SMILES in this row"
    if isinstance(source, str):
        if len(source.strip().splitlines()) > 1:  # RDKit would read the first line
            return None, "invalid_smiles", _SEVERAL_LINES
        source = as_smiles([source.strip()])[0]
        if letter := foreign(source):
            return None, "invalid_smiles", f"holds {letter!r}, which is no letter of SMILES"
    mol = parse(source) if isinstance(source, str) else source
    if mol is None:
        return None, *_why_invalid(str(source))
    atoms = mol.GetNumAtoms()
    if atoms == 0:
        return None, "no_atoms", "the molecule has no atoms"
    if atoms > max_atoms:
        return None, "too_large", f"{atoms} atoms; this model takes at most {max_atoms}"
    if isinstance(source, str):  # without these signs no label can arise
        raw = encoder.read(mol, "@" in source, "/" in source or "\\" in source)
        return raw, "ok", _left_out(source)
    return encoder.read(mol), "ok", ""


def _left_out(text: str) -> str:
    """A remark if a molecule goes on behind a blank, as where a line was broken; a name may."""
    _, *rest = text.split(maxsplit=1)
    if not rest or rest[0].startswith("|"):
        return ""
    word = rest[0].split(maxsplit=1)[0]
    mol = Chem.MolFromSmiles(word, sanitize=False)
    if mol is None or mol.GetNumAtoms() < _LEAST_LEFT_OUT:
        return ""
    return f"read up to the blank, without {word!r} behind it"


def _why_invalid(text: str) -> tuple[Status, str]:
    if is_inchi(text):
        return "invalid_inchi", (
            "cannot be read as InChI: is it whole? It holds commas, so that in a CSV file it "
            "stands in quotes"
        )
    if _INCHI_KEY.match(text):
        return "invalid_smiles", "an InChIKey, which holds no structure: look up its SMILES"
    mol = Chem.MolFromSmiles(text, sanitize=False)
    if mol is None:
        return "invalid_smiles", "cannot be parsed as SMILES"
    problems = Chem.DetectChemistryProblems(mol)
    return "invalid_smiles", problems[0].Message() if problems else "RDKit cannot sanitize it"

"""SDF files: every record gives a row, readable or not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rdkit import Chem

PROPERTY = re.compile(r">.*?<(.+)>")


@dataclass(frozen=True)
class Record:
    """One entry of an SDF file.

    Attributes:
        name: the title line.
        smiles: canonical SMILES of the structure; empty if it cannot be read.
        properties: the data items, as text.
        problem: why the structure cannot be read; empty if it can.
        positions: (atom, 3) Å in the order of `smiles`; None of a drawing in the plane.
    """

    name: str
    smiles: str
    properties: dict[str, str]
    problem: str
    positions: NDArray[np.float32] | None = None


def records(text: TextIO) -> Iterator[Record]:
    """The records of an SDF file; one that is cut short or broken is a record too."""
    for lines in _entries(text):
        smiles, problem, positions = _structure(lines)
        yield Record(lines[0].strip(), smiles, dict(_properties(lines)), problem, positions)


def property_names(text: TextIO) -> list[str]:
    """Names of all data items of the file, in the order of their first appearance."""
    matches = (PROPERTY.match(line) for line in text if line.startswith(">"))
    return list(dict.fromkeys(match[1].strip() for match in matches if match))


def _entries(text: TextIO) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in text:
        if line.startswith("$$$$"):
            yield lines or [""]
            lines = []
        else:
            lines.append(line.rstrip("\r\n"))
    if any(line.strip() for line in lines):
        yield lines


def _structure(lines: list[str]) -> tuple[str, str, NDArray[np.float32] | None]:
    """SMILES, or why there is none; and positions."""
    from rdkit import Chem, rdBase

    data = (i for i, line in enumerate(lines) if line.startswith(("M  END", ">")))
    end = next(data, len(lines)) + 1
    block = "\n".join(lines[:end])
    with rdBase.BlockLogs():
        molecule = Chem.MolFromMolBlock(block)
        if molecule is not None and not molecule.GetNumAtoms():
            return "", "the record has no atoms", None
        if molecule is not None:
            return Chem.MolToSmiles(molecule), "", _positions(molecule)
        raw = Chem.MolFromMolBlock(block, sanitize=False)
        problems = [] if raw is None else Chem.DetectChemistryProblems(raw)
    return "", problems[0].Message() if problems else "the structure block cannot be read", None


def _positions(molecule: "Chem.Mol") -> NDArray[np.float32] | None:
    """(atom, 3) in the order in which the SMILES, just written, lists the atoms."""
    if not molecule.GetNumConformers() or not molecule.GetConformer().Is3D():
        return None
    order = list(molecule.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    return molecule.GetConformer().GetPositions()[order].astype(np.float32)


def _properties(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Data items: a header `> <name>`, then lines of text up to a blank one."""
    name, values = "", list[str]()
    for line in [*lines, ""]:
        header = PROPERTY.match(line) if not name else None
        if header:
            name = header[1].strip()
        elif name and line:
            values.append(line)
        elif name:
            yield name, "\n".join(values)
            name, values = "", []

"""The order in which the atoms of a molecule are written.

A symbol of SELFIES tells beforehand how long a branch is, and how many atoms ago a ring began.
Both are hard to learn where they are large, so of some orders of the atoms the one is written in
which they are smallest: `CCOc1ccc(cc1)C(=O)NC` (8) and not `CCOc1ccc(C(=O)NC)cc1` (14).

A generator also reads molecules in this order, so that it knows which atom comes next.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import rdkit
from rdkit import Chem

from molecules.features.cache_path import cache_path
from molecules.features.selfies import constitution
from sciml.files import atomic_path

_FORMAT = 1  # counts on when the order changes
_ORDERS = 16  # of the atoms, that are tried
_SMILES = re.compile(r"\[[^]]+\]|Br|Cl|[A-Za-z]|%\d\d|\d|[()]")


def as_written(smiles: str) -> str:
    """SMILES of the constitution as it is to be written; empty if it is no molecule.

    However a molecule is given, this is the same.
    """
    text = constitution(smiles)
    return short_ways(text) if text else ""


def short_ways(text: str) -> str:
    """A `constitution` in the order, of some, with the shortest branches and ways round rings."""
    molecule = Chem.MolFromSmiles(text)
    if molecule is None:  # RDKit does not read all that it writes
        return text
    orders = Chem.MolToRandomSmilesVect(molecule, _ORDERS, randomSeed=1)
    return min([text, *orders], key=reach)


def reach(smiles: str) -> int:
    """Atoms in branches, and from the beginning of each ring to its end, all added up."""
    atoms = total = 0
    branches: list[int] = []
    rings: dict[str, int] = {}
    for part in _SMILES.findall(smiles):
        if part == "(":
            branches.append(atoms)
        elif part == ")":
            total += atoms - branches.pop()
        elif part in rings:
            total += atoms - rings.pop(part)
        elif part[0] == "%" or part.isdigit():
            rings[part] = atoms
        else:
            atoms += 1
    return total


def stored_as_written(smiles: Sequence[str], folder: Path) -> list[str]:
    """As `as_written`, each; from the folder where it has been done before.

    Some 1 ms a molecule.
    """
    path = cache_path(folder, "written", [_FORMAT, rdkit.__version__, _ORDERS, *smiles], ".txt")
    if not path.exists():
        with atomic_path(path) as temporary:
            lines = [f"{as_written(text)}\n" for text in smiles]
            temporary.write_text("".join(lines), encoding="ascii")
    return path.read_text(encoding="ascii").splitlines()

"""The molecules of a table, each read once for all that is checked of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molecules.checking.findings import Case, Finding
from molecules.evaluation.similarity import Fingerprints, fingerprints
from molecules.features.features import featurize
from molecules.files.table import Table
from sciml.wording import count

EXAMPLES = 5
LISTED = 5000  # rows without a molecule


@dataclass(frozen=True)
class Structures:
    """What the rows of a table hold.

    Attributes:
        smiles: as written.
        valid: (row,) bool, whether the row holds a molecule.
        reason: why it holds none; empty if it does.
        identity: (row,) InChIKey, or canonical SMILES where InChI fails; empty if invalid.
        fragments: (row,) number of separate parts.
        atoms: (row,) number of heavy atoms.
        carbon: (row,) bool, whether there is any.
        fingerprints: (row, byte), zero where invalid.
    """

    smiles: list[str]
    valid: NDArray[np.bool_]
    reason: list[str]
    identity: NDArray[np.str_]
    fragments: NDArray[np.int64]
    atoms: NDArray[np.int64]
    carbon: NDArray[np.bool_]
    fingerprints: Fingerprints

    @classmethod
    def of(cls, table: Table) -> Self:
        """Read all molecules; some thousands a second."""
        featurized = featurize(table.smiles)
        valid = np.array([status == "ok" for status in featurized.status])
        reason = [table.unreadable.get(i, why) for i, why in enumerate(featurized.reason)]
        texts = [text if ok else "" for text, ok in zip(table.smiles, valid, strict=True)]
        told = [_identity(text) for text in texts]
        return cls(
            smiles=table.smiles,
            valid=valid,
            reason=reason,
            identity=np.array([identity for identity, *_ in told]),
            fragments=np.array([fragments for _, fragments, *_ in told]),
            atoms=np.array([atoms for *_, atoms, _ in told]),
            carbon=np.array([carbon for *_, carbon in told]),
            fingerprints=fingerprints(texts),
        )

    def __len__(self) -> int:
        return len(self.smiles)

    def case(self, rows: Sequence[int] | NDArray[np.int64], text: str) -> Case:
        """Rows as an example."""
        shown = dict.fromkeys(self.smiles[row] for row in rows if self.valid[row])
        return Case(tuple(int(row) for row in rows), tuple(shown)[:2], text)


def check_rows(structures: Structures) -> list[Finding]:
    """Rows without a molecule, and why."""
    bad = np.flatnonzero(~structures.valid)
    if not bad.size:
        return [Finding("rows", "ok", f"all {count(len(structures), 'row')} hold a molecule")]
    cases = tuple(
        Case((int(row),), (), f"{structures.smiles[row]!r:.60}: {structures.reason[row]}")
        for row in bad[:LISTED]
    )
    text = f"{len(bad):,} of {count(len(structures), 'row')} hold no molecule that can be used"
    if len(bad) > LISTED:
        text += f"; the page lists the first {LISTED:,}"
    return [
        Finding("rows", "warning", text, "they are kept, with a status, and not learned", cases)
    ]


def check_fragments(structures: Structures) -> list[Finding]:
    """Salts, solvates and mixtures; and what is no organic molecule."""
    found = []
    several = np.flatnonzero(structures.fragments > 1)
    if several.size:
        cases = tuple(
            structures.case([row], f"{structures.fragments[row]} parts")
            for row in several[:EXAMPLES]
        )
        text = f"{count(len(several), 'row')} of several parts: salts, solvates or mixtures"
        advice = "train with --data.standardize salts (or parent), unless the salt matters"
        found.append(Finding("fragments", "warning", text, advice, cases))
    inorganic = np.flatnonzero(structures.valid & ~structures.carbon)
    if inorganic.size:
        cases = tuple(structures.case([row], "no carbon") for row in inorganic[:EXAMPLES])
        text = f"{count(len(inorganic), 'row')} without carbon"
        found.append(Finding("fragments", "note", text, "leave them out if drugs are meant", cases))
    return found or [Finding("fragments", "ok", "every molecule is one organic piece")]


def _brief(text: str) -> str:
    text = " ".join(text.split())
    return (text if len(text) < 60 else f"{text[:57]}...") or "blank"


def _identity(smiles: str) -> tuple[str, int, int, bool]:
    """InChIKey, number of parts, number of heavy atoms, whether there is carbon."""
    from rdkit import Chem, rdBase

    if not smiles:
        return "", 0, 0, False
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        key = Chem.MolToInchiKey(molecule) or Chem.MolToSmiles(molecule)
    carbon = any(atom.GetAtomicNum() == 6 for atom in molecule.GetAtoms())
    return key, len(Chem.GetMolFrags(molecule)), molecule.GetNumHeavyAtoms(), carbon

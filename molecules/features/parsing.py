"""SMILES to RDKit molecules, without the work whose result a graph does not show.

A third of the time of RDKit's `MolFromSmiles` goes into conjugation, bonds to metals,
atropisomers, hydrogens to fold in, and into hybridization and stereochemistry where a
SMILES tells of none. Without these the usual SMILES is read to the same graph; one with
metals, hydrogen atoms or an extension (CXSMILES) is left to RDKit.
"""

import re

from rdkit import Chem

_USUAL = r"(?:Cl|Br|Si|[BCFINOPScnops])(?![a-z])"  # what stands in brackets
_WANTS_ALL = re.compile(rf"[|\s]|\[(?!\d*{_USUAL})")
_STEREO = re.compile(r"[@/\\]")

_ALL = int(Chem.SanitizeFlags.SANITIZE_ALL)
_UNSEEN = int(
    Chem.SanitizeFlags.SANITIZE_SETCONJUGATION
    | Chem.SanitizeFlags.SANITIZE_CLEANUP_ORGANOMETALLICS
    | Chem.SanitizeFlags.SANITIZE_CLEANUPATROPISOMERS
)
_ONLY_FOR_STEREO = int(
    Chem.SanitizeFlags.SANITIZE_SETHYBRIDIZATION | Chem.SanitizeFlags.SANITIZE_CLEANUPCHIRALITY
)
_WITH_STEREO = _ALL & ~_UNSEEN
_WITHOUT = _WITH_STEREO & ~_ONLY_FOR_STEREO


def parse(smiles: str) -> Chem.Mol | None:
    """The molecule of a SMILES, for its graph alone; None if it is none."""
    if _WANTS_ALL.search(smiles):
        return Chem.MolFromSmiles(smiles)
    stereo = _STEREO.search(smiles) is not None
    mol = Chem.MolFromSmiles(smiles, sanitize=False)
    if mol is None:
        return None
    if Chem.SanitizeMol(mol, _WITH_STEREO if stereo else _WITHOUT, catchErrors=True):
        return None
    if stereo:
        Chem.AssignStereochemistry(mol, cleanIt=True)
    return mol

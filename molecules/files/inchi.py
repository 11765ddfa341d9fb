"""InChI where SMILES are expected: each is used as the SMILES of its molecule.

A standard InChI stands for all tautomers that differ in mobile hydrogens, for one protonation,
and for metals without their bonds. RDKit gives each mobile hydrogen to some atom, often one
where nobody draws it: an amide becomes C(O)=N. Two shifts give it the usual place; of the
molecules of Lipophilicity, written as InChI, 92 % come back as they were drawn, without the
shifts 51 %. An InChI with a fixed-H layer, which is not standard, states its tautomer and keeps it.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdkit import Chem

_HALF = re.compile("[\ud800-\udfff]")
_CUT_OFF = re.compile(r"InChI=1S?/[^/]*H(?![a-z])[^/]*/c[^/]*$")  # no layer has the hydrogens
_FIXED_H = "/f"  # begins the layer that tells where mobile hydrogens are
_LACTAM = "[O,S;X2;H1]-c:[n;X2;H0]"  # on an aromatic ring, to O=c:[nH]
_SHIFTS = (  # H-X-C=Y to X=C-Y-H
    "[O,S;X2;H1]-[#6;X3]=[#7;X2]",  # amides, lactams, thioamides
    "[#7;R;H1]-[#6;R]=[#7;X2;!R]",  # amino groups on heteroaromatic rings
)


def is_inchi(text: str) -> bool:
    """Whether a text is written as InChI, valid or not."""
    return text.lstrip().startswith("InChI=")


def as_smiles(texts: Iterable[str]) -> list[str]:
    """The same texts, but of each InChI the SMILES; one that cannot be read stays as it is.

    Half a character of UTF-16, which JSON can hold and RDKit cannot be given, becomes a question
    mark, as Python's encoders have it: no SMILES holds one.
    """
    whole = (text if text.isascii() else _HALF.sub("?", text) for text in texts)
    return [(_smiles(text.strip()) or text) if is_inchi(text) else text for text in whole]


def _smiles(inchi: str) -> str:
    """Empty if RDKit cannot read it, or would read less than the formula says."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        whole = not _CUT_OFF.match(inchi) and len(inchi.splitlines()) == 1
        molecule = Chem.MolFromInchi(inchi) if whole else None
        if molecule is None:
            return ""
        stated = _FIXED_H in inchi
        return Chem.MolToSmiles(molecule if stated else _usual_tautomer(molecule))


def _usual_tautomer(molecule: "Chem.Mol") -> "Chem.Mol":
    from rdkit import Chem

    molecule = _with_lactams(molecule)
    for pattern in _patterns():
        Chem.Kekulize(molecule, clearAromaticFlags=True)
        for giver, carbon, taker in molecule.GetSubstructMatches(pattern):
            _shift(molecule, giver, carbon, taker)
        Chem.SanitizeMol(molecule)
    return molecule


def _with_lactams(molecule: "Chem.Mol") -> "Chem.Mol":
    """Move hydrogens to aromatic rings, whatever their Kekule form, where that is a molecule."""
    from rdkit import Chem

    for giver, carbon, taker in molecule.GetSubstructMatches(_lactam()):
        changed = Chem.RWMol(molecule)
        if not changed.GetAtomWithIdx(giver).GetTotalNumHs():
            continue
        changed.GetBondBetweenAtoms(giver, carbon).SetBondType(Chem.BondType.DOUBLE)
        for index, hydrogens in ((giver, 0), (taker, 1)):
            atom = changed.GetAtomWithIdx(index)
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs(hydrogens)
        if not Chem.SanitizeMol(changed, catchErrors=True):
            molecule = changed
    return molecule


def _shift(molecule: "Chem.Mol", giver: int, carbon: int, taker: int) -> None:
    """Move a hydrogen, unless a shift before this one has taken it, or the double bond."""
    from rdkit import Chem

    double = molecule.GetBondBetweenAtoms(carbon, taker)
    there = molecule.GetAtomWithIdx(giver).GetTotalNumHs() > 0
    if not there or double.GetBondType() != Chem.BondType.DOUBLE:
        return
    double.SetStereo(Chem.BondStereo.STEREONONE)
    double.SetBondType(Chem.BondType.SINGLE)
    molecule.GetBondBetweenAtoms(giver, carbon).SetBondType(Chem.BondType.DOUBLE)
    for index in (giver, taker):
        atom = molecule.GetAtomWithIdx(index)
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)
        atom.UpdatePropertyCache()


@cache
def _patterns() -> "list[Chem.Mol]":
    from rdkit import Chem

    return [Chem.MolFromSmarts(shift) for shift in _SHIFTS]


@cache
def _lactam() -> "Chem.Mol":
    from rdkit import Chem

    return Chem.MolFromSmarts(_LACTAM)

"""Molecules brought to one form before a model sees them: salts, charges, tautomers.

Everything is RDKit's `rdMolStandardize` (MolVS, Swain). What was done is recorded in a
model, which does it again to what it predicts.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from molecules.files.recognize import foreign

if TYPE_CHECKING:
    from rdkit import Chem

Standardization = Literal["off", "salts", "parent", "tautomer"]

_ISOTOPE = re.compile(r"\[\d+(?=[A-Za-z*])")
# atomic numbers; between the two lie what makes complexes and organometallics
_NONMETALS = {0, 1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(52, 55), 85, 86}
_IONIC = {3, 11, 19, 37, 55, 87, 4, 12, 20, 38, 56, 88}  # groups 1 and 2
_TRANSFORMS = 200  # a molecule that needs more keeps the best of these; RDKit's own is 1000
_REMEMBERED = 16_384  # molecules; two parts of a library, of which several steps ask


def standardized(smiles: Iterable[str | None], kind: Standardization) -> list[str]:
    """SMILES of each molecule's standard form; a text that is no molecule comes back as it is.

    Some 3,000 molecules a second and core for `salts`, 500 for `parent`, 150 for `tautomer`.

    Args:
        smiles: one per row, None or blank where there is none.
        kind: `off` changes nothing but isotopes, which no model sees: RDKit would leave
            deuterium as atoms, and fingerprints tell labelled atoms. `salts` strips RDKit's
            list of counterions and keeps the largest organic fragment of what is left. `parent`
            also normalizes functional groups and neutralizes charges, and leaves a complex of
            a metal as it is. `tautomer` also takes RDKit's canonical tautomer. Stereo stays.
    """
    texts = [_ISOTOPE.sub("[", text or "") for text in smiles]
    if kind == "off":
        return texts
    from rdkit import rdBase

    with rdBase.BlockLogs():
        return [_standardized(text, kind) for text in texts]


@lru_cache(maxsize=_REMEMBERED)
def _standardized(text: str, kind: Standardization) -> str:
    from rdkit import Chem

    one_line = len(text.strip().splitlines()) == 1  # RDKit would read the first
    molecule = Chem.MolFromSmiles(text.strip()) if one_line and not foreign(text) else None
    if molecule is None or not molecule.GetNumAtoms():
        return text
    try:
        canonical = Chem.MolFromSmiles(Chem.MolToSmiles(molecule))  # rules see atoms in order
        return Chem.MolToSmiles(_standardizer(kind)(canonical or molecule))
    except (RuntimeError, ValueError):  # RDKit cannot sanitize what a rule has made
        return text


@cache
def _standardizer(kind: Standardization) -> "Callable[[Chem.Mol], Chem.Mol]":
    from rdkit.Chem.MolStandardize import rdMolStandardize

    options: Any = rdMolStandardize.CleanupParameters()
    options.largestFragmentChooserCountHeavyAtomsOnly = True
    options.preferOrganic = True
    options.maxTransforms = _TRANSFORMS
    options.tautomerRemoveSp3Stereo = False  # or L- and D-amino acids become one
    options.tautomerRemoveBondStereo = False
    fragment = _fragment_chooser(options)
    if kind == "salts":
        return fragment
    tautomers = rdMolStandardize.TautomerEnumerator(options)

    def parent(molecule: "Chem.Mol") -> "Chem.Mol":
        kept = fragment(molecule)
        if _metals(kept):  # rules for organic molecules would take a complex apart
            return kept
        neutral = rdMolStandardize.ChargeParent(kept, options)
        return neutral if kind == "parent" else tautomers.Canonicalize(neutral)

    return parent


def _fragment_chooser(options: Any) -> "Callable[[Chem.Mol], Chem.Mol]":
    """Strips what RDKit's `Salts.txt` lists, then keeps the largest organic fragment."""
    from rdkit import Chem
    from rdkit.Chem.MolStandardize import rdMolStandardize
    from rdkit.Chem.SaltRemover import SaltRemover

    ionic, salts = rdMolStandardize.MetalDisconnector(), SaltRemover()
    largest = rdMolStandardize.LargestFragmentChooser(options)

    def fragment(molecule: "Chem.Mol") -> "Chem.Mol":
        metals = _metals(molecule)
        if metals and metals <= _IONIC:
            molecule = ionic.Disconnect(molecule)  # an alkoxide drawn with a bond to sodium
        if len(Chem.GetMolFrags(molecule)) == 1:
            return molecule
        return largest.choose(salts.StripMol(molecule, dontRemoveEverything=True))

    return fragment


def _metals(molecule: "Chem.Mol") -> set[int]:
    return {atom.GetAtomicNum() for atom in molecule.GetAtoms()} - _NONMETALS

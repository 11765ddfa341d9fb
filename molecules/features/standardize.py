"""Molecules brought to one form before a model sees them: salts, charges, tautomers.

Everything is RDKit's `rdMolStandardize` (MolVS, Swain). What was done is recorded in a
model, which does it again to what it predicts.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rdkit import Chem

Standardization = Literal["off", "salts", "parent", "tautomer"]

_HEAVY_HYDROGEN = re.compile(r"\[[23]H\]")
_TRANSFORMS = 200  # a molecule that needs more keeps the best of these; RDKit's own is 1000


def standardized(smiles: Iterable[str | None], kind: Standardization) -> list[str]:
    """SMILES of each molecule's standard form; a text that is no molecule comes back as it is.

    Some 3,000 molecules a second and core for `salts`, 500 for `parent`, 150 for `tautomer`.

    Args:
        smiles: one per row, None or blank where there is none.
        kind: `off` changes nothing but deuterium and tritium, which are read as hydrogen: a
            model sees no isotopes, and RDKit would leave these as atoms. `salts` keeps the
            largest organic fragment. `parent` also normalizes functional groups and
            neutralizes charges. `tautomer` also takes RDKit's canonical tautomer. Stereo
            stays.
    """
    texts = [_HEAVY_HYDROGEN.sub("[H]", text or "") for text in smiles]
    if kind == "off":
        return texts
    from rdkit import rdBase

    with rdBase.BlockLogs():
        return [_standardized(text, kind) for text in texts]


def _standardized(text: str, kind: Standardization) -> str:
    from rdkit import Chem

    one_line = len(text.strip().splitlines()) == 1  # RDKit would read the first
    molecule = Chem.MolFromSmiles(text.strip()) if one_line else None
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
    if kind == "salts":
        return rdMolStandardize.LargestFragmentChooser(options).choose
    if kind == "parent":
        return lambda molecule: rdMolStandardize.ChargeParent(molecule, options)
    tautomers = rdMolStandardize.TautomerEnumerator(options)
    return lambda molecule: tautomers.Canonicalize(rdMolStandardize.ChargeParent(molecule, options))

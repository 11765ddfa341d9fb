"""Salts, charges and tautomers become one molecule, however they are written."""

import numpy as np
import pytest
from rdkit import Chem, rdBase

from molecules.features.features import featurize
from molecules.features.standardize import Standardization, standardized

KINDS: list[Standardization] = ["salts", "parent", "tautomer"]
NAMED = {
    "CC(=O)[O-].[Na+]": ("CC(=O)[O-]", "CC(=O)O", "CC(=O)O"),
    "OC(=O)c1ccccc1.CCN": ("O=C(O)c1ccccc1",) * 3,
    "C[NH3+].OS(=O)(=O)O": ("C[NH3+]", "CN", "CN"),
    "Oc1ccncc1.O": ("Oc1ccncc1", "Oc1ccncc1", "O=c1cc[nH]cc1"),
    "C[N+](C)(C)CC([O-])=O": ("C[N+](C)(C)CC(=O)[O-]",) * 3,
    "c1ccncc1.OC(=O)C(F)(F)F": ("c1ccncc1",) * 3,
    "CCN.OC(C(O)C(O)=O)C(O)=O": ("CCN",) * 3,
    "CC(=O)O[Na]": ("CC(=O)[O-]", "CC(=O)O", "CC(=O)O"),
    "N[Pt](N)(Cl)Cl.O": ("[NH2][Pt]([NH2])([Cl])[Cl]",) * 3,
    "C[Hg]Cl": ("[CH3][Hg][Cl]",) * 3,
    "C[C@H](N)C(=O)O": ("C[C@H](N)C(=O)O",) * 3,
    "OC(=O)/C=C\\C(O)=O": ("O=C(O)/C=C\\C(=O)O",) * 3,
}
ORGANIC = (
    "CCCCCCO",
    "c1ccc2[nH]ccc2c1",
    "C[N+](C)(C)CCO",
    "OC(=O)CC(O)(CC(=O)O)C(=O)O",
    "FC(F)(F)C(F)(F)C(F)F",
    "Cn1c(=O)c2[n-]cnc2n(C)c1=O",
    "O=C([O-])c1ccccc1",
    "CCN(CC)CC",
)
HARD = [*NAMED, "[Fe]", "[Na+].[Cl-]", "CC(=O)C=C(O)C", "c1ccc2[nH]ncc2c1", "[O-][N+](=O)c1ccccc1",
        "O=C([O-])CC[C-]1C2=C3C4=C1[Fe+2]3421567C2=C1[C-]5C6=C27"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_named_molecules(kind: Standardization) -> None:
    assert standardized(NAMED, kind) == [forms[KINDS.index(kind)] for forms in NAMED.values()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_standard_form_is_its_own_and_has_one_spelling(kind: Standardization) -> None:
    once = standardized(HARD, kind)
    assert standardized(once, kind) == once
    for seed in range(5):
        rdBase.SeedRandomNumberGenerator(seed)
        respelled = [Chem.MolToSmiles(Chem.MolFromSmiles(s), doRandom=True) for s in HARD]
        assert standardized(respelled, kind) == once


def test_every_kind_keeps_the_same_fragment() -> None:
    pairs = [f"{a}.{b}" for i, a in enumerate(ORGANIC) for b in ORGANIC[:i]]
    kept = [[Chem.MolFromSmiles(s) for s in standardized(pairs, kind)] for kind in KINDS]
    sizes = [[molecule.GetNumHeavyAtoms() for molecule in each] for each in kept]
    assert sizes[0] == sizes[1] == sizes[2]


@pytest.mark.parametrize("kind", ["off", *KINDS])
def test_what_is_no_molecule_comes_back(kind: Standardization) -> None:
    assert standardized(["bad(", "", None, " ", "CO"], kind) == ["bad(", "", "", " ", "CO"]


@pytest.mark.parametrize("kind", ["off", *KINDS])
def test_heavy_hydrogen_is_hydrogen(kind: Standardization) -> None:
    heavy = ["[2H]C([2H])([2H])O", "[3H]CCO", "C[C@]([2H])(O)F"]
    light = ["CO", "CCO", "C[C@]([H])(O)F"]
    assert_alike(heavy, light, kind)


@pytest.mark.parametrize("kind", ["off", *KINDS])
def test_labelled_atoms_are_as_others(kind: Standardization) -> None:
    labelled = ["[13CH3]C(=O)O", "[14cH]1ccccc1[125I]", "C[13C@@H](N)O"]
    assert_alike(labelled, ["CC(=O)O", "c1ccccc1I", "C[C@@H](N)O"], kind)


def assert_alike(one: list[str], other: list[str], kind: Standardization) -> None:
    read = [featurize(standardized(given, kind), with_fingerprints=True) for given in (one, other)]
    np.testing.assert_array_equal(read[0].fingerprints, read[1].fingerprints)
    graphs = [vars(each.packed) for each in read]
    for name, values in graphs[0].items():
        np.testing.assert_array_equal(values, graphs[1][name])

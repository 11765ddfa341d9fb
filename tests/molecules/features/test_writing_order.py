"""The order of writing: the same molecule, short ways, and one order whatever came in."""

from pathlib import Path

import pytest
from rdkit import Chem

from molecules.features.selfies import constitution
from molecules.features.writing_order import as_written, reach, short_ways, stored_as_written

TEXTS = [
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1CCCC1c1cccnc1",
    "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
    "CC=CC(=O)[O-]",
    "N#Cc1ccc[nH]1",
]


@pytest.mark.parametrize(
    ("smiles", "atoms"),
    [
        ("CCO", 0),
        ("CC(=O)O", 1),
        ("C1CCCCC1", 5),
        ("Brc1ccc(cc1)N", 2 + 5),  # the branch, and the ring within it
        ("Nc1ccc(Br)cc1", 1 + 6),
        ("C%10(N(C)C)[NH+]C%10", 1 + 3 + 5),
    ],
)
def test_reach_counts_atoms_in_branches_and_around_rings(smiles: str, atoms: int) -> None:
    assert reach(smiles) == atoms


@pytest.mark.parametrize("text", TEXTS)
def test_short_ways_are_the_same_molecule(text: str) -> None:
    assert constitution(short_ways(text)) == text
    assert reach(short_ways(text)) <= reach(text)


def test_what_follows_a_ring_is_not_written_within_it() -> None:
    far = constitution("CCCCCCOc1ccc(OCCCCCC)cc1")
    assert reach(short_ways(far)) < reach(far) - 10


@pytest.mark.parametrize("text", TEXTS)
def test_one_order_however_a_molecule_is_given(text: str) -> None:
    written = as_written(text)
    again = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(text), 5, randomSeed=3)
    assert {as_written(other) for other in again} == {written}
    assert as_written(written) == written


def test_stereochemistry_and_isotopes_are_left_out() -> None:
    assert constitution(as_written("[2H]OC[C@H](N)/C=C/C")) == "CC=CC(N)CO"


def test_what_is_no_molecule_is_kept_in_place(tmp_path: Path) -> None:
    given = ["CCO", "C1CC", "", "OCC"]
    found = stored_as_written(given, tmp_path)
    assert found == ["CCO", "", "", "CCO"] == stored_as_written(given, tmp_path)
    assert stored_as_written([], tmp_path) == []

"""Matched pairs: what is known to differ by one exchange is found, and nothing else."""

import numpy as np
import pytest
from rdkit import Chem

from molecules.explanation.matched_pairs import MatchedPair, cuts, matched_pairs
from molecules.files.table import demo_activity
from molecules.prediction.training_set import TrainingSet


def pairs(smiles: str, *known: str) -> list[tuple[str, str]]:
    labels = np.arange(float(len(known)))[:, None]
    found = matched_pairs(smiles, TrainingSet(known, labels), most=9)
    assert [known.index(pair.smiles) for pair in found] == [pair.labels[0] for pair in found]
    return [(pair.smiles, pair.exchange) for pair in found]


@pytest.mark.parametrize(
    ("known", "exchange"),
    [
        ("Fc1ccc(CC)cc1", "F*>>Cl*"),
        ("c1ccc(CC)cc1", "*[H]>>Cl*"),
        ("COc1ccc(CC)cc1", "CO*>>Cl*"),
        ("Clc1ccc(CCC)cc1", "C*>>*[H]"),
        ("Clc1ccc(C(C)=O)cc1", "CC(=O)*>>CC*"),
        ("CCCc1ccc(Cl)cc1F", None),  # two exchanges
        ("Clc1cccc(CC)c1", None),  # another position
        ("CCc1ccc(Cl)cc1", None),  # the molecule itself
        ("CCO", None),
        ("CCc1c(F)cc(Cl)cc1", "F*>>*[H]"),
    ],
)
def test_one_exchange(known: str, exchange: str | None) -> None:
    assert pairs("Clc1ccc(CC)cc1", known) == ([(known, exchange)] if exchange else [])


@pytest.mark.parametrize(
    ("query", "known", "exchange"),
    [
        ("CC(=O)N1CCCCC1", "CS(=O)(=O)N1CCCCC1", "CS(=O)(=O)*>>CC(=O)*"),
        ("Clc1ccc(CCN)cc1.OC(=O)/C=C\\C(=O)O", "Fc1ccc(CCN)cc1.OC(=O)/C=C\\C(=O)O", "F*>>Cl*"),
        ("Clc1ccc(CCN)cc1.OC(=O)/C=C\\C(=O)O", "Fc1ccc(CCN)cc1", None),  # and another salt
    ],
)
def test_acyl_groups_are_parts_and_counterions_are_none(
    query: str, known: str, exchange: str | None
) -> None:
    assert pairs(query, known) == ([(known, exchange)] if exchange else [])


@pytest.mark.parametrize(
    ("query", "known", "exchange"),
    [
        ("CC(=O)[O-]->[Zn+2]", "CC(=O)[O-]->[Cu+2]", "[Cu+2]<-[O-]*>>[Zn+2]<-[O-]*"),
        ("CC#N->[Cu]", "CC#N->[Ag]", None),
        ("[C-]#[O+]->[Ni]", "[C-]#[O+]->[Pd]", None),
        ("N->[Pt](Cl)(Cl)<-N", "N->[Pt](Br)(Cl)<-N", "Br*>>Cl*"),
    ],
)
def test_dative_bonds_are_not_cut(query: str, known: str, exchange: str | None) -> None:
    assert pairs(query, known) == ([(known, exchange)] if exchange else [])


def test_the_smallest_exchange_comes_first() -> None:
    found = pairs("Clc1ccccc1", "Oc1ccccc1", "CC(C)(C)c1ccccc1", "c1ccccc1", "not a molecule", "")
    assert [smiles for smiles, _ in found] == ["c1ccccc1", "Oc1ccccc1", "CC(C)(C)c1ccccc1"]


def test_a_molecule_that_was_measured_several_times_is_one_pair() -> None:
    """With the mean of what was measured, also where it is written in another way."""
    known = ["Oc1ccccc1", "c1ccccc1O", "Fc1ccccc1", "Oc1ccccc1"]
    labels = np.array([[1.0, np.nan], [2.0, 4.0], [7.0, 7.0], [6.0, np.nan]])
    found = matched_pairs("Clc1ccccc1", TrainingSet(known, labels))
    assert [(pair.smiles, *pair.labels) for pair in found] == [
        ("Oc1ccccc1", 3.0, 4.0),
        ("Fc1ccccc1", 7.0, 7.0),
    ]


def test_both_parts_fit_the_rest_in_a_real_series() -> None:
    """Putting each part back gives both molecules."""
    smiles = demo_activity().smiles[:40]
    known = TrainingSet(smiles[5:], np.zeros((35, 1)))
    found = [(text, pair) for text in smiles[:5] for pair in matched_pairs(text, known)]
    assert found
    for text, pair in found:
        assert any(
            joined(rest, pair.here) == Chem.CanonSmiles(text)
            and joined(rest, pair.there) == Chem.CanonSmiles(pair.smiles)
            for rest in [*cuts(text), *cuts(pair.smiles)]
            if not rest.startswith("H ")
        )


def joined(rest: str, part: str) -> str:
    molecule = Chem.MolFromSmiles(f"{rest.replace('*', '[*:1]')}.{part.replace('*', '[*:1]')}")
    return Chem.MolToSmiles(Chem.molzip(molecule))


def test_nothing_is_known() -> None:
    assert matched_pairs("CCO", TrainingSet([], np.empty((0, 1)))) == []
    assert cuts("C" * 101) == {}
    assert MatchedPair("C", "*C", "*F", 2, np.zeros(1)).exchange == "*F>>*C"

"""SELFIES and their tokens: back and forth, and nothing lost silently."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molecules.features.selfies import (
    FRAGMENTS,
    INVALID,
    LONG,
    RARE,
    START,
    STOP,
    WRITTEN,
    Vocabulary,
    constitution,
    learn_merges,
    merged,
    padded,
    write_all,
)

SMILES = [
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1CCC[C@H]1c1cccnc1",
    "O=S(=O)(N)c1ccc(cc1)-n1nc(cc1-c1ccc(C)cc1)C(F)(F)F",
    "C/C=C/C(=O)[O-]",
    "C1CC2(C1)CC2",
    "[nH]1cccc1C#N",
    "CC(C)(C)OC(=O)N[C@@H](Cc1ccccc1)C(O)=O",
]
TEXTS = [constitution(smiles) for smiles in SMILES]


def vocabulary(size: int = 96, longest: int = 64) -> Vocabulary:
    return Vocabulary.fit([write_all(TEXTS * 4)], size, longest)


@pytest.mark.parametrize("size", [2, 40, 96])
def test_tokens_give_the_molecules_back(size: int) -> None:
    words = vocabulary(size)
    tokens = words.tokens(*write_all(TEXTS))
    assert (tokens.state == WRITTEN).all()
    assert [words.smiles(row) for row in padded([tokens]).tolist()] == TEXTS


def test_merging_shortens() -> None:
    plain, short = vocabulary(2), vocabulary(96)
    assert not plain.merges
    assert len(short.tokens(*write_all(TEXTS)).codes) < len(plain.tokens(*write_all(TEXTS)).codes)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(2, len(vocabulary()) - 1), max_size=30))
def test_any_codes_are_a_molecule(codes: list[int]) -> None:
    smiles = vocabulary().smiles([*codes, STOP, 5])
    assert Chem.MolFromSmiles(smiles) is not None
    assert constitution(smiles) == smiles


def test_what_cannot_be_written_says_why() -> None:
    texts = [*TEXTS[:1], constitution("[Na+].[Cl-]"), constitution("C1CC"), "[SiH4]", "C" * 90]
    states = vocabulary(longest=8).tokens(*write_all(texts)).state
    assert states.tolist() == [WRITTEN, FRAGMENTS, INVALID, RARE, LONG]


def test_constitution_leaves_out_stereo_and_isotopes() -> None:
    assert constitution("[2H]OC[C@H](N)/C=C/C") == "CC=CC(N)CO"


def test_a_run_of_the_same_merges_from_the_left() -> None:
    flat = np.array([5, 5, 5, STOP, 5, 5, 5, 5, STOP, 7, 5])
    assert merged(flat, (5, 5), 9).tolist() == [9, 5, STOP, 9, 9, STOP, 7, 5]


def test_the_commonest_pair_merges_first_and_never_across_molecules() -> None:
    flat = np.array([2, 3, STOP, 2, 3, STOP, 4, STOP, 4, STOP, 4, STOP, START, 4, STOP])
    assert learn_merges(flat, 5, 9) == [(2, 3)]

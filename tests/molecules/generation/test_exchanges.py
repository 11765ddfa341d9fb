"""Exchanges of parts: what is cut comes together again, and parts stay with their atoms."""

from pathlib import Path

import numpy as np
import pytest

from molecules.features.selfies import constitution
from molecules.generation.exchanges import Exchanges, joined, plain, sites
from molecules.generation.goal import Goal, Limits
from molecules.generation.search import Search, SearchConfig
from molecules.prediction.predictor import PropertyPredictor
from sciml.errors import InputError

MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1CCC(CC1)Oc1ccc(F)cc1Cl",
    "c1cc[nH]c1",
    "C[n+]1ccccc1",
    "CS(=O)(=O)N",
    "N#Cc1c[nH]c2ccccc12",
]


@pytest.mark.parametrize("smiles", MOLECULES)
def test_a_part_that_is_put_back_gives_the_molecule(smiles: str) -> None:
    molecule = constitution(smiles)
    found = sites(molecule)
    assert found
    assert {joined(site.rest, site.part) for site in found} == {molecule}


def test_benzene_has_one_kind_of_hydrogen_and_toluene_four_and_a_methyl() -> None:
    assert [plain(site.part) for site in sites("c1ccccc1")] == ["*[H]"]
    assert sorted(plain(site.part) for site in sites("Cc1ccccc1")) == ["*C", *["*[H]"] * 4]


def test_all_children_of_benzene_by_the_parts_of_anisole_and_toluene() -> None:
    """On an aromatic carbon these have hydrogen, methyl and methoxy, and nothing else."""
    source = Exchanges.of(["COc1ccccc1", "Cc1ccccc1"], seed=0)
    children = source.offspring(["c1ccccc1"], 60)
    assert {child.smiles for child in children} == {"c1ccccc1", "COc1ccccc1", "Cc1ccccc1"}
    hows = {child.how for child in children if child.smiles == "Cc1ccccc1"}
    assert hows == {"*[H]>>*C, as in Cc1ccccc1"}


def test_an_acid_does_not_become_the_ester_of_an_ether() -> None:
    """On the oxygen of ethers there is a methyl; on that of an acid none was seen."""
    source = Exchanges.of(["CCOC", "CCC(=O)O"], seed=0)
    children = {child.smiles for child in source.offspring(["CC(=O)O"], 60)}
    assert "CCC(=O)O" in children
    assert "COC(C)=O" not in children


def test_odds_follow_the_root_of_how_often_a_part_is_seen() -> None:
    by_joint = Exchanges.of(["Cc1ccccc1C", "Clc1ccccc1"], seed=0).parts
    aromatic = ("c", True, "SP2")
    parts = by_joint[aromatic, aromatic, aromatic]
    odds = dict(zip(parts.smiles, parts.odds.tolist(), strict=True))
    seen = {"[*:1]C": 1, "[*:1]Cl": 1, "[*:1][H]": 5}  # sites: symmetric ones count once
    total = sum(np.sqrt(n) for n in seen.values())
    assert odds == pytest.approx({part: np.sqrt(n) / total for part, n in seen.items()})


def test_a_salt_cannot_begin_and_lends_no_parts() -> None:
    with pytest.raises(InputError, match="no parts to exchange in 1 molecules"):
        Exchanges.of(["[Na+].[Cl-]", "no molecule"], seed=0)
    assert not Exchanges.of(["CCO"], seed=0).accepts("CC(=O)O.[Na]")


@pytest.mark.parametrize("smiles", ["*CCO", "CC[*:1]", "*c1ccccc1*"])
def test_what_has_an_open_end_lends_no_parts(smiles: str) -> None:
    """As the fragments and side chains in a training table."""
    assert sites(smiles) == ()
    parts = Exchanges.of(["CCO", smiles], seed=0).parts
    assert parts.keys() == Exchanges.of(["CCO"], seed=0).parts.keys()


def test_the_best_found_is_better_than_the_start_and_the_seed_decides(
    predictor_file: Path, learned: list[str]
) -> None:
    models = [PropertyPredictor.load(predictor_file)]
    limits = Limits(window=(0.2, 0.95), min_similarity=0.2)

    def search() -> Search:
        goal = Goal.of("CCCCCCO", models, ["logS:max"], "mean", limits)
        found = Search(Exchanges.of(learned, 0), goal, SearchConfig(steps=3), "CCCCCCO")
        assert list(found.steps()) == [1, 2, 3]
        return found

    one, again = search(), search()
    assert one.found == again.found
    best = one.ranked()[0]
    assert not best.judged.reason
    assert best.judged.score > one.found["CCCCCCO"].judged.score
    assert one.found[best.parent].step < best.step
    before, after = best.how.split(",")[0].split(">>")
    opened = {(plain(site.part), site.rest) for site in sites(best.parent)}
    assert any(
        joined(rest, after.replace("*", "[*:1]")) == best.judged.smiles
        for part, rest in opened
        if part == before
    )

"""Points in latent space: what was learned comes back, and conditions steer."""

import numpy as np
import pytest
import torch
from rdkit import Chem

from molecules.features.conditions import conditions_of
from molecules.features.selfies import constitution
from molecules.generation.generator import Generator, between, read_conditions
from sciml.errors import InputError


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_learned_molecules_come_back(generator: Generator, learned: list[str]) -> None:
    written = generator.write(generator.read(learned), 0.0, draws())
    same = [text == constitution(smiles) for text, smiles in zip(written, learned, strict=True)]
    assert np.mean(same) > 0.8


def test_every_sample_is_a_molecule_and_the_seed_decides(generator: Generator) -> None:
    one, again, other = (
        generator.write(generator.draw(64, {}, source), 1.0, source)
        for source in (draws(1), draws(1), draws(2))
    )
    assert all(text and Chem.MolFromSmiles(text) for text in one)
    assert one == again != other


def test_the_way_between_two_has_their_posterior_means_at_its_ends(
    generator: Generator, learned: list[str]
) -> None:
    ends = generator.read([learned[0], learned[-1]])
    way = between(ends, 5)
    torch.testing.assert_close(way.latent[[0, -1]], ends.latent, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(way.latent[2], ends.latent.mean(0), atol=1e-6, rtol=1e-6)
    assert generator.distance(way, ends[:1])[0] == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize(("name", "low", "high"), [("logP", 0.5, 3.5), ("weight", 70.0, 180.0)])
def test_a_condition_moves_the_mean(
    generator: Generator, name: str, low: float, high: float
) -> None:
    column = ["logP", "TPSA", "weight", "rings"].index(name)
    means = []
    for value in (low, high):
        source = draws()
        written = generator.write(generator.draw(128, {name: value}, source), 1.0, source)
        means.append(np.mean([conditions_of(Chem.MolFromSmiles(t))[column] for t in written]))
    assert means[1] - means[0] > 0.5 * (high - low)


def test_the_training_set_is_known(generator: Generator, learned: list[str]) -> None:
    assert generator.learned_from(learned).all()
    assert not generator.learned_from(["C1CC1C#N", "NCCS"]).any()


def test_neighbours_are_as_far_as_asked(generator: Generator) -> None:
    start = generator.read(["CCCCO"])
    points = generator.near(start[[0] * 200], 0.3, draws())
    assert generator.distance(points, start).mean() == pytest.approx(0.3, rel=0.1)


def test_a_molecule_moved_to_its_own_properties_stays(generator: Generator) -> None:
    start = generator.read(["CCCCO"])
    own = dict(zip(("logP", "TPSA"), start.conditions[0, :2].tolist(), strict=True))
    torch.testing.assert_close(generator.moved(start, own).latent, start.latent)


@pytest.mark.parametrize("text", ["logp=2", "logP", "logP=much", "logP=nan"])
def test_a_wrong_condition_ends_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="--condition"):
        read_conditions([text])


@pytest.mark.parametrize("smiles", ["C1CC", "", "C" * 60])
def test_what_cannot_be_read_is_named(generator: Generator, smiles: str) -> None:
    with pytest.raises(InputError, match="no molecule to begin with"):
        generator.read([smiles])

"""Points in latent space: what was learned comes back, and conditions steer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from torch import nn

from molecules.features.conditions import conditions_of
from molecules.features.selfies import constitution
from molecules.generation.generator import Generator, between, crossed, read_conditions
from molecules.models.generator import GENERATOR, DecoderConfig
from sciml.errors import InputError
from sciml.model_file import save_model


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_learned_molecules_come_back(generator: Generator, learned: list[str]) -> None:
    written = generator.write(generator.read(learned), 0.0, draws())
    same = [text == constitution(smiles) for text, smiles in zip(written, learned, strict=True)]
    assert np.mean(same) > 0.8


def test_a_molecule_has_one_place_however_it_is_given(generator: Generator) -> None:
    points = generator.read(
        ["CCCCc1ccccc1", "c1ccc(cc1)CCCC", "C(CCC)c1ccccc1", "[2H]CCCCc1ccccc1"]
    )
    torch.testing.assert_close(points.latent, points.latent[:1].expand_as(points.latent))
    torch.testing.assert_close(points.conditions, points.conditions[:1].expand(4, -1))


def test_every_sample_is_a_molecule_and_the_seed_decides(generator: Generator) -> None:
    one, again, other = (
        generator.draw(64, {}, 1.0, source) for source in (draws(1), draws(1), draws(2))
    )
    assert all(text and Chem.MolFromSmiles(text) for text in one)
    assert one == again != other


def test_the_way_between_two_begins_as_the_one_and_ends_as_the_other(
    generator: Generator, learned: list[str]
) -> None:
    one, other = "CCCCCCCCCO", "CCCCc1ccccc1"
    ends = generator.read([one, other])
    assert ends.atoms.tolist() == [10, 10]
    way = between(ends, 3)
    torch.testing.assert_close(way.latent[[0, -1]], ends.latent, atol=1e-6, rtol=1e-6)
    assert generator.distance(way, ends[:1])[0] == pytest.approx(0, abs=1e-5)
    middle = torch.cat([ends.latent[0, :5], ends.latent[1, 5:]])
    torch.testing.assert_close(way.latent[1], middle, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("atoms", range(1, 10))
def test_a_molecule_crossed_with_itself_is_itself(generator: Generator, atoms: int) -> None:
    start = generator.read(["C" * atoms])[[0] * 21]
    found = crossed(start, start, torch.linspace(0, 1, 21))
    assert (found.atoms == atoms).all()
    torch.testing.assert_close(found.latent[:, :atoms], start.latent[:, :atoms])


def test_pieces_of_molecules_of_different_sizes_fit_together(generator: Generator) -> None:
    ends = generator.read(["CCCCCCCCO", "CCN", "C" * 23])
    found = crossed(ends[[0, 0]], ends[[1, 2]], torch.tensor([1 / 3, 0.5]))
    assert found.atoms.tolist() == [6 + 1, 4 + 11]
    torch.testing.assert_close(found.latent[0, :6], ends.latent[0, :6])
    torch.testing.assert_close(found.latent[0, 6:-4], ends.latent[1, 2:-8])
    torch.testing.assert_close(found.latent[1, 15], ends.latent[2, 23])  # nothing behind the last


@pytest.mark.parametrize(("name", "low", "high"), [("logP", 0.5, 3.5), ("weight", 70.0, 180.0)])
def test_a_condition_moves_the_mean(
    generator: Generator, name: str, low: float, high: float
) -> None:
    column = ["logP", "TPSA", "weight", "rings"].index(name)
    means = []
    for value in (low, high):
        written = generator.draw(128, {name: value}, 1.0, draws())
        means.append(np.mean([conditions_of(Chem.MolFromSmiles(t))[column] for t in written]))
    assert means[1] - means[0] > 0.5 * (high - low)


def test_the_training_set_is_known(generator: Generator, learned: list[str]) -> None:
    assert generator.learned_from(learned).all()
    assert not generator.learned_from(["C1CC1C#N", "NCCS"]).any()


def test_neighbours_are_as_far_as_asked(generator: Generator) -> None:
    start = generator.read(["CCCCO"])
    points = generator.near(start[[0] * 200], 0.3, draws())
    assert generator.distance(points, start).mean() == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("text", ["logp=2", "logP", "logP=much", "logP=nan"])
def test_a_wrong_condition_ends_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="--condition"):
        read_conditions([text])


@pytest.mark.parametrize(
    ("smiles", "message"),
    [
        ("C1CC", "cannot be read as SMILES"),
        ("", "no molecule to begin with"),
        ("C" * 24, "24 atoms; this model takes at most 23"),
        ("CC(=O)[O-].[Na+]", "several fragments"),
    ],
)
def test_what_cannot_be_read_is_named(generator: Generator, smiles: str, message: str) -> None:
    assert not generator.reads(smiles)
    with pytest.raises(InputError, match=message):
        generator.read([smiles])


def test_a_file_of_an_earlier_version_says_how_to_make_it_again(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    model = nn.Linear(1, 1)
    save_model(path, model, GENERATOR, DecoderConfig(), {})
    with pytest.raises(InputError, match="earlier version; make it again with molecules pretrain"):
        Generator.load(path)

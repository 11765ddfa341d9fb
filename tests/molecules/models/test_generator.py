"""The generator's parts by their closed forms, and by what they must not see."""

from itertools import pairwise

import pytest
import selfies
import torch
from rdkit import Chem
from torch.distributions import Normal, kl_divergence

from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.features.selfies import START, STOP, Vocabulary, padded, write_all
from molecules.features.writing_order import as_written
from molecules.models.generator import DecoderConfig, GeneratorConfig, GraphToSelfies
from molecules.models.latent_space import Gaussian
from molecules.models.model import ModelConfig
from molecules.models.selfies_decoder import AtomCount
from molecules.pretraining.writing import surprise
from sciml.graph import GraphNetworkConfig

SIZES = DecoderConfig(slots=12, latent=4, dim=16, embedding=8, reader=8, tokens=64, longest=12)
WRITTEN = [
    as_written(text)
    for text in (
        "CC(=O)Oc1ccccc1C(=O)O",
        "CN1CCCC1c1cccnc1",
        "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1",
        "O=C(CCCCCCCCCCC1CCCCC1)NC1CC2(C1)CC2",
        "c1ccc2c(c1)Cc1ccccc1-2",
        "CCO",
    )
]


def small() -> GraphToSelfies:
    torch.manual_seed(0)
    encoder = ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1))
    words = Vocabulary(symbols=("[C]", "[O]", "[N]"), longest=12)
    return GraphToSelfies(
        GeneratorConfig(encoder=encoder, decoder=SIZES, vocabulary=words)
    ).double()


def normal(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def test_divergence_is_that_of_normal_distributions() -> None:
    torch.manual_seed(0)
    one = Gaussian(normal(5, 3, 4), normal(5, 3, 4))
    expected = kl_divergence(Normal(one.mean, one.log_std.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(one.divergence(), expected, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("size", [2, 40, 96])
def test_atoms_are_counted_whatever_the_tokens(size: int) -> None:
    words = Vocabulary.fit([write_all(WRITTEN * 4)], size, 100)
    sequence = torch.from_numpy(padded([words.tokens(*write_all(WRITTEN))]))
    atoms = AtomCount(words)(sequence)
    expected = [Chem.MolFromSmiles(text).GetNumAtoms() for text in WRITTEN]
    assert atoms[:, -1].tolist() == expected
    for row, codes in zip(atoms.tolist(), sequence.tolist(), strict=True):
        for before, behind in pairwise(range(codes.index(STOP))):
            text = "".join(s for code in codes[:behind] for s in words.spelled[code])
            if "Branch" in words.spelled[codes[before]][-1]:
                continue  # not a text by itself
            part = Chem.MolFromSmiles(selfies.decoder(text), sanitize=False)
            assert part.GetNumAtoms() <= row[behind]


@pytest.mark.parametrize("point", [True, False])
def test_writing_step_by_step_is_what_is_trained(point: bool) -> None:
    model = small()
    latent, conditions = normal(7, 12, 4) if point else None, normal(7, 4)
    slots = model.decoder.slots(latent, conditions)
    written = model.decoder.write(latent, conditions, 0.0, torch.Generator())
    sizes = (written != STOP).sum(1) + 1
    for row, size in enumerate(sizes.clamp(max=12).tolist()):
        text, one = written[None, row, :size], slice(row, row + 1)
        before = torch.cat([torch.tensor([[START]]), text[:, :-1]], dim=1)
        told = model.decoder(slots[one], conditions[one], text, before, torch.tensor([size]))
        told[:, START] = told[0, STOP] = -torch.inf
        assert torch.equal(told.argmax(1), text[0])


def test_padding_changes_nothing() -> None:
    model = small()
    latent, conditions = normal(3, 12, 4), normal(3, 4)
    sequence = torch.tensor([[2, 3, STOP, STOP], [4, STOP, STOP, STOP], [2, 2, 3, STOP]])
    together = surprise(model, (latent, None), conditions, sequence, 0.0)
    alone = sum(
        surprise(model, [point], conditions[i, None], sequence[i, None, :n], 0.0)
        for i, n in enumerate((3, 2, 4))
        for point in (latent[i, None], None)
    )
    torch.testing.assert_close(together, alone, atol=1e-10, rtol=1e-10)


def test_a_molecule_is_where_it_is_whatever_is_read_beside_it() -> None:
    model = small()
    read = featurize(["CCO", "c1ccncc1", "CC(=O)NC"])
    data, conditions = MoleculeData(read.packed, torch.arange(3).numpy()), normal(3, 4)
    together = model.posterior(data.__getitems__([0, 1, 2]), conditions)
    for row in range(3):
        alone = model.posterior(data.__getitems__([row]), conditions[row, None])
        torch.testing.assert_close(together.mean[row, None], alone.mean, atol=1e-10, rtol=1e-10)


def test_every_bond_is_seen() -> None:
    """An encoder that tells nothing; what is bound to what comes from the bonds."""
    model = small()
    chains = ["CCCCCCO", "CCCCC(C)O", "C1CCCCC1O", "CCCCC=CO"]
    read = featurize(chains)
    batch = MoleculeData(read.packed, torch.arange(4).numpy()).__getitems__([0, 1, 2, 3])
    states = torch.zeros(len(batch.x), model.encoder.backbone.out_dim, dtype=torch.float64)
    points = model.reader(states, batch, torch.zeros(4, 4, dtype=torch.float64)).mean.flatten(1)
    apart = torch.cdist(points, points) + torch.eye(4)
    assert apart.min() > 1e-3

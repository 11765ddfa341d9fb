"""Objectives about conformers: closed forms, what each view sees, and that they can be learned."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.models.model import EncoderModel, ModelConfig
from molecules.molecule import MoleculeBatch
from molecules.pretraining import library as library_module
from molecules.pretraining.contrast import TEMPERATURE, ConformerContrast, contrast, shape_alone
from molecules.pretraining.distances import BINS, AtomDistances, classes, pairs
from molecules.pretraining.library import Wanted, make_library
from molecules.pretraining.objective import Pretraining, PretrainingConfig
from sciml.graph import GraphNetworkConfig
from sciml.transformer_config import WindowTransformerConfig

SMILES = ["CCO", "c1ccccc1", "CC(=O)N", "C", "CCCl", "C1CC1"]
GRAPH = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2))
SPACE = ModelConfig(
    backbone=WindowTransformerConfig(dim=16, depths=(1,), heads=(2,)), geometry="both"
)


@pytest.fixture
def batch() -> MoleculeBatch:
    packed = featurize(SMILES).packed
    positions = np.random.default_rng(0).normal(size=(len(packed.atoms), 3)).astype(np.float32)
    data = MoleculeData(packed, np.arange(len(SMILES)), positions=3 * positions)
    return data.__getitems__(range(len(SMILES)))


def test_a_perfect_match_and_none_at_all() -> None:
    rows = torch.eye(5)
    expected = math.log(1 + 4 * math.exp(-1 / TEMPERATURE))
    assert contrast(2 * rows, 7 * rows).item() == pytest.approx(expected, abs=1e-6)
    assert contrast(torch.ones(5, 3), torch.ones(5, 3)).item() == pytest.approx(math.log(5))


def test_a_shape_tells_nothing_of_bonds(batch: MoleculeBatch) -> None:
    """The same elements at the same places, with other bonds: the same view."""
    torch.manual_seed(0)
    view = ConformerContrast(32).view.eval()
    ring, chain = (MoleculeBatch.cut(featurize([s]).packed, [0]) for s in ("C1CCCCC1", "C=CC=CC=C"))
    place = torch.randn(6, 3)
    vectors = [view(shape_alone(replace(one, pos=place))) for one in (ring, chain)]
    torch.testing.assert_close(*vectors)
    other = view(shape_alone(replace(ring, pos=1.5 * place)))
    assert not torch.allclose(vectors[0], other, atol=1e-3)


def test_a_shape_does_not_depend_on_where_it_is(batch: MoleculeBatch) -> None:
    torch.manual_seed(0)
    view = ConformerContrast(32).view.eval()
    turn, _ = torch.linalg.qr(torch.randn(3, 3))
    moved = replace(batch, pos=batch.pos @ turn.T + 5)
    torch.testing.assert_close(
        view(shape_alone(batch)), view(shape_alone(moved)), rtol=1e-4, atol=1e-4
    )


def test_distances_start_at_chance(batch: MoleculeBatch) -> None:
    torch.manual_seed(0)
    task = AtomDistances(16, 0.0)
    for parameter in task.head[-1].parameters():
        nn.init.zeros_(parameter)
    assert task(EncoderModel(GRAPH), batch).item() == pytest.approx(math.log(BINS), rel=1e-5)


def test_pairs_are_within_molecules_that_have_a_shape(batch: MoleculeBatch) -> None:
    pos = batch.pos.clone()
    pos[batch.batch == 1] = torch.nan
    one, other = pairs(replace(batch, pos=pos))
    assert (batch.batch[one] == batch.batch[other]).all()
    sizes = batch.ptr.diff()[[0, 2, 3, 4, 5]]
    assert len(one) == int((sizes * (sizes - 1) // 2).sum())
    assert classes(torch.tensor([0.0, 0.49, 0.5, 14.6, 99.0])).tolist() == [0, 0, 1, 29, 29]


@pytest.mark.parametrize("name", ["distances", "contrast"])
def test_shapes_can_be_learned(name: str, batch: MoleculeBatch) -> None:
    torch.manual_seed(0)
    model = EncoderModel(GRAPH)
    config = PretrainingConfig(masked_atoms=0, **{name: 1.0})
    objective = Pretraining(config, 16, model.encoder.dim)
    optimizer = torch.optim.Adam([*model.parameters(), *objective.parameters()], lr=1e-2)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss, terms = objective(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert terms.keys() == {name}
    assert np.mean(losses[-5:]) < 0.6 * losses[0]


@pytest.mark.parametrize("config", [GRAPH, SPACE], ids=["graph", "space"])
@pytest.mark.parametrize("name", ["denoising", "distances", "contrast"])
def test_without_a_shape_all_gradients_are_zero(
    name: str, config: ModelConfig, batch: MoleculeBatch
) -> None:
    """None is missing: other processes wait for it."""
    model = EncoderModel(config)
    objective = Pretraining(PretrainingConfig(masked_atoms=0, **{name: 1.0}), 16, model.encoder.dim)
    nowhere = torch.full_like(batch.pos, torch.nan)
    encoder = model.encoder.backbone if objective.of_atoms_only else model.encoder
    for empty in (replace(batch, pos=None), replace(batch, pos=nowhere)):
        model.zero_grad()
        objective.zero_grad()
        loss, _ = objective(model, empty)
        loss.backward()
        assert loss.item() == 0
        for parameter in (*encoder.parameters(), *objective.parameters()):
            assert parameter.grad is not None
            assert not parameter.grad.any()


def test_single_atoms_have_no_distances() -> None:
    packed = featurize(["C", "O"]).packed
    alone = MoleculeData(packed, np.arange(2), positions=np.zeros((2, 3), np.float32))
    loss = AtomDistances(16, 0.1)(EncoderModel(GRAPH), alone.__getitems__(range(2)))
    assert loss.item() == 0


def test_some_molecules_get_a_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first four usable ones, wherever files end."""
    monkeypatch.setattr(library_module, "CHUNK", 3)
    smiles = ["CCO", "C1CC", "c1ccccc1", "CC(=O)N", "CC", "CCCl", "C1CC1", "CN"]
    library = make_library(smiles, tmp_path, 100, False, Wanted(0, 4))
    known = library.__getitems__(range(7)).has_conformer
    assert known.tolist() == [True] * 4 + [False] * 3
    whole = make_library(smiles, tmp_path, 100, False, Wanted(0)).__getitems__(range(7))
    assert whole.has_conformer.all()

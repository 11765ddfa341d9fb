"""Tasks without labels: what is hidden, in closed form, and that it can be learned."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from molecules.features.data import MoleculeData
from molecules.features.encoding import FINGERPRINT
from molecules.features.features import featurize
from molecules.models.model import EncoderModel, ModelConfig
from molecules.pretraining.denoising import CoordinateDenoising
from molecules.pretraining.masking import MaskedAtoms, hide
from molecules.pretraining.objective import (
    DescriptorRegression,
    EnvironmentCounts,
    Pretraining,
    PretrainingConfig,
)
from molecules.pretraining.winsorize import Winsorizer
from sciml.graph import GraphNetworkConfig
from sciml.normalize import Normalizer
from sciml.transformer_config import WindowTransformerConfig

SMILES = ["CCO", "c1ccccc1", "CC(=O)N", "C"]
GRAPH = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=1))


def make_data() -> MoleculeData:
    packed = featurize(SMILES).packed
    positions = np.random.default_rng(0).normal(size=(len(packed.atoms), 3)).astype(np.float32)
    return MoleculeData(packed, np.arange(4), positions=positions)


def test_hidden_atoms_are_alike() -> None:
    batch = make_data().__getitems__(range(4))
    atoms = torch.zeros(len(batch.x), dtype=torch.bool)
    atoms[[0, 2]] = True
    bonds = torch.zeros(batch.edge_index.shape[1], dtype=torch.bool)
    hidden = hide(batch, atoms, bonds)
    assert (hidden.x[0] == hidden.x[2]).all()
    assert (hidden.x[~atoms] == batch.x[~atoms]).all()
    assert (hidden.edge_attr == batch.edge_attr).all()


def test_masked_atoms_can_be_learned() -> None:
    torch.manual_seed(0)
    model = EncoderModel(GRAPH)
    objective = MaskedAtoms(16, 0.3)
    batch = make_data().__getitems__(range(4))
    optimizer = torch.optim.Adam([*model.parameters(), *objective.parameters()], lr=1e-2)
    losses = []
    for _ in range(80):
        optimizer.zero_grad()
        loss = objective(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.3 * losses[0]


def test_denoising_starts_at_one_and_falls() -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        backbone=WindowTransformerConfig(dim=16, depths=(1,), heads=(2,)), geometry="conformer"
    )
    model = EncoderModel(config)
    objective = CoordinateDenoising(16, 0.2)
    batch = make_data().__getitems__(range(4))
    optimizer = torch.optim.Adam([*model.parameters(), *objective.parameters()], lr=1e-2)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = objective(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-20:]) < 0.9 * np.mean(losses[:5])


def test_descriptors_are_told() -> None:
    """Two descriptors, one unknown for one molecule; beyond six deviations counts as six."""
    torch.manual_seed(0)
    values = torch.tensor([[1.0, -1.0], [-1.0, torch.nan], [100.0, 1.0], [0.0, 0.0]])
    limits = torch.full((2,), 1000.0)
    same = Normalizer(torch.zeros(2), torch.ones(2))
    objective = DescriptorRegression(8, Winsorizer(-limits, limits, same))
    with torch.no_grad():
        objective.head[-1].weight.zero_()
        objective.head[-1].bias.zero_()
    batch = replace(make_data().__getitems__(range(4)), descriptors=values)
    value = objective(EncoderModel(GRAPH), torch.randn(4, 8), batch)
    assert value.item() == pytest.approx((1 + 1 + 1 + 36 + 1) / 7)


def test_environments_are_told_as_rates() -> None:
    """A constant rate r costs (N r - n log r) / n, for N kinds in all and n environments."""
    counts = torch.zeros(4, FINGERPRINT)
    counts[0, 3], counts[2, 7] = 2, 1
    batch = replace(make_data().__getitems__(range(4)), fingerprint=counts.log1p())
    objective = EnvironmentCounts(8)
    with torch.no_grad():
        objective.head[-1].weight.zero_()
        objective.head[-1].bias.fill_(math.log(0.01) + 4)
    expected = (4 * FINGERPRINT * 0.01 - 3 * math.log(0.01)) / 3
    told = objective(EncoderModel(GRAPH), torch.randn(4, 8), batch)
    assert told.item() == pytest.approx(expected, rel=1e-5)


def test_molecules_without_conformer_are_left_out() -> None:
    torch.manual_seed(0)
    config = ModelConfig(
        backbone=WindowTransformerConfig(dim=16, depths=(1,), heads=(2,)), geometry="both"
    )
    model = EncoderModel(config)
    objective = Pretraining(PretrainingConfig(denoising=1.0), atoms=16, molecules=32)
    batch = make_data().__getitems__(range(4))
    pos = batch.pos.clone()
    pos[batch.batch == 1] = torch.nan
    loss, terms = objective(model, replace(batch, pos=pos))
    assert loss.isfinite()
    assert terms.keys() == {"masked_atoms", "denoising"}
    loss.backward()
    nothing, _ = objective(model, replace(batch, pos=torch.full_like(pos, torch.nan)))
    assert nothing.isfinite()

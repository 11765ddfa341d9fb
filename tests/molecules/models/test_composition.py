"""Energies: reference values of the elements, and sums over atoms that do not see far ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.models.bias import LONGEST
from molecules.models.composition import AtomicReferences, composition
from molecules.models.model import ModelConfig, PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.tasks import Task, Tasks
from molecules.training.objectives import PropertyLoss, PropertyLossConfig
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig
from sciml.normalize import Normalizer
from sciml.transformer_config import WindowTransformerConfig

EXACT = {"rtol": 0.0, "atol": 1e-10}
ENERGY = Tasks(tasks=(Task(name="energy", unit="kcal/mol"),))
CONFIGS = {
    "graph_network": ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), pooling="extensive"),
    "conformers": ModelConfig(
        backbone=WindowTransformerConfig(dim=16, depths=(2,), heads=(4,)),
        geometry="both",
        pair_dim=8,
        pooling="extensive",
    ),
}
PARTS = ("CC(=O)N", "C[C@H](O)C#N")


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest) -> PropertyModel:
    return made(CONFIGS[request.param])


def made(config: ModelConfig) -> PropertyModel:
    """In float64, with every number random."""
    torch.manual_seed(1)
    normalizer = Normalizer(torch.zeros(1), torch.tensor([7.0]))
    model = PropertyModel(config, ENERGY, normalizer).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        model.head.references.value.normal_()
    return model


def batch_of(smiles: list[str], positions: np.ndarray) -> MoleculeBatch:
    packed = featurize(smiles).packed
    return MoleculeData(packed, np.arange(len(packed)), positions=positions).__getitems__(
        range(len(packed))
    )


def apart(model: PropertyModel, distance: float) -> tuple[Tensor, Tensor]:
    """Energies of two molecules alone, and of both at a distance in Å, as one."""
    first, second = (featurize([part]).packed for part in PARTS)
    places = np.random.default_rng(0).normal(size=(len(first.atoms) + len(second.atoms), 3))
    alone = batch_of([*PARTS], places)
    moved = places.copy()
    moved[len(first.atoms) :] += [distance, 0.0, 0.0]
    together = batch_of([".".join(PARTS)], moved)
    return model.predict(alone), model.predict(together)


def test_far_molecules_add_up(model: PropertyModel) -> None:
    alone, together = apart(model, 100.0)
    torch.testing.assert_close(together, alone.sum(0, keepdim=True), **EXACT)


def test_near_molecules_feel_each_other_and_less_the_farther_apart() -> None:
    model = made(CONFIGS["conformers"])
    felt = []
    for distance in (4.0, 14.0):
        alone, together = apart(model, distance)
        felt.append(float((together - alone.sum()).abs().detach()))
    assert felt[0] > 10 * felt[1] > 0


def test_energy_is_continuous_where_pairs_end() -> None:
    model = made(CONFIGS["conformers"])
    places = [np.array([[0.0, 0, 0], [LONGEST + shift, 0, 0]]) for shift in (-1e-4, 1e-4)]
    inside, outside = (model.predict(batch_of(["C.O"], place)) for place in places)
    torch.testing.assert_close(inside, outside, rtol=0.0, atol=1e-7)


def test_rotation_translation_and_padding() -> None:
    model = made(CONFIGS["conformers"])
    sizes = len(featurize([*PARTS, "C" * 30]).packed.atoms)
    places = np.random.default_rng(0).normal(size=(sizes, 3))
    batch = batch_of([*PARTS, "C" * 30], places)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    moved = replace(batch, pos=batch.pos @ turn - 5.0)
    torch.testing.assert_close(model(moved), model(batch), **EXACT)
    for number in range(len(batch)):
        alone, _ = batch.select(torch.tensor([number]))
        torch.testing.assert_close(model(alone), model(batch)[number : number + 1], **EXACT)


def test_composition_counts_hydrogens_bound_and_alone() -> None:
    counts = composition(batch_of(["CCO", "[H][H]", "[NH4+]"], np.zeros((6, 3))))
    assert counts[:, [1, 6, 7, 8]].tolist() == [[6, 2, 0, 1], [2, 0, 0, 0], [4, 0, 1, 0]]
    assert counts.sum() == 9 + 2 + 5


def test_references_are_those_of_a_sum_over_elements() -> None:
    smiles = ["C", "CC", "CO", "O", "CN", "C=O", "C#N"]
    values = torch.zeros(121, 1, dtype=torch.float64)
    values[[1, 6, 7, 8], 0] = torch.tensor([-60.0, -160.0, -110.0, -100.0]).double()
    batch = batch_of(smiles, np.zeros((12, 3)))
    labels = (composition(batch).double() @ values).numpy()
    labels[2] = np.nan
    references, normalizer = AtomicReferences.fit(batch, labels)
    torch.testing.assert_close(references.value, values.float(), rtol=1e-5, atol=1e-3)
    assert normalizer.mean.tolist() == [0.0]
    water = batch_of(["O"], np.zeros((1, 3)))
    assert references(water).item() == pytest.approx(-220.0, abs=1e-3)


def test_energies_far_from_zero_are_learned_in_bfloat16_too() -> None:
    model = made(CONFIGS["graph_network"]).float()
    with torch.no_grad():
        model.head.references.value.fill_(-150.0)
    batch = batch_of(list(PARTS), np.zeros((11, 3)))
    batch = replace(batch, y=model.predict(batch).detach() + torch.tensor([[3.0], [-2.0]]))
    loss = PropertyLoss(PropertyLossConfig(), ENERGY, batch.y.numpy())
    expected, _ = loss(model, batch)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = loss(model, batch)
    assert found.item() == pytest.approx(expected.item(), rel=0.05)


def test_a_yes_no_property_is_no_sum() -> None:
    tasks = Tasks(tasks=(Task(name="energy"), Task(name="toxic", kind="binary")))
    with pytest.raises(InputError, match="'toxic' is yes/no"):
        PropertyModel(CONFIGS["graph_network"], tasks)


def test_fingerprints_are_no_sum() -> None:
    with pytest.raises(ValueError, match="set fingerprint to false"):
        ModelConfig(pooling="extensive", fingerprint=True)

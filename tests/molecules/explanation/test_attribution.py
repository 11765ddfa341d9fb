"""Laws of attribution: masks one by one, completeness, atom order, symmetry."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem

from molecules.choices import Method
from molecules.explanation import gradients, masking
from molecules.explanation.attribution import attribute
from molecules.explanation.contributions import Explained
from molecules.explanation.environments import Environments
from molecules.explanation.gradients import by_gradient, no_information
from molecules.explanation.masking import without_atom
from molecules.features.features import featurize
from molecules.models.model import ModelConfig, PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.packed import Packed
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.tasks import Task, Tasks
from sciml.graph import GraphNetworkConfig
from sciml.transformer_config import WindowTransformerConfig

TASKS = Tasks(tasks=(Task(name="logS"), Task(name="toxic", kind="binary")))
MODELS = {
    "graph_network": ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16),
    "window_transformer": ModelConfig(
        backbone=WindowTransformerConfig(dim=16, depths=(2,), heads=(2,)), head_hidden=16
    ),
    "fingerprint": ModelConfig(
        backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16, fingerprint=True
    ),
}
SMILES = ["CC(=O)c1ccncc1", "C[C@H](N)C(=O)O", "[Na+].[Cl-]", "F/C=C/Cl", "CCO"]
METHODS: tuple[Method, ...] = ("masking", "integrated", "gradient")


@pytest.fixture(params=MODELS)
def predictor(request: pytest.FixtureRequest) -> PropertyPredictor:
    return made(MODELS[request.param])


def made(model: ModelConfig) -> PropertyPredictor:
    """Two members of random weights in float64."""
    torch.manual_seed(0)
    members = [PropertyModel(model, TASKS).double() for _ in range(2)]
    return PropertyPredictor(PredictorConfig(model=model, tasks=TASKS, members=2), members)


def masked_alone(predictor: PropertyPredictor, smiles: str, atom: int) -> np.ndarray:
    """The prediction of a molecule whose arrays were cut by hand."""
    featurized = featurize([smiles], with_fingerprints=True)
    packed = featurized.packed
    keep = np.arange(len(packed.atoms)) != atom
    edges = (packed.senders != atom) & (packed.receivers != atom)
    number = np.cumsum(keep) - 1
    cut = Packed(
        packed.atoms[keep],
        number[packed.senders[edges]].astype(np.uint16),
        number[packed.receivers[edges]].astype(np.uint16),
        packed.bonds[edges],
        np.array([0, keep.sum()]),
        np.array([0, edges.sum()]),
    )
    counts = np.zeros(2048, int)
    environments = Environments.of(Chem.MolFromSmiles(smiles))
    for bit, members in zip(environments.bits, environments.members, strict=True):
        counts[bit] += not members[atom]
    batch = MoleculeBatch.cut(cut, [0])
    batch = replace(batch, fingerprint=torch.from_numpy(counts[None]).float().log1p())
    with torch.inference_mode():
        return predictor.network_mean(batch).numpy()[0]


def test_masking_is_the_prediction_of_each_masked_molecule(
    predictor: PropertyPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masking, "_ATOMS", 40)  # several chunks
    found = attribute(predictor, SMILES)
    for row, smiles in enumerate(SMILES):
        whole = found.prediction.mean[row]
        for atom, value in enumerate(found.atoms[row]):
            expected = whole - masked_alone(predictor, smiles, atom)
            np.testing.assert_allclose(value, expected, rtol=0, atol=1e-6)  # log1p is float32


def test_integrated_gradients_are_complete(predictor: PropertyPredictor) -> None:
    reads = predictor.config.model.fingerprint
    _, _, data = predictor.read(SMILES)
    environments = [Environments.of(Chem.MolFromSmiles(text)) for text in SMILES]
    fine = by_gradient(predictor, data, environments if reads else None, steps=100)
    total = np.add.reduceat(fine, data.packed.atom_start[:-1])
    expected = predictor.predict(SMILES).mean - no_information(predictor, data)
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-5)
    usual = np.concatenate(attribute(predictor, SMILES, "integrated").atoms)
    np.testing.assert_allclose(usual, fine, rtol=0, atol=0.01 * np.abs(fine).max())


def test_as_many_steps_as_a_molecule_needs(
    predictor: PropertyPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PropertyPredictor, "scales", np.zeros(2))  # random weights tell little
    reads = predictor.config.model.fingerprint
    _, _, data = predictor.read(SMILES)
    environments = [Environments.of(Chem.MolFromSmiles(text)) for text in SMILES]
    whole = predictor.predict(SMILES).mean - no_information(predictor, data)

    def missing() -> np.ndarray:
        atoms = by_gradient(predictor, data, environments if reads else None, steps=2)
        total = np.add.reduceat(atoms, data.packed.atom_start[:-1])
        return np.abs(total - whole) / np.abs(whole)

    assert (missing() <= gradients.OPEN + 1e-9).all()
    monkeypatch.setattr(gradients, "MOST_STEPS", 2)
    assert missing().max() > gradients.OPEN


def test_a_table_tells_where_integrated_gradients_begin(predictor: PropertyPredictor) -> None:
    found = attribute(predictor, [*SMILES, "bad("], "integrated")
    lines = Explained(1, [""] * len(found.atoms), found).tidy()
    rows = lines[lines["task"] == "logS"].groupby("row")
    told = (rows["contribution"].sum() + rows["no_information"].first()).to_numpy()
    np.testing.assert_allclose(told[:-1], predictor.predict(SMILES).mean[:, 0], atol=1e-3)
    assert np.isnan(rows["no_information"].first().iloc[-1])
    assert "no_information" not in Explained(1, [""], attribute(predictor, ["CO"])).tidy()


@pytest.mark.parametrize("method", METHODS)
def test_atoms_follow_the_order_of_the_smiles(predictor: PropertyPredictor, method: Method) -> None:
    mol = Chem.MolFromSmiles(SMILES[0])
    plain = attribute(predictor, [SMILES[0]], method).atoms[0]
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(mol.GetNumAtoms()).tolist()
        renumbered = Chem.RenumberAtoms(mol, order)
        smiles = Chem.MolToSmiles(renumbered, canonical=False)
        written = [
            order[i] for i in renumbered.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]
        ]
        found = attribute(predictor, ["C", smiles], method).atoms[1]
        np.testing.assert_allclose(found, plain[written], rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("smiles", ["Cc1ccc(C)cc1", "CC(C)(C)C", "O=C(O)CC(=O)O", "c1ccccc1"])
def test_symmetric_atoms_are_alike(
    predictor: PropertyPredictor, method: Method, smiles: str
) -> None:
    mol = Chem.MolFromSmiles(smiles)
    classes = np.array(Chem.CanonicalRankAtoms(mol, breakTies=False))
    found = attribute(predictor, [smiles], method).atoms[0]
    for kind in np.unique(classes):
        same = found[classes == kind]
        np.testing.assert_allclose(same, np.broadcast_to(same[0], same.shape), rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_every_row_comes_back(predictor: PropertyPredictor, method: Method) -> None:
    found = attribute(predictor, ["CCO", "bad(", None, "C", "CO"], method)
    assert [len(part) for part in found.atoms] == [3, 0, 0, 1, 2]
    assert np.isfinite(found.atoms[0]).all()
    assert np.isnan(found.atoms[3]).all() == (method == "masking")
    assert attribute(predictor, [None], method).atoms[0].shape == (0, 2)


def test_environments_count_what_the_fingerprint_counts() -> None:
    smiles = [*SMILES, "CCCCCCCC", "[Fe]", "C12C3C4C1C5C2C3C45"]
    counts = featurize(smiles, with_fingerprints=True).fingerprints
    assert counts is not None
    for text, expected in zip(smiles, counts, strict=True):
        environments = Environments.of(Chem.MolFromSmiles(text))
        np.testing.assert_array_equal(environments.counts(), expected)
        values = np.random.default_rng(0).normal(size=(2048, 2)) * (expected > 0)[:, None]
        np.testing.assert_allclose(
            environments.share_out(values).sum(axis=0), values.sum(axis=0), atol=1e-12
        )


def test_an_atom_taken_away_leaves_the_rest_as_it_was() -> None:
    batch = MoleculeBatch.cut(featurize(["CCO", "CCN"]).packed, [0, 1])
    masked = without_atom(batch, torch.tensor([1, 5]))
    assert masked.ptr.tolist() == [0, 2, 4]
    assert torch.equal(masked.x, batch.x[[0, 2, 3, 4]])
    assert masked.edge_index.tolist() == [[3, 2], [2, 3]]

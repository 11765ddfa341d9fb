"""One prediction for every row, the same however the rows come."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from rdkit import Chem

from molecules.evaluation.similarity import fingerprints, similarity_to_train
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction import embedder as module
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.tasks import Task, Tasks
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig
from sciml.model_file import save_model
from sciml.normalize import Normalizer
from sciml.transformer_config import WindowTransformerConfig

TASKS = Tasks(tasks=(Task(name="logS", unit="log mol/L"), Task(name="toxic", kind="binary")))
GRAPH = GraphNetworkConfig(dim=32, steps=3)
MODELS = {
    "graph_network": ModelConfig(backbone=GRAPH, head_hidden=32),
    "window_transformer": ModelConfig(
        backbone=WindowTransformerConfig(dim=32, depths=(3,), heads=(4,)), head_hidden=32
    ),
    "fingerprint": ModelConfig(backbone=GRAPH, head_hidden=32, fingerprint=True),
}
SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)O",
    "F/C=C/F",
    "[Na+].[Cl-]",
    "C",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[C@]12CC[C@H]3[C@H]([C@@H]1CC[C@@H]2O)CCC4=CC(=O)CC[C@]34C",
    "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O",
]
TOLERANCE = 1e-6  # float32 sums in another order


@pytest.fixture(params=MODELS)
def predictor(request: pytest.FixtureRequest) -> PropertyPredictor:
    return make_predictor(MODELS[request.param])


def make_predictor(model: ModelConfig) -> PropertyPredictor:
    torch.manual_seed(0)
    config = PredictorConfig(model=model, tasks=TASKS, members=2, max_atoms=100)
    normalizer = Normalizer(torch.tensor([-3.0, 0.0]), torch.tensor([2.0, 1.0]))
    members = [PropertyModel(model, TASKS, normalizer) for _ in range(2)]
    calibrations = [Calibration(width=1.0), Calibration()]
    return PropertyPredictor(config, members, calibrations)


def test_every_row_comes_back(predictor: PropertyPredictor) -> None:
    rows = ["C", "no molecule", None, *SMILES, "C" * 101, ""]
    result = predictor.predict(rows)
    assert len(result) == len(rows) == len(result.mean) == len(result.reason)
    assert result.status[:3] == ["ok", "invalid_smiles", "empty"]
    assert result.status[-2:] == ["too_large", "empty"]
    ok = np.array([status == "ok" for status in result.status])
    for values in (result.mean, result.lower, result.upper):
        np.testing.assert_array_equal(np.isfinite(values).all(axis=1), ok)
        np.testing.assert_array_equal(np.isnan(values).any(axis=1), ~ok)
    assert (result.lower[ok] <= result.mean[ok]).all()
    assert (result.mean[ok] <= result.upper[ok]).all()
    assert ((result.mean[ok, 1] > 0) & (result.mean[ok, 1] < 1)).all()


def test_nothing_to_predict(predictor: PropertyPredictor) -> None:
    assert predictor.predict([]).mean.shape == (0, 2)
    assert predictor.predict(["?"]).status == ["invalid_smiles"]


def test_order_batches_and_chunks(
    predictor: PropertyPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*SMILES, "bad", *reversed(SMILES), "C" * 90]
    plain = predictor.predict(rows).mean
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = predictor.predict([rows[i] for i in order], batch_size=3).mean
    np.testing.assert_allclose(mixed, plain[order], atol=TOLERANCE)
    monkeypatch.setattr(module, "CHUNK", 4)
    np.testing.assert_allclose(predictor.predict(rows).mean, plain, atol=TOLERANCE)
    alone = np.concatenate([predictor.predict([row]).mean for row in rows])
    np.testing.assert_allclose(alone, plain, atol=TOLERANCE)


def test_spelling(predictor: PropertyPredictor) -> None:
    for smiles in SMILES:
        mol = Chem.MolFromSmiles(smiles)
        spellings = [Chem.MolToSmiles(mol, doRandom=True, canonical=False) for _ in range(10)]
        mean = predictor.predict([smiles, *spellings]).mean
        np.testing.assert_allclose(mean, np.broadcast_to(mean[0], mean.shape), atol=TOLERANCE)


def test_embeddings(predictor: PropertyPredictor) -> None:
    vectors = predictor.embed(["C", "bad", "CC"]).vectors
    assert vectors.shape == (3, sum(member.encoder.dim for member in predictor.members))
    assert np.isnan(vectors).all(axis=1).tolist() == [False, True, False]


def test_bfloat16_is_near_and_finer_than_its_own_digits(predictor: PropertyPredictor) -> None:
    """Encoders lose digits; what is read out of their vectors does not."""
    exact = predictor.predict(SMILES).mean
    predictor.precision = "bfloat16"
    near = predictor.predict(SMILES).mean
    assert 0 < np.abs(near - exact).max() < 0.05 * exact.std(axis=0).max()
    rounded = torch.from_numpy(near).bfloat16().double().numpy()
    assert (rounded != near).mean() > 0.9


def test_spread_is_that_of_the_members(predictor: PropertyPredictor) -> None:
    alone = [
        PropertyPredictor(predictor.config.model_copy(update={"members": 1}), [member])
        for member in predictor.members
    ]
    parts = np.stack([one.predict(SMILES).mean for one in alone])
    told = predictor.predict(SMILES)
    assert told.spread is not None
    np.testing.assert_allclose(told.spread, parts.std(axis=0, ddof=1), atol=1e-12)
    assert alone[0].predict(SMILES).spread is None


def test_no_network_leaves_the_limits_of_the_labels(
    predictor: PropertyPredictor, tmp_path: Path
) -> None:
    free = predictor.predict(SMILES)
    low, high = free.mean[:, 0].min() + 0.01, free.mean[:, 0].max() - 0.01
    predictor.metadata["label_limits"] = {"logS": [low, high]}
    predictor.save(tmp_path / "model.safetensors")
    told = PropertyPredictor.load(tmp_path / "model.safetensors").predict(SMILES)
    assert told.mean[:, 0].min() >= low
    assert told.mean[:, 0].max() <= high
    assert told.spread is not None
    assert told.spread[:, 0].max() <= (high - low) / np.sqrt(2) + 1e-9
    np.testing.assert_array_equal(told.mean[:, 1], free.mean[:, 1])


def test_nearness_to_the_training_set(predictor: PropertyPredictor) -> None:
    train = SMILES[:6]
    domain = Domain.fit(fingerprints(train), predictor.embed(train).vectors)
    knowing = PropertyPredictor(predictor.config, predictor.members, (), domain.to_metadata())
    told = knowing.predict([*SMILES, "bad"])
    assert told.similarity is not None
    assert told.distance is not None
    expected = similarity_to_train(train, [*SMILES, "bad"])
    np.testing.assert_allclose(told.similarity, expected, rtol=0, atol=0)
    assert (told.similarity[:6] == 1).all()
    assert np.isnan(told.distance[-1])
    without = knowing.predict(SMILES, domain=False)
    assert without.similarity is None
    np.testing.assert_array_equal(without.mean, told.mean[:-1])


def test_frame_and_grid(predictor: PropertyPredictor) -> None:
    series = pd.Series(["CCO", "<b>", None], index=[7, 8, 9])
    told = predictor.predict(series)
    frame = told.frame()
    assert list(frame["status"]) == ["ok", "invalid_smiles", "empty"]
    assert frame["logS_pred"].notna().tolist() == [True, False, False]
    beside = predictor.predict_frame(pd.DataFrame({"SMILES": series, "status": 1}))
    assert list(beside.index) == [7, 8, 9]
    assert list(beside.columns[:3]) == ["SMILES", "status", "logS_pred"]
    assert list(beside["status_2"]) == list(frame["status"])
    with pytest.raises(InputError, match="no column 'smile'"):
        predictor.predict_frame(beside, smiles="smile")
    page = told._repr_html_()
    assert page.count("<svg") == 1
    assert "<b><b>" not in page
    assert "&lt;b&gt;" in page
    assert "6 more rows" in predictor.predict(["C"] * 30)._repr_html_()


def test_conformers_are_made_on_the_way() -> None:
    backbone = WindowTransformerConfig(dim=32, depths=(2,), heads=(4,))
    seeing = make_predictor(ModelConfig(backbone=backbone, geometry="conformer"))
    mol = Chem.MolFromSmiles("CC(C)C(=O)NCCO")
    spellings = [Chem.MolToSmiles(mol, doRandom=True, canonical=False) for _ in range(4)]
    mean = seeing.predict(spellings).mean
    np.testing.assert_allclose(mean, np.broadcast_to(mean[0], mean.shape), atol=1e-5)
    assert seeing.predict(["[U]", "C1CC1"]).status == ["ok", "ok"]


def test_wrong_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        PropertyPredictor.load(tmp_path / "none.safetensors")
    path = tmp_path / "other.safetensors"
    save_model(path, torch.nn.Linear(1, 1), "weather.forecaster", TASKS, {})
    with pytest.raises(InputError, match=r"expected a .*: give a file that `molecules train`"):
        PropertyPredictor.load(path)

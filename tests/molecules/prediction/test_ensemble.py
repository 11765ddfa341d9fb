"""Several model files as one: what is exact, what is conservative, and what is refused."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from molecules.evaluation.similarity import fingerprints, similarity_to_train
from molecules.explanation.attribution import attribute
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.ensemble import Ensemble, together
from molecules.prediction.error_scale import ErrorScale
from molecules.prediction.model_source import ModelSource, models_and_table, split_files
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import Task, Tasks
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig

TASKS = Tasks(tasks=(Task(name="logS", unit="log mol/L"), Task(name="toxic", kind="binary")))
MODEL = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "CCO", "no molecule", None, "CCN", "C1CC1"]
LEARNED = [["CCO", "CCC", "c1ccccc1"], ["CCN", "CCO", "CCCCl"]]


def make_predictor(seed: int, tasks: Tasks = TASKS, max_atoms: int = 100) -> PropertyPredictor:
    torch.manual_seed(seed)
    config = PredictorConfig(model=MODEL, tasks=tasks, members=2, max_atoms=max_atoms)
    truth, scores = np.arange(40) % 2.0, np.linspace(0.2, 0.8, 40) + 0.01 * seed
    calibrations = [
        Calibration(width=1.0 + seed, scale=ErrorScale(constant=0.1, slopes=(1.0, 0.0))),
        Calibration.fit("binary", scores, truth),
    ]
    made = PropertyPredictor(config, [PropertyModel(MODEL, tasks) for _ in range(2)], calibrations)
    learned = LEARNED[seed]
    made.metadata = {
        "label_range": {"logS": [-1.0 - seed, 1.0], "toxic": [0.0, 1.0]},
        "table": f"{seed}.csv",
        **Domain.fit(fingerprints(learned), made.embed(learned).vectors).to_metadata(),
        **TrainingSet(learned, np.full((3, 2), [float(seed), 1.0])).to_metadata(),
    }
    return made


@pytest.fixture
def both() -> list[PropertyPredictor]:
    return [make_predictor(0), make_predictor(1)]


def test_a_file_twice_is_the_file(both: list[PropertyPredictor]) -> None:
    one, twice = both[0], Ensemble([both[0], both[0]])
    alone, told = one.predict(SMILES), twice.predict(SMILES)
    for field in fields(Prediction):
        np.testing.assert_array_equal(getattr(told, field.name), getattr(alone, field.name))
    np.testing.assert_array_equal(twice.scales, one.scales)
    assert twice.metadata["label_range"] == one.metadata["label_range"]
    np.testing.assert_array_equal(np.unique(one.known, axis=0), twice.known)
    assert one.training_set is not None
    assert twice.training_set is not None
    assert list(twice.training_set.smiles) == list(one.training_set.smiles)
    atoms = zip(attribute(twice, SMILES).atoms, attribute(one, SMILES).atoms, strict=True)
    for found, expected in atoms:
        np.testing.assert_array_equal(found, expected)


def test_what_can_be_read_once_is_read_for_all(both: list[PropertyPredictor]) -> None:
    expected = Ensemble(both).predict(SMILES)
    told = Ensemble(one for one in both).predict(text for text in SMILES)
    for field in fields(Prediction):
        np.testing.assert_array_equal(getattr(told, field.name), getattr(expected, field.name))
    vectors = both[0].embed(text for text in SMILES).vectors
    np.testing.assert_array_equal(vectors, both[0].embed(SMILES).vectors)


def test_two_files_are_a_mixture(both: list[PropertyPredictor]) -> None:
    a, b = (predictor.predict(SMILES) for predictor in both)
    told = Ensemble(both).predict(SMILES)
    np.testing.assert_allclose(told.mean, (a.mean + b.mean) / 2, atol=1e-15)
    assert a.spread is not None
    assert b.spread is not None
    variance = (a.spread**2 + b.spread**2) / 2 + (a.mean - b.mean) ** 2 / 4
    np.testing.assert_allclose(told.spread, np.sqrt(variance), atol=1e-15)
    ok = np.isfinite(told.mean).all(axis=1)
    for part in (a, b):
        assert (told.lower[ok] <= part.lower[ok]).all()
        assert (part.upper[ok] <= told.upper[ok]).all()
        for wide, narrow in zip(told.sets[ok, 1], part.sets[ok, 1], strict=True):
            assert set(narrow) <= set(wide)
    texts = [text or "" for text in SMILES]
    union = similarity_to_train([*LEARNED[0], *LEARNED[1]], texts)
    np.testing.assert_array_equal(told.similarity, union)
    assert told.distance is not None
    np.testing.assert_array_equal(told.distance, np.minimum(a.distance, b.distance))
    masked = attribute(Ensemble(both), SMILES).atoms[0]
    parts = [attribute(predictor, SMILES).atoms[0] for predictor in both]
    np.testing.assert_allclose(masked, np.mean(parts, axis=0), atol=1e-15)


def test_logarithms_are_averaged_where_they_are_learned() -> None:
    """Concentrations of 1 and 100 have the mean 10: two factors of ten away from each."""
    tasks = Tasks(tasks=(Task(name="IC50", unit="nM", scale="log"), Task(name="y")))
    blank = np.full((1, 2), "")
    parts = [
        Prediction(tasks, ["C"], m, m / 2, m * 2, blank, ["ok"], [""], spread=m * 0)
        for m in (np.array([[1.0, 1.0]]), np.array([[100.0, 3.0]]))
    ]
    told = together(parts)
    np.testing.assert_allclose(told.mean, [[10, 2]])
    np.testing.assert_allclose(told.spread, [[10 * np.log(10), 1]])
    assert told.lower.tolist() == [[0.5, 0.5]]


def test_a_row_needs_all_files() -> None:
    told = Ensemble([make_predictor(0), make_predictor(1, max_atoms=5)]).predict(["CCO", "CCCCCC"])
    assert told.status == ["ok", "too_large"]
    assert np.isnan(told.mean[1]).all()
    assert told.sets.tolist()[1] == ["", ""]
    assert "5" in told.reason[1]


def test_the_interval_covers_at_least_as_often_as_each() -> None:
    """Two models with errors of their own, each interval exact at 90 %."""
    draws = np.random.default_rng(0)
    truth, errors = draws.normal(size=4000), draws.normal(size=(2, 4000, 1))
    tasks, status = Tasks(tasks=(Task(name="y"),)), ["ok"] * 4000
    blank = np.full((4000, 1), "")
    parts = [
        Prediction(
            tasks, [None] * 4000, m, m - 1.6449, m + 1.6449, blank, list(status), [""] * 4000
        )
        for m in truth[:, None] + errors
    ]
    told = together(parts)

    def covered(part: Prediction) -> float:
        return float(((part.lower[:, 0] <= truth) & (truth <= part.upper[:, 0])).mean())

    assert covered(told) >= max(map(covered, parts)) >= 0.88
    assert told.similarity is None
    unknown = together([parts[0], replace(parts[1], similarity=np.ones(4000))])
    assert unknown.similarity is None


def test_the_union_knows_all_that_each_has_learned(both: list[PropertyPredictor]) -> None:
    whole = Ensemble(both)
    assert whole.metadata == {
        "table": "0.csv, 1.csv",
        "label_range": {"logS": [-2.0, 1.0], "toxic": [0.0, 1.0]},
    }
    assert whole.training_set is not None
    assert len(whole.training_set) == 6  # CCO was measured twice, with two results
    assert whole.known is not None
    assert len(whole.known) == 5


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Tasks(tasks=TASKS.tasks[::-1]), "b predicts toxic, logS; a predicts logS, toxic"),
        (
            Tasks(tasks=(Task(name="logS", unit="mg/L"), TASKS.tasks[1])),
            r"b predicts logS \(mg/L\); a predicts logS \(log mol/L\)",
        ),
    ],
)
def test_other_properties_are_refused(other: Tasks, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Ensemble([make_predictor(0), make_predictor(1, other)], ["a", "b"])


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(InputError, match="an ensemble of no predictors"):
        Ensemble([])


def test_files_of_a_command_line(tmp_path: Path) -> None:
    models = [Path("a.safetensors"), Path("b.safetensors")]
    assert split_files(models[0], ["b.safetensors", "x.csv"]) == (models, ["x.csv"])
    assert split_files(Path("a"), ["x.csv", "b.safetensors"])[0] == [Path("a")]
    assert models_and_table("predict", models[0], ["demo"]) == (models[:1], "demo")
    for files in (None, ["b.safetensors"]):
        with pytest.raises(InputError, match=r"predict needs a table .* give a file, or demo"):
            models_and_table("predict", models[0], files)
    with pytest.raises(InputError, match=r"one table behind the models; x\.csv, y\.csv"):
        models_and_table("predict", models[0], ["x.csv", "y.csv"])
    path = tmp_path / "model.safetensors"
    make_predictor(0).save(path)
    source = ModelSource.of([path, path])
    assert isinstance(source.load(), Ensemble)
    assert source.digest != ModelSource.of(path).digest
    with pytest.raises(InputError, match="embed takes one model; 2 files"):
        source.load_one("embed")

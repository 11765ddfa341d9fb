"""The baselines are those of the field, and the comparison is honest."""

from pathlib import Path

import numpy as np
import pytest

from molecules.evaluation import baselines
from molecules.evaluation.baselines import (
    baseline_predictions,
    compare,
    molecular_features,
    verdict,
)
from molecules.evaluation.splits import split
from molecules.files.table import demo_activity, read_table
from molecules.tasks import Task, Tasks


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_features_are_finite_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smiles = ["CCO", "OCC", "[He]", "[Na+].[Cl-]", "bad(", "", "C[Hg]C"]
    features = molecular_features(smiles)
    assert np.isnan(features[[4, 5]]).all()
    assert np.isfinite(features[[0, 1, 2, 3, 6]]).all()
    np.testing.assert_array_equal(features[0], features[1])
    assert features[0, :2048].sum() == 6  # environments of three atoms, radius 0 and 1
    monkeypatch.setattr(baselines, "_computed", None)
    np.testing.assert_array_equal(molecular_features(smiles), features)


def test_forest_learns_what_the_mean_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "TREES", 50)
    smiles = ["C" * n + "O" * m for n in range(1, 25) for m in (0, 1)]
    length = np.array([float(len(text)) for text in smiles])
    labels = np.column_stack([length, [float("O" in text) for text in smiles]])
    labels[::7, 0] = np.nan
    tasks = Tasks(tasks=(Task(name="length"), Task(name="alcohol", kind="binary")))
    folds = split("random", smiles, (0.7, 0.1, 0.2), seed=0)
    predicted = baseline_predictions(smiles, labels, folds, tasks)
    truth = labels[folds["test"]]
    rows = {
        (row.model, row.task, row.score.metric): row.score.value
        for row in compare(predicted, truth, tasks)
    }
    mean = rows["mean", "length", "RMSE"]
    assert rows["random forest", "length", "RMSE"] < mean / 3
    assert rows["random forest", "alcohol", "ROC-AUC"] == 1
    sentences = verdict(predicted["mean"], predicted["random forest"], truth, tasks)
    assert "length: our model does NOT beat the random forest" in sentences[0]
    exact = verdict(truth, predicted["random forest"], truth, tasks)
    assert "length: our model beats" in exact[0]
    assert "cannot be told from" in exact[1]


def test_no_labels_give_no_prediction_and_no_verdict() -> None:
    tasks = Tasks(tasks=(Task(name="y"),))
    folds = {"train": np.arange(2), "valid": np.array([], int), "test": np.array([2])}
    labels = np.array([[np.nan], [np.nan], [1.0]])
    predicted = baseline_predictions(["C", "CC", "CCC"], labels, folds, tasks)
    assert all(np.isnan(values).all() for values in predicted.values())
    sentence = verdict(predicted["mean"], predicted["mean"], labels[2:], tasks)[0]
    assert "no comparison" in sentence


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target", "kind", "metric", "expected", "tolerance"),
    [
        ("delaney-processed.csv", "measured log solubility in mols per litre", "random",
         "RMSE", 0.609, 0.08),
        ("delaney-processed.csv", "measured log solubility in mols per litre",
         "scaffold_balanced", "RMSE", 0.880, 0.15),
        ("BBBP.csv", "p_np", "random", "ROC-AUC", 0.939, 0.03),
        ("BBBP.csv", "p_np", "scaffold_balanced", "ROC-AUC", 0.893, 0.06),
    ],
)  # fmt: skip
def test_near_the_published_yardsticks(
    shared_data: Path, name: str, target: str, kind: str, metric: str, expected: float,
    tolerance: float, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    table = read_table(shared_data / "molecules" / "moleculenet" / name)
    labels = table.labels([target]).values
    tasks = Tasks.infer([target], labels)
    values = []
    for seed in range(3):
        folds = split(kind, table.smiles, (0.8, 0.1, 0.1), seed)  # type: ignore[arg-type]
        predicted = baseline_predictions(table.smiles, labels, folds, tasks, seed)
        rows = compare(predicted, labels[folds["test"]], tasks)
        values.append(rows[0].score.value)
        assert (rows[0].model, rows[0].score.metric) == ("random forest", metric)
    assert np.mean(values) == pytest.approx(expected, abs=tolerance)


@pytest.mark.slow
def test_forest_on_the_embedded_table() -> None:
    table = demo_activity()
    labels = table.labels(["Act"]).values
    tasks = Tasks.infer(["Act"], labels)
    folds = split("random", table.smiles, (0.8, 0.1, 0.1))
    predicted = baseline_predictions(table.smiles, labels, folds, tasks)
    truth = labels[folds["test"]]
    rmse = {row.model: row.score.value for row in compare(predicted, truth, tasks)[::4]}
    assert rmse["random forest"] < 0.8 * rmse["mean"]

"""The forest of the benchmark is that of `molecules train`; overlap is by connectivity."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from molecules_job import Job, read_job, write_job
from molecules_overlap import connectivity, known
from molecules_peers import FOREST, forest

from molecules.evaluation import baselines
from molecules.tasks import Task, Tasks


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_forest_predicts_what_the_baseline_does(
    kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    features = random.standard_normal((30, 9)).astype(np.float32)
    labels = features[:, :2].astype(float)
    labels = (labels > 0).astype(float) if kind == "binary" else labels
    labels[3:9, 1] = np.nan
    smiles = tuple("C" * n for n in range(1, 31))
    folds = {"train": np.arange(20), "valid": np.arange(20, 25), "test": np.arange(25, 30)}
    tasks = Tasks(tasks=(Task(name="a", kind=kind), Task(name="b", kind=kind)))
    monkeypatch.setattr(baselines, "molecular_features", lambda smiles: features)
    monkeypatch.setattr(baselines, "TREES", 20)
    expected = baselines.baseline_predictions(smiles, labels, folds, tasks, seed=5)["random forest"]
    np.save(tmp_path / "features.npy", features)
    settings = FOREST | {"trees": 20}
    job = Job("forest", settings, ["a", "b"], [kind] * 2, 5, 1, str(tmp_path / "features.npy"))
    write_job(tmp_path, job, smiles, labels, folds, withhold=True)
    np.testing.assert_array_equal(forest(*read_job(tmp_path), tmp_path).predicted, expected)


def test_forest_has_the_trees_of_the_baseline() -> None:
    assert FOREST["trees"] == baselines.TREES


def test_stereo_and_spelling_make_no_other_molecule(tmp_path: Path) -> None:
    file = tmp_path / "pretraining.parquet"
    pd.DataFrame({"smiles": ["OC[C@H](N)C", "c1ccccc1", "[Na+].[Cl-]"]}).to_parquet(file)
    for _ in range(2):  # made, then read
        keys = known([file], tmp_path / "keys")
        asked = connectivity(["C[C@@H](N)CO", "C1=CC=CC=C1", "CCO"])
        assert np.isin(asked, keys).tolist() == [True, True, False]

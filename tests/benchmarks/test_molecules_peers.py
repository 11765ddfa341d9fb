"""The forest of the benchmark is that of `molecules train`; overlap is by connectivity."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from molecules_features import molecular_features
from molecules_job import Job, read_job, write_job
from molecules_overlap import connectivity, known
from molecules_peers import FOREST, forest

from molecules.experts.forest import TREES, Forest
from molecules.experts.inputs import Inputs
from molecules.tasks import Task, Tasks


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_forest_predicts_what_the_baseline_does(kind, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    counts = random.integers(0, 4, (30, 6)).astype(np.uint8)
    described = random.standard_normal((30, 9)).astype(np.float32)
    labels = described[:, :2].astype(float)
    labels = (labels > 0).astype(float) if kind == "binary" else labels
    labels[3:9, 1] = np.nan
    folds = {"train": np.arange(20), "valid": np.arange(20, 25), "test": np.arange(25, 30)}
    tasks = Tasks(tasks=(Task(name="a", kind=kind), Task(name="b", kind=kind)))
    inputs, known = Inputs(counts, described), np.arange(25)
    given = inputs.rows(known), labels[known], np.ones(25), tasks
    expected = Forest.fit(*given, seed=5, trees=20).predict(inputs.rows(folds["test"]))
    np.save(tmp_path / "features.npy", np.concatenate([counts, described], axis=1, dtype="f4"))
    settings = FOREST | {"trees": 20}
    job = Job("forest", settings, ["a", "b"], [kind] * 2, 5, 1, str(tmp_path / "features.npy"))
    smiles = tuple("C" * n for n in range(1, 31))
    write_job(tmp_path, job, smiles, labels, folds, withhold=True)
    told = forest(*read_job(tmp_path), tmp_path).predicted
    np.testing.assert_allclose(told, expected, rtol=0, atol=1e-6)  # answers of leaves are float32


def test_forest_has_the_trees_of_the_baseline() -> None:
    assert FOREST["trees"] == TREES


def test_features_are_finite() -> None:
    smiles = ["CCO", "OCC", "[He]", "[Na+].[Cl-]", "bad(", "", "C[Hg]C"]
    features = molecular_features(smiles)
    assert np.isnan(features[[4, 5]]).all()
    assert np.isfinite(features[[0, 1, 2, 3, 6]]).all()
    np.testing.assert_array_equal(features[0], features[1])
    assert features[0, :2048].sum() == 6  # environments of three atoms, radius 0 and 1


def test_stereo_and_spelling_make_no_other_molecule(tmp_path: Path) -> None:
    file = tmp_path / "pretraining.parquet"
    pd.DataFrame({"smiles": ["OC[C@H](N)C", "c1ccccc1", "[Na+].[Cl-]"]}).to_parquet(file)
    for _ in range(2):  # made, then read
        keys = known([file], tmp_path / "keys")
        asked = connectivity(["C[C@@H](N)CO", "C1=CC=CC=C1", "CCO"])
        assert np.isin(asked, keys).tolist() == [True, True, False]

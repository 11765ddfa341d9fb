"""Experts and bounds: what says nothing new changes nothing, what is broken pulls."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest

from molecules.evaluation.baselines import FOREST
from molecules.experts.expert import Expert, ExpertName, fit_expert
from molecules.experts.inputs import Inputs
from molecules.files.table import Table
from molecules.training.bounded import fit_with_bounds
from molecules.training.experiment import ExperimentConfig
from molecules.training.inputs import TableInputs
from molecules.training.networks import statistics_of
from molecules.training.preparation import DataConfig, Prepared, prepare
from molecules.training.same_table import LearnedFrom
from molecules.training.testing import compare_with_baselines

RINGS = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCOC1", "c1ccsc1", "C1CCNCC1")
SMILES = [f"{'C' * n}{ring}" for n in range(1, 9) for ring in RINGS]
SIZES = [str(len(text)) for text in SMILES]
BOUNDED = np.arange(len(SMILES)) % 5 == 0


@pytest.fixture(params=get_args(ExpertName))
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ExpertName:
    monkeypatch.setattr("molecules.experts.forest.TREES", 10)
    return request.param


def prepared(bounds: str) -> Prepared:
    """Lengths of SMILES, of a fifth of them only bounds."""
    shown = np.where(BOUNDED, bounds, SIZES)
    table = Table(pd.DataFrame({"smiles": SMILES, "size": shown}), "smiles", "made")
    return prepare(table, ["size"], DataConfig(split="random"), with_fingerprints=True)


def fitted(name: ExpertName, ready: Prepared) -> tuple[Expert, Inputs]:
    rows = ready.featurized.rows
    inputs = TableInputs.of(ready, rows)[rows]

    def fit(inputs: Inputs, labels: np.ndarray) -> Expert:
        return fit_expert(name, inputs, labels, np.ones(len(rows)), ready.tasks, seed=0)

    return fit_with_bounds(fit, inputs, ready, rows), inputs


def test_a_bound_that_is_kept_changes_nothing(name: ExpertName) -> None:
    measured = prepared("5")
    exact = np.where(BOUNDED[:, None], np.nan, measured.labels)
    inputs = TableInputs.of(measured, measured.featurized.rows)[measured.featurized.rows]
    without = fit_expert(name, inputs, exact, np.ones(len(exact)), measured.tasks, seed=0)
    for far in ("<1000", ">-1000"):
        expert, inputs = fitted(name, prepared(far))
        np.testing.assert_allclose(expert.predict(inputs), without.predict(inputs), rtol=1e-9)


def test_a_bound_that_is_broken_pulls(name: ExpertName) -> None:
    kept, inputs = fitted(name, prepared("<1000"))
    broken, _ = fitted(name, prepared(">40"))
    moved = (broken.predict(inputs) - kept.predict(inputs))[BOUNDED]
    assert moved.mean() > 1


def test_the_forest_and_the_mean_beside_it_take_no_bound_for_a_value() -> None:
    ready = prepared("<1000")
    lengths = np.array([len(text) for text in SMILES])
    known = np.setdiff1d(ready.known, np.flatnonzero(BOUNDED))
    truth = ready.exact[ready.folds["test"]]
    found, _ = compare_with_baselines(truth, ready, forest=None, seed=0)
    told = {each.model: each.score.value for each in found if each.score.metric == "RMSE"}
    error = np.sqrt(np.nanmean((truth - lengths[known].mean()) ** 2))
    assert told["mean"] == pytest.approx(error)
    assert told[FOREST] < error


def test_another_bound_is_another_table() -> None:
    tables = [LearnedFrom.of_table(prepared(cell)) for cell in ("5", "<5", ">5", "<5")]
    assert len({each.sha256 for each in tables}) == 3
    assert tables[1] == tables[3]


def test_a_property_of_bounds_alone_has_a_scale_that_fits_them() -> None:
    """Or its errors, ten thousand deviations large, would rule what the others share."""
    few = np.where(np.arange(len(SMILES)) == 3, "500", ">10000")
    few[5] = "800"
    table = Table(pd.DataFrame({"smiles": SMILES, "size": SIZES, "few": few}), "smiles", "made")
    ready = prepare(table, ["size", "few"], DataConfig(split="random"), with_fingerprints=True)
    normalizer, _ = statistics_of(ready, ExperimentConfig(), ready.folds["train"])
    far = (ready.labels[ready.folds["train"]] - normalizer.mean.numpy()) / normalizer.std.numpy()
    assert np.nanmax(np.abs(far)) < 8


def test_rows_of_no_weight_set_no_scale() -> None:
    wrong = np.arange(len(SMILES)) % 4 == 0
    shown = np.where(wrong, "1000000", SIZES)
    frame = pd.DataFrame({"smiles": SMILES, "size": shown, "trust": np.where(wrong, "0", "1")})
    config = DataConfig(split="random", weights="trust")
    ready = prepare(Table(frame, "smiles", "made"), ["size"], config, with_fingerprints=True)
    normalizer, _ = statistics_of(ready, ExperimentConfig(), ready.folds["train"])
    assert normalizer.mean.item() < 50
    assert normalizer.std.item() < 10
    found, _ = compare_with_baselines(ready.exact[ready.folds["test"]], ready, None, seed=0)
    known = ready.known[~wrong[ready.known]]
    truth, mean = ready.exact[ready.folds["test"], 0], ready.exact[known, 0].mean()
    told = {each.model: each.score.value for each in found if each.score.metric == "RMSE"}
    assert told["mean"] == pytest.approx(np.sqrt(np.mean((truth - mean) ** 2)))

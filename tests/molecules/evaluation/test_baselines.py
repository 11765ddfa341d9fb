"""The comparison with the baselines is honest."""

import numpy as np
import pytest

from molecules.evaluation.baselines import compare, mean_prediction, verdict
from molecules.tasks import Task, Tasks

TASKS = Tasks(tasks=(Task(name="length"), Task(name="alcohol", kind="binary")))


def test_who_wins_is_said_by_paired_draws() -> None:
    random = np.random.default_rng(0)
    truth = np.column_stack([random.normal(size=80), random.integers(0, 2, 80)]).astype(float)
    near = truth + np.array([0.3, 0.0]) * random.normal(size=truth.shape)
    mean = mean_prediction(truth, len(truth))
    rows = {
        (row.model, row.task, row.score.metric): row.score.value
        for row in compare({"near": near, "mean": mean}, truth, TASKS)
    }
    assert rows["near", "length", "RMSE"] < rows["mean", "length", "RMSE"] / 2
    assert rows["near", "alcohol", "ROC-AUC"] == 1
    assert (
        "length: our model does NOT beat the random forest" in verdict(mean, near, truth, TASKS)[0]
    )
    assert "length: our model beats" in verdict(near, mean, truth, TASKS)[0]
    assert "cannot be told from" in verdict(near, near, truth, TASKS)[1]


def test_a_logarithm_is_judged_as_one() -> None:
    """Better on all molecules but the largest, which alone rules the error in units."""
    logs = np.append(np.linspace(-9, -4, 30), 0.0)[:, None]
    ours, forest = logs + np.append(np.full(30, 0.1), 1.0)[:, None], logs + 0.5
    truth, tasks = 10**logs, Tasks(tasks=(Task(name="y", scale="log"),))
    (sentence,) = verdict(10**ours, 10**forest, truth, tasks)
    assert sentence.startswith("y: our model beats the random forest (RMSE of log10 0.205 against")
    (in_units,) = verdict(10**ours, 10**forest, truth, Tasks(tasks=(Task(name="y"),)))
    assert "beats" not in in_units


def test_figures_that_differ_read_so() -> None:
    truth = np.linspace(0, 1, 40)[:, None]
    (sentence,) = verdict(truth + 0.25, truth + 0.25004, truth, Tasks(tasks=(Task(name="y"),)))
    assert "beats the random forest (RMSE 0.25000 against 0.25004, 40 test" in sentence
    (alike,) = verdict(truth + 0.25, truth + 0.25, truth, Tasks(tasks=(Task(name="y"),)))
    assert "(RMSE 0.250 against 0.250, 40 test" in alike


def test_several_classes_are_judged_as_one_property() -> None:
    tasks = Tasks(tasks=tuple(Task(name=f"k={c}", kind="binary", of="k") for c in "abc"))
    truth = np.eye(3)[[0, 1, 2] * 10]
    mean = mean_prediction(truth, len(truth))
    told = {(row.task, row.score.metric): row.score for row in compare({"m": truth}, truth, tasks)}
    assert told["k", "accuracy"].value == told["k", "MCC"].value == 1
    assert told["k", "accuracy"].rows == 30
    assert {metric for task, metric in told if task == "k=a"} == {"ROC-AUC", "PR-AUC", "Brier"}
    (sentence,) = verdict(truth, mean, truth, tasks)
    assert sentence.startswith("k: our model beats the random forest (macro ROC-AUC 1.000 against")


def test_the_mean_is_of_the_measured_and_unknown_without_any() -> None:
    labels = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(mean_prediction(labels, 2), [[2, np.nan]] * 2)


@pytest.mark.parametrize(("rows", "told"), [(1, "only 1 test molecule"), (7, "only 7"), (9, "")])
def test_few_molecules_give_no_verdict(rows: int, told: str) -> None:
    truth = np.arange(rows, dtype=float)[:, None]
    (sentence,) = verdict(truth, truth + 1, truth, Tasks(tasks=(Task(name="y"),)))
    assert told in sentence if told else sentence.startswith("y: our model beats")


def test_few_of_a_class_give_no_verdict() -> None:
    truth = (np.arange(60) < 3).astype(float)[:, None]
    (sentence,) = verdict(truth, 1 - truth, truth, Tasks(tasks=(Task(name="y", kind="binary"),)))
    assert sentence == "y: no comparison, too few of one class among 60 test molecules"


def test_no_labels_give_no_verdict() -> None:
    nothing, truth = np.full((1, 1), np.nan), np.ones((1, 1))
    tasks = Tasks(tasks=(Task(name="y"),))
    assert "no comparison" in verdict(nothing, nothing, truth, tasks)[0]

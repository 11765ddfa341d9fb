"""Scores agree with scikit-learn and SciPy, and say why where there is none."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics as sk

from molecules.evaluation.metrics import (
    MAE,
    METRICS,
    RMSE,
    confusion,
    figure,
    scores,
)
from molecules.evaluation.resampling import bootstrap

rng = np.random.default_rng(0)


@pytest.mark.parametrize("ties", [False, True])
def test_agree_with_independent_programs(ties: bool) -> None:
    truth, prediction = rng.normal(size=(2, 60))
    classes = (truth + prediction > 0).astype(float)
    if ties:
        prediction = np.round(prediction)
    regression = {s.metric: s.value for s in scores("regression", truth, prediction)}
    binary = {s.metric: s.value for s in scores("binary", classes, prediction)}
    expected = {
        "RMSE": sk.root_mean_squared_error(truth, prediction),
        "MAE": sk.mean_absolute_error(truth, prediction),
        "R2": sk.r2_score(truth, prediction),
        "Spearman": spearmanr(truth, prediction).statistic,
        "ROC-AUC": sk.roc_auc_score(classes, prediction),
        "PR-AUC": sk.average_precision_score(classes, prediction),
        "Brier": np.mean((classes - prediction) ** 2),
        "balanced accuracy": sk.balanced_accuracy_score(classes, prediction > 0.5),
        "MCC": sk.matthews_corrcoef(classes, prediction > 0.5),
    }
    assert regression | binary == pytest.approx(expected, abs=1e-12)


def test_several_classes_agree_with_scikit_learn() -> None:
    classes = rng.choice(3, size=90, p=[0.6, 0.3, 0.1])
    chances = rng.dirichlet(np.ones(3), size=90) / 2 + np.eye(3)[classes] * rng.random((90, 1)) / 2
    chances /= chances.sum(axis=1, keepdims=True)
    said = chances.argmax(axis=1)
    found = {s.metric: s.value for s in scores("multiclass", np.eye(3)[classes], chances)}
    assert found == pytest.approx(
        {
            "macro ROC-AUC": sk.roc_auc_score(classes, chances, multi_class="ovr"),
            "accuracy": sk.accuracy_score(classes, said),
            "balanced accuracy": sk.balanced_accuracy_score(classes, said),
            "MCC": sk.matthews_corrcoef(classes, said),
        },
        abs=1e-12,
    )
    matrix = confusion(np.eye(3)[classes], chances)
    np.testing.assert_array_equal(matrix, sk.confusion_matrix(classes, said))


def test_two_classes_as_columns_score_as_yes_and_no() -> None:
    truth = rng.integers(0, 2, 40).astype(float)
    chance = rng.random(40)
    one = {s.metric: s.value for s in scores("binary", truth, chance)}
    known, said = (np.column_stack([1 - values, values]) for values in (truth, chance))
    two = {s.metric: s.value for s in scores("multiclass", known, said)}
    for metric in ("balanced accuracy", "MCC"):
        assert two[metric] == pytest.approx(one[metric], abs=1e-12)
    assert two["macro ROC-AUC"] == pytest.approx(one["ROC-AUC"], abs=1e-12)


def test_a_class_that_is_always_said_correlates_with_nothing() -> None:
    always = np.tile([0.2, 0.8], (10, 1))
    found = {s.metric: s for s in scores("multiclass", np.eye(2)[[0, 1] * 5], always)}
    assert (found["MCC"].value, found["balanced accuracy"].value) == (0, 0.5)
    single = {s.metric: s for s in scores("multiclass", np.eye(2)[[1] * 10], always)}
    assert single["MCC"].reason == "all measured values are the same"
    assert single["accuracy"].value == 1


def test_unmeasured_and_unpredicted_rows_are_left_out() -> None:
    truth = np.array([0.0, 1.0, np.nan, 2.0])
    prediction = np.array([0.5, 1.5, 9.0, np.nan])
    rmse = scores("regression", truth, prediction)[0]
    assert (rmse.value, rmse.rows) == (0.5, 2)


def test_interval_holds_the_score_and_shrinks_with_rows() -> None:
    widths = []
    for rows in (20, 2000):
        truth = rng.normal(size=rows)
        score = scores("regression", truth, truth + rng.normal(size=rows))[0]
        assert score.lower < score.value < score.upper
        widths.append(score.upper - score.lower)
    assert widths[1] < widths[0] / 5


def test_draws_that_are_all_alike_give_no_interval() -> None:
    truth = np.array([0.0, 0, 0, 1, 1, 1])
    auc, _, brier, *_ = scores("binary", truth, np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
    assert (auc.value, auc.reason) == (1.0, "")
    assert np.isnan([auc.lower, auc.upper]).all()
    assert brier.lower < brier.value < brier.upper


def test_one_class_or_no_rows_give_a_reason() -> None:
    single = scores("binary", np.ones(5), np.linspace(0, 1, 5))
    assert np.isnan(single[0].value)
    assert single[0].reason == "all measured values are the same"
    assert np.isfinite(single[2].value)
    empty = scores("regression", np.array([np.nan]), np.array([1.0]))
    assert all("only 0" in score.reason for score in empty)
    constant = scores("regression", np.arange(5.0), np.ones(5))
    assert constant[3].reason == "constant prediction"


def test_resamples_without_a_score_are_left_out_of_the_interval() -> None:
    truth = np.array([1.0, 1.0, *[0.0] * 9])
    prediction = np.linspace(1, 0, 11)
    prediction[2] = 0.95  # above the second active
    score = scores("binary", truth, prediction)[0]
    assert score.lower < score.value < score.upper == 1.0


def test_a_single_row_of_a_class_gives_no_interval() -> None:
    score = scores("binary", np.array([1.0, *[0.0] * 9]), np.linspace(1, 0, 10))[0]
    assert score.value == 1
    assert np.isnan([score.lower, score.upper]).all()


def test_an_interval_of_few_rows_holds_the_truth_nearly_as_often_as_it_says() -> None:
    """Mean absolute errors of twenty normal errors, of mean sqrt(2 / pi): 300 trials."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        truth = rng.standard_normal(20)
        (mae,) = (
            one for one in scores("regression", truth, np.zeros(20), resamples=300)
            if one.metric == "MAE"
        )  # fmt: skip
        held += mae.lower < np.sqrt(2 / np.pi) < mae.upper
    assert 0.91 < held / 300 < 0.985


def test_measurements_of_one_molecule_are_drawn_together() -> None:
    """Four equal rows of each say no more than one."""
    truth, prediction = rng.normal(size=(2, 30))
    (once, *_) = scores("regression", truth, prediction, seed=1)
    molecules = np.tile(np.arange(30), 4)
    many = [np.tile(part, 4) for part in (truth, prediction)]
    (again, *_) = scores("regression", *many, seed=1, molecules=molecules)
    assert (again.value, again.lower, again.upper) == pytest.approx(
        (once.value, once.lower, once.upper)
    )
    assert again.rows == 120


def test_bootstrap_draws_the_same_rows_for_all() -> None:
    truth, prediction = rng.normal(size=(2, 30))
    draws = bootstrap(RMSE, truth, prediction, prediction, seed=3)
    np.testing.assert_array_equal(draws[:, 0], draws[:, 1])
    np.testing.assert_array_equal(draws, bootstrap(RMSE, truth, prediction, prediction, seed=3))


def test_directions() -> None:
    assert not RMSE.larger_is_better
    assert not MAE.larger_is_better
    assert METRICS["binary"][0].larger_is_better


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (0.87654, "0.877"),
        (-12.5, "-12.500"),
        (0.000123456, "0.000123"),
        (-614424202676734.2, "-6.14e+14"),
    ],
)
def test_figures_show_digits_in_any_unit(value: float, text: str) -> None:
    assert figure(value) == text
    assert figure(abs(value), "+") == f"+{text.removeprefix('-')}"

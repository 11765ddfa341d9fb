"""Scores agree with scikit-learn and SciPy, and say why where there is none."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics as sk

from molecules.evaluation.metrics import MAE, METRICS, RMSE, bootstrap, figure, scores

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
    }
    assert regression | binary == pytest.approx(expected, abs=1e-12)


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
    truth = np.array([1.0, *[0.0] * 9])
    score = scores("binary", truth, np.linspace(1, 0, 10))[0]
    assert score.value == score.lower == score.upper == 1.0


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

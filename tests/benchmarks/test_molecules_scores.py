"""Scores agree with scikit-learn and SciPy; intervals and pairs with their definitions."""

import numpy as np
import pytest
from molecules_data import SOURCES
from molecules_scores import Draws, Predicted, Scored, gain, mean, score, verdict
from scipy.stats import spearmanr
from sklearn.metrics import (
    average_precision_score,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from molecules.evaluation.metrics import MAE, PR_AUC, RMSE, ROC_AUC, SPEARMAN

REFERENCES = {
    "RMSE": root_mean_squared_error,
    "MAE": mean_absolute_error,
    "Spearman": lambda truth, predicted: spearmanr(truth, predicted).statistic,
    "ROC-AUC": roc_auc_score,
    "PR-AUC": average_precision_score,
}


def predictions(binary: bool, tasks: int = 1, rows: int = 40, seed: int = 0) -> Predicted:
    random = np.random.default_rng(seed)
    truth = random.standard_normal((rows, tasks))
    predicted = np.round(truth + random.standard_normal((rows, tasks)), 1)  # some ties
    truth = (truth > 0).astype(float) if binary else truth
    return Predicted([f"molecule {i}" for i in range(rows)], truth, predicted)


@pytest.mark.parametrize("metric", [RMSE, MAE, SPEARMAN, ROC_AUC, PR_AUC], ids=lambda m: m.name)
def test_scores_are_those_of_other_programs(metric) -> None:
    told = predictions(metric.name.endswith("AUC"))
    expected = REFERENCES[metric.name](told.truth[:, 0], told.predicted[:, 0])
    assert score(metric, told.truth, told.predicted) == pytest.approx(expected, abs=1e-12)


def test_score_is_the_mean_of_the_tasks_that_have_one() -> None:
    told = predictions(binary=True, tasks=3)
    told.truth[5:, 1] = np.nan
    told.truth[:, 2] = 0  # one class: no score
    first = roc_auc_score(told.truth[:, 0], told.predicted[:, 0])
    second = roc_auc_score(told.truth[:5, 1], told.predicted[:5, 1])
    assert score(ROC_AUC, told.truth, told.predicted) == pytest.approx((first + second) / 2)
    assert np.isnan(score(ROC_AUC, told.truth[:1], told.predicted[:1]))


def test_each_draw_is_the_score_of_the_molecules_drawn() -> None:
    told = predictions(binary=False, rows=12)
    draws = Draws(told.molecules)
    scored = draws.scored(RMSE, told)
    times = draws.counts[7][[draws.column[molecule] for molecule in told.molecules]]
    errors = (told.truth - told.predicted)[:, 0] ** 2
    assert scored.draws[7] == pytest.approx(np.sqrt(errors @ times / times.sum()))


def test_rows_of_a_molecule_are_drawn_together() -> None:
    told = Predicted(
        ["a", "a", "b"], np.array([[0.0], [0.0], [0.0]]), np.array([[1.0], [3.0], [0.0]])
    )
    drawn = set(np.round(Draws(told.molecules).scored(MAE, told).draws, 9))
    assert drawn == {0.0, 2.0, round(4 / 3, 9)}


def test_interval_of_a_mean_has_its_known_width() -> None:
    errors = np.random.default_rng(0).standard_normal(400)
    told = Predicted(
        [str(i) for i in range(400)], errors[:, None], np.zeros((400, 1))
    )  # MAE is the mean of |error|
    interval = mean({0: Draws(told.molecules).scored(MAE, told)})
    width = 2 * 1.96 * np.abs(errors).std() / 20
    assert interval.upper - interval.lower == pytest.approx(width, rel=0.1)


def test_gain_is_antisymmetric_and_zero_over_itself() -> None:
    one, two = predictions(binary=False, seed=0), predictions(binary=False, seed=1)
    draws = Draws(one.molecules)
    ours = {0: draws.scored(RMSE, one), 1: draws.scored(RMSE, one)}
    other = {1: draws.scored(RMSE, two)}
    there, back = gain(RMSE, ours, other), gain(RMSE, other, ours)
    assert there.seeds == back.seeds == (1,)
    assert there.value == -back.value == pytest.approx(other[1].value - ours[1].value)
    assert (there.lower, there.upper) == (-back.upper, -back.lower)
    nothing = gain(RMSE, ours, ours)
    assert (nothing.value, nothing.lower, nothing.upper) == (0, 0, 0)
    assert verdict(nothing) == "same"


def test_verdict_follows_the_direction_of_the_metric() -> None:
    low = Scored(0.2, np.linspace(0.1, 0.3, 1000))
    high = Scored(0.8, np.linspace(0.7, 0.9, 1000))
    assert verdict(gain(RMSE, {0: low}, {0: high})) == "better"
    assert verdict(gain(ROC_AUC, {0: low}, {0: high})) == "worse"
    assert verdict(gain(ROC_AUC, {0: low}, {1: high})) == ""


def test_tdc_tables_have_the_metrics_of_their_leaderboard() -> None:
    told = {s.name: s.metric.name for s in SOURCES if s.has_test}
    named = {
        "MAE": "caco2_wang lipophilicity_astrazeneca ppbr_az solubility_aqsoldb",
        "Spearman": "clearance_hepatocyte_az half_life_obach vdss_lombardo",
        "PR-AUC": "cyp3a4_veith",
        "ROC-AUC": "ames bbb_martins bioavailability_ma cyp3a4_substrate_carbonmangels dili "
        "hia_hou pgp_broccatelli",
    }
    assert told == {name: metric for metric, names in named.items() for name in names.split()}
    assert len(SOURCES) == 23

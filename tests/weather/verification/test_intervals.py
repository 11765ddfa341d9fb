"""Intervals that hold what they promise, for independent and for correlated cases."""

import numpy as np
import pytest
from scipy import stats

from weather.verification.intervals import (
    FEWEST,
    effective,
    interval,
    known_means,
    p_value,
    significant,
    without_each,
)

LEADS = 5


def autoregressive(
    memory: float, cases: int, trials: int, leads: int = LEADS, seed: int = 1
) -> np.ndarray:
    """(case, lead, trial) of unit variance: `memory` from case to case, 0.7 from lead to lead."""
    rng = np.random.default_rng(seed)
    apart = np.abs(np.subtract.outer(np.arange(leads), np.arange(leads)))
    factor = np.linalg.cholesky(0.7**apart)
    series = np.empty((cases, leads, trials))
    series[0] = rng.standard_normal((leads, trials))
    for i in range(1, cases):
        noise = rng.standard_normal((leads, trials))
        series[i] = memory * series[i - 1] + np.sqrt(1 - memory**2) * noise
    return np.einsum("kl,clt->ckt", factor, series)


def alone(series: np.ndarray) -> np.ndarray:
    """(case, lead, 1, trial...) with a trial on an axis that no correlation is shared along."""
    return np.swapaxes(series, 1, 2)[..., None].transpose(0, 2, 1, 3)


@pytest.mark.parametrize("cases", [8, 12, 20, 40, 100])
@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6])
def test_promises_hold_where_nothing_differs(memory: float, cases: int) -> None:
    """One test, the five of a family, and the interval: 5 %, 5 % and 95 %, with 2000 trials."""
    series = alone(autoregressive(memory, cases, 2000))  # (case, lead, trial, 1)
    value = known_means(series)
    p = p_value(value, series)
    lower, upper = interval(value, series)
    assert (p < 0.05).mean() < 0.075
    assert ((lower < 0) & (upper > 0)).mean() > 0.925
    assert np.mean([significant(family).any() for family in p[..., 0].T]) < 0.075


@pytest.mark.parametrize(("memory", "found"), [(0.0, 0.95), (0.3, 0.75), (0.6, 0.45)])
def test_what_differs_is_found(memory: float, found: float) -> None:
    """By 0.7 standard deviations, in forty cases."""
    series = alone(autoregressive(memory, 40, 500)) + 0.7
    assert (p_value(known_means(series), series) < 0.05).mean() > found


def test_independent_cases_are_those_of_students_test() -> None:
    """Alternating cases have no positive correlation, and so no less weight than independent."""
    series = np.tile([1.0, -1.0, 2.0, -2.0, 0.5, 0.1], 5)[:, None]
    assert effective(series) == pytest.approx(30)
    value = known_means(series)
    expected = stats.ttest_1samp(series, 0)
    np.testing.assert_allclose(p_value(value, series), expected.pvalue)
    limits = expected.confidence_interval(0.95)
    np.testing.assert_allclose(interval(value, series), [limits.low, limits.high])


def test_the_number_of_effective_cases_is_that_of_the_process() -> None:
    """n (1 - r) / (1 + r), of long series (Wilks 1997, §3)."""
    for memory in (0.2, 0.5, 0.8):
        series = autoregressive(memory, 4000, 50, leads=1)
        expected = 4000 * (1 - memory) / (1 + memory)
        assert np.median(effective(series)) == pytest.approx(expected, rel=0.05)


def test_a_mean_is_told_by_its_cases_and_a_root_by_what_each_is_worth() -> None:
    series = np.random.default_rng(0).gamma(2.0, size=(50, 1, 1))
    parts = without_each((series,), lambda mean: {"mean": mean, "root": np.sqrt(mean)})
    np.testing.assert_allclose(parts["mean"], series, rtol=1e-10)
    slope = 0.5 / np.sqrt(series.mean())
    np.testing.assert_allclose(parts["root"].std(0), slope * series.std(0), rtol=0.02)


def test_missing_cases_are_left_out() -> None:
    whole = np.random.default_rng(0).standard_normal((30, 1, 1))
    holed = np.concatenate([whole, np.full((5, 1, 1), np.nan)])
    assert known_means(holed) == pytest.approx(whole.mean())
    root = without_each((holed**2,), lambda mean: {"rmse": np.sqrt(mean)})["rmse"]
    alone = without_each((whole**2,), lambda mean: {"rmse": np.sqrt(mean)})["rmse"]
    np.testing.assert_allclose(root[:30], alone)
    np.testing.assert_allclose(interval(known_means(holed), holed), interval(whole.mean(0), whole))
    few = np.where(np.arange(35)[:, None, None] < FEWEST - 1, holed, np.nan)
    assert np.isnan(interval(known_means(few), few)).all()
    assert np.isnan(p_value(known_means(few), few)).all()
    assert np.isnan(known_means(np.full((3, 1), np.nan))).all()


def test_what_is_the_same_in_all_cases() -> None:
    alike = np.zeros((20, 1, 1))
    assert p_value(known_means(alike), alike) == 1
    assert p_value(known_means(alike + 1), alike + 1) == 0


def test_few_of_many_tests_are_marked_in_error() -> None:
    p = np.random.default_rng(0).random(300)
    assert significant(p).sum() <= 3
    sure = np.concatenate([p, np.full(20, 1e-4), [np.nan]])
    assert significant(sure)[300:320].all()
    assert not significant(sure)[320]

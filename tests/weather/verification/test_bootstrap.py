"""Intervals that hold what they promise, for independent and for correlated cases."""

import numpy as np
import pytest
import xarray as xr

from weather.verification.bootstrap import (
    Bootstrap,
    block_length,
    interval,
    p_value,
    significant,
    weighted_means,
)


def autoregressive(memory: float, cases: int, columns: int) -> np.ndarray:
    """Unit variance, correlation `memory` from one case to the next."""
    rng = np.random.default_rng(1)
    series = np.empty((cases, columns))
    series[0] = rng.standard_normal(columns)
    for i in range(1, cases):
        noise = rng.standard_normal(columns)
        series[i] = memory * series[i - 1] + np.sqrt(1 - memory**2) * noise
    return series


def test_every_sample_has_as_many_cases_as_there_are() -> None:
    counts = Bootstrap(17, 4, samples=50).counts
    assert (counts.sum(1) == 17).all()
    assert np.array_equal(counts, Bootstrap(17, 4, samples=50).counts)
    assert not np.array_equal(counts, Bootstrap(17, 4, samples=50, seed=1).counts)


def test_the_spread_of_a_mean_of_independent_cases() -> None:
    series = np.random.default_rng(0).standard_normal((400, 30))
    spread = Bootstrap(400, 1).means(series).std(0)
    np.testing.assert_allclose(spread, series.std(0) / 20, rtol=0.1)


@pytest.mark.parametrize(("memory", "block"), [(0.0, 1), (0.8, None)])
def test_the_interval_holds_the_truth_nearly_as_often_as_it_says(
    memory: float, block: int | None
) -> None:
    series = autoregressive(memory, 300, 200)  # 200 experiments; the true mean is 0
    chosen = block or block_length(series)
    lower, upper = interval(Bootstrap(300, chosen, samples=400).means(series))
    held = ((lower < 0) & (upper > 0)).mean()
    assert 0.87 < held < 0.98
    if memory:
        lower, upper = interval(Bootstrap(300, 1, samples=400).means(series))
        assert ((lower < 0) & (upper > 0)).mean() < 0.6  # as if cases were independent


def test_the_library_scores_draws_alike() -> None:
    from scores.processing import block_bootstrap

    series = autoregressive(0.7, 120, 1)[:, 0]
    np.random.seed(0)  # noqa: NPY002
    drawn = block_bootstrap(
        xr.DataArray(series, dims="time"), blocks={"time": 10}, n_iteration=3000
    )
    expected = drawn.mean("time").std().item()
    found = Bootstrap(120, 10, samples=3000).means(series[:, None]).std()
    assert found == pytest.approx(expected, rel=0.06)


def test_the_length_of_a_block_follows_the_memory() -> None:
    lengths = [block_length(autoregressive(memory, 3000, 1)) for memory in (0, 0.5, 0.9)]
    assert lengths[0] <= 3 < lengths[1] < lengths[2]
    n, r = 3000, 0.5
    power = 2 / 3 * (1 - (1 - r) / (1 + r))
    assert lengths[1] == pytest.approx((n - lengths[1] + 1) ** power, rel=0.2)
    assert block_length(np.ones((50, 2))) == block_length(np.ones((3, 2))) == 1


def test_missing_cases_are_left_out() -> None:
    series = np.array([1.0, np.nan, 3.0])[:, None]
    assert weighted_means(np.ones((1, 3)), series)[0] == pytest.approx(2)
    assert np.isnan(weighted_means(np.array([[0.0, 3.0, 0.0]]), series)).all()


def test_p_values_are_uniform_when_nothing_differs() -> None:
    series = autoregressive(0.0, 200, 300)
    p = p_value(Bootstrap(200, 1).means(series))
    assert np.quantile(p, 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.median(p) == pytest.approx(0.5, abs=0.1)
    assert significant(p).sum() <= 3
    sure = np.concatenate([p, np.full(20, 1e-4), [np.nan]])
    assert significant(sure)[300:320].all()
    assert not significant(sure)[320]

"""Scores of ensembles against closed forms and the library they come from."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from weather.verification import metrics, probabilistic
from weather.verification.metrics import ENSEMBLE

RNG = np.random.default_rng(0)
CELLS = (40, 50)
WEIGHTS = RNG.uniform(0.5, 1.5, CELLS)


def gaussian(members: int, spread: float, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Members around a centre that nobody knows, and a truth drawn like a member."""
    centre = RNG.standard_normal((30, *CELLS))
    drawn = centre + spread * RNG.standard_normal((members, 30, *CELLS)) + shift
    return drawn, centre + RNG.standard_normal(centre.shape)


@pytest.mark.parametrize("members", [2, 5, 20])
def test_fair_crps_of_gaussians(members: int) -> None:
    """Whatever the number of members: E|X - Y| - E|X - X'| / 2 of N(0, s²) and N(0, 1)."""
    for spread in (1.0, 0.5):
        drawn, truth = gaussian(members, spread)
        expected = np.sqrt(2 / np.pi) * (np.sqrt(1 + spread**2) - spread * np.sqrt(2) / 2)
        found = probabilistic.fair_crps(drawn, truth)
        assert found.shape == truth.shape
        assert found.mean() == pytest.approx(expected, abs=0.012)


def test_fair_crps_by_the_formula() -> None:
    members, truth = RNG.standard_normal((7, 3)), RNG.standard_normal(3)
    pairs = np.abs(members[:, None] - members[None]).sum((0, 1)) / (2 * 7 * 6)
    expected = np.abs(members - truth).mean(0) - pairs
    np.testing.assert_allclose(probabilistic.fair_crps(members, truth), expected, rtol=1e-12)


def spread_skill(members: np.ndarray, truth: np.ndarray) -> float:
    count = len(members)
    variance = members.var(0, ddof=1).mean() * (count + 1) / count
    kept = {
        "squared_error": np.array([((members.mean(0) - truth) ** 2).mean()]),
        "corrected_variance": np.array([variance]),
    }
    metric = next(m for m in ENSEMBLE if m.name == "spread_skill")
    return float(metric.combine(*metric.parts(kept))[0])


@pytest.mark.parametrize("members", [2, 10])
def test_spread_skill_of_a_reliable_ensemble_is_one(members: int) -> None:
    assert spread_skill(*gaussian(members, 1.0)) == pytest.approx(1, abs=0.01)
    assert spread_skill(*gaussian(members, 0.5)) < 0.85
    assert spread_skill(*gaussian(members, 2.0)) > 1.15


PAIRS = ((0, 1), (2, 3), (4, 5))


def plus_and_minus(members: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """As `gaussian`, but every second member is the first one's opposite."""
    centre = RNG.standard_normal((30, *CELLS))
    away = spread * RNG.standard_normal((members // 2, 1, 30, *CELLS)) * [[[[1.0]]], [[[-1.0]]]]
    drawn = centre + away.reshape(-1, *centre.shape)
    return drawn, centre + RNG.standard_normal(centre.shape)


@pytest.mark.parametrize("members", [4, 8])
def test_pairs_are_scored_as_independent_members_are(members: int) -> None:
    pairs = [(at, at + 1) for at in range(0, members, 2)]
    for spread in (1.0, 0.5):
        drawn, truth = plus_and_minus(members, spread)
        expected = np.sqrt(2 / np.pi) * (np.sqrt(1 + spread**2) - spread * np.sqrt(2) / 2)
        found = probabilistic.fair_crps(drawn, truth, pairs).mean()
        assert found == pytest.approx(expected, abs=0.012)
        assert probabilistic.fair_crps(drawn, truth).mean() < found - 0.01
        variance, of_mean = probabilistic.variances(drawn, pairs)
        assert variance.mean() == pytest.approx(spread**2, abs=0.02)
        assert of_mean.mean() == pytest.approx(0, abs=0.01)
        error = ((drawn.mean(0) - truth) ** 2).mean()
        assert (variance + of_mean).mean() / error == pytest.approx(spread**2, rel=0.03)
    fair = probabilistic.brier(drawn - 0.3, truth - 0.3, True, True, pairs).mean()
    one = gaussian(members, 0.5)
    assert fair == pytest.approx(
        probabilistic.brier(one[0] - 0.3, one[1] - 0.3, True, True).mean(), abs=0.01
    )


def test_pairs_by_the_formula() -> None:
    members, truth = RNG.standard_normal((7, 3)), RNG.standard_normal(3)
    twos = [(i, j) for i in range(7) for j in range(7) if i != j]
    others = [two for two in twos if tuple(sorted(two)) not in PAIRS]
    apart = [members[i] - members[j] for i, j in others]
    crps = np.abs(members - truth).mean(0) - np.abs(apart).mean(0) / 2
    np.testing.assert_allclose(probabilistic.fair_crps(members, truth, PAIRS), crps)
    variance, of_mean = probabilistic.variances(members, PAIRS)
    np.testing.assert_allclose(variance, np.square(apart).mean(0) / 2)
    within = [variance - (members[a] - members[b]) ** 2 / 2 for a, b in PAIRS]
    np.testing.assert_allclose(of_mean, (7 * variance + 2 * sum(within)) / 49)
    says, happened = members > 0, truth > 0
    both = np.mean([says[i] & says[j] for i, j in others], axis=0)
    fair = both - 2 * says.mean(0) * happened + happened
    found = probabilistic.brier(members, truth, True, True, PAIRS)
    np.testing.assert_allclose(found, fair, atol=1e-12)


def test_two_members_that_are_opposites_tell_nothing_of_others() -> None:
    members, truth = RNG.standard_normal((2, 3)), RNG.standard_normal(3)
    assert np.isnan(probabilistic.fair_crps(members, truth, ((0, 1),))).all()
    assert np.isnan(probabilistic.variances(members, ((0, 1),))[0]).all()


def test_pairs_are_told_by_the_file() -> None:
    attributes = {"ensemble": '{"method": "noise", "members": 5}'}
    whole = xr.Dataset(coords={"member": [1, 2, 3, 4, 5]}, attrs=attributes)
    assert probabilistic.pairs_of(whole) == ((0, 1), (2, 3))
    assert probabilistic.pairs_of(whole.sel(member=[4, 2, 3])) == ((2, 0),)
    assert probabilistic.pairs_of(whole.assign_attrs(ensemble='{"method": "none"}')) == ()
    assert probabilistic.pairs_of(whole.drop_attrs()) == ()
    for other in ("ens01", "5", "[1]"):
        assert probabilistic.pairs_of(whole.assign_attrs(ensemble=other)) == ()


def test_rank_histogram_is_flat_when_reliable() -> None:
    members, truth = gaussian(9, 1.0)
    flat = probabilistic.ranks(members, truth, WEIGHTS)
    assert flat.sum() == pytest.approx(30 * WEIGHTS.sum())
    np.testing.assert_allclose(flat / flat.mean(), 1, atol=0.05)
    narrow = probabilistic.ranks(*gaussian(9, 0.3), WEIGHTS)
    assert narrow[0] + narrow[-1] > narrow.sum() / 3
    high = probabilistic.ranks(*gaussian(9, 1.0, shift=3.0), WEIGHTS)
    assert high.argmax() == 0


def test_rank_histogram_as_the_library_has_it() -> None:
    """Values rounded to tenths, so that many are equal and share their ranks; some unknown."""
    from scores.probability import rank_histogram

    members, truth = gaussian(4, 1.0)
    members, truth = members.round(1), truth.round(1)
    truth[3, 5] = np.nan
    ensemble = xr.DataArray(members, dims=("member", "time", "lat", "lon"))
    observed = xr.DataArray(truth, dims=("time", "lat", "lon"))
    weights = xr.DataArray(WEIGHTS, dims=("lat", "lon"))
    expected = rank_histogram(ensemble, observed, "member", weights=weights)
    found = probabilistic.ranks(members, truth, WEIGHTS)
    np.testing.assert_allclose(found / found.sum(), expected, rtol=1e-10)


def test_brier_score_by_the_formula() -> None:
    members = np.array([[1.0, -1.0, -1.0], [2.0, 1.0, -2.0], [1.0, 1.0, -3.0]])
    truth = np.array([1.0, -1.0, -1.0])
    share = np.array([1, 2 / 3, 0])
    expected = (share - np.array([1, 0, 0])) ** 2
    np.testing.assert_allclose(probabilistic.brier(members, truth, True, False), expected)
    below = probabilistic.brier(members, truth, above=False, fair=False)
    np.testing.assert_allclose(below, expected)
    correction = share * (1 - share) / (len(members) - 1)
    fair = probabilistic.brier(members, truth, True, fair=True)
    np.testing.assert_allclose(fair, expected - correction)


def test_fair_brier_score_knows_no_number_of_members() -> None:
    """Reliable members: the mean is that of the true probability, Φ(1) (1 - Φ(1))."""
    p = stats.norm.cdf(1.0)
    for count in (2, 10):
        members, truth = RNG.standard_normal((count, 60000)), RNG.standard_normal(60000)
        found = probabilistic.brier(members + 1, truth + 1, True, fair=True).mean()
        assert found == pytest.approx(p * (1 - p), abs=0.003)


def test_reliability_of_known_probabilities() -> None:
    probability = RNG.uniform(0, 1, (50, *CELLS))
    happened = (RNG.uniform(0, 1, probability.shape) < probability).astype(float)
    happened[0] = np.nan
    area, forecast, observed = probabilistic.reliability(probability, happened, WEIGHTS)
    assert area.sum() == pytest.approx(49 * WEIGHTS.sum())
    np.testing.assert_allclose(forecast / area, np.arange(0.05, 1, 0.1), atol=0.005)
    np.testing.assert_allclose(observed / area, forecast / area, atol=0.015)


def test_tenths_fall_into_their_own_bins() -> None:
    share = np.arange(11)[:, None] / 10
    area, *_ = probabilistic.reliability(share, np.ones((11, 1)), np.ones(1))
    assert area.tolist() == [1] * 9 + [2]


def test_names_of_the_quantities_are_those_that_the_metrics_ask_for() -> None:
    kept = dict.fromkeys((*metrics.QUANTITIES, *metrics.ENSEMBLE_QUANTITIES), np.ones((1, 1)))
    for metric in (*metrics.DETERMINISTIC, *metrics.ENSEMBLE):
        assert all(part.shape == (1, 1) for part in metric.parts(kept))

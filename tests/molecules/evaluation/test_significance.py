"""The corrected test in closed form, beside SciPy's uncorrected one, and on noise."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from molecules.evaluation.significance import corrected_t_test


def test_without_overlap_it_is_students() -> None:
    d = np.random.default_rng(0).normal(0.3, 1, 12)
    ours, theirs = corrected_t_test(d, 0.0), ttest_1samp(d, 0)
    assert ours.p == pytest.approx(theirs.pvalue)
    interval = theirs.confidence_interval(0.95)
    assert (ours.lower, ours.upper) == pytest.approx((interval.low, interval.high))


def test_closed_form() -> None:
    # d = 0, 2: mean 1, variance 2; t = 1 / sqrt((1/2 + 1/2) 2) = 0.7071 on one degree of
    # freedom, where p = 1 - 2 arctan(t) / pi.
    found = corrected_t_test(np.array([0.0, 2.0, np.nan]), 0.5)
    assert found.p == pytest.approx(1 - 2 * np.arctan(2**-0.5) / np.pi)
    assert (found.mean, found.folds) == (1, 2)


def test_folds_that_share_their_training_sets_are_not_independent() -> None:
    """Two equal methods: each repeat of a 5-fold cross-validation sees the same data."""
    draw = np.random.default_rng(1)
    alarms = {0.0: 0, 0.25: 0}
    for _ in range(400):
        shared = draw.normal(0, 0.5)  # the data set's own luck, in all its folds
        d = shared + draw.normal(0, 1, 25)
        for share in alarms:
            alarms[share] += corrected_t_test(d, share).p < 0.05
    assert alarms[0.0] > 0.3 * 400
    assert alarms[0.25] < 0.1 * 400


def test_what_has_no_variance() -> None:
    for alike in ([1.0, 1.0], [0.9 - 0.8, 0.8 - 0.7]):  # the latter differ by rounding
        assert np.isnan(corrected_t_test(np.array(alike), 0.25).p)
    assert corrected_t_test(np.zeros(3), 0.25).p == 1
    assert np.isnan(corrected_t_test(np.array([1.0]), 0.25).p)

"""How many measured values lie within their intervals."""

import numpy as np
import pytest

from molecules.evaluation.coverage import contained, coverage_by_similarity, within

NAN = np.nan


def test_what_is_held() -> None:
    truth = np.array([1.0, 2.0, NAN, 3.0])
    lower, upper = np.array([0.0, 2.5, 0.0, NAN]), np.array([1.0, 9.0, 1.0, NAN])
    np.testing.assert_array_equal(within(truth, lower, upper), [1, 0, NAN, NAN])
    unbounded = within(np.array([5.0]), np.array([-np.inf]), np.array([np.inf]))
    np.testing.assert_array_equal(unbounded, [1])
    classes = np.array([0.0, 1.0, 1.0, NAN, 0.0])
    np.testing.assert_array_equal(
        contained(classes, ["{0}", "{0}", "{0 1}", "{1}", ""]), [1, 0, 1, NAN, NAN]
    )


def test_bins_share_out_all_rows() -> None:
    similarity = np.array([0.1, 0.3, 0.35, 0.5, 1.0, 0.7])
    held = np.array([0.0, 1, 0, 1, 1, NAN])
    whole, *parts = coverage_by_similarity("logS", held, np.arange(6.0), similarity)
    assert (whole.rows, whole.share, whole.width) == (5, 3 / 5, 2.0)
    assert whole.lower < whole.share < whole.upper
    assert [(part.least, part.rows, part.share) for part in parts] == [
        (0.0, 1, 0.0),
        (0.3, 2, 0.5),
        (0.5, 1, 1.0),
        (0.7, 1, 1.0),
    ]


def test_nothing_measured() -> None:
    (whole,) = coverage_by_similarity("logS", np.array([NAN]), np.ones(1), np.ones(1))
    assert whole.rows == 0
    assert whole.share != pytest.approx(0)

"""How large an error is to be expected, learned from signs of doubt."""

import numpy as np
import pytest

from molecules.prediction.calibration import LEVEL, Calibration
from molecules.prediction.error_scale import LEAST, ErrorScale, held_out_scale

DRAW = np.random.default_rng(0)
SIGNS = DRAW.uniform(0, 1, (4000, 2))


def test_finds_the_sum_that_made_the_errors() -> None:
    expected = 0.5 + 2 * SIGNS[:, 0]
    errors = expected * np.resize([1.0, -1.0], len(SIGNS))
    scale = ErrorScale.fit(errors, SIGNS)
    assert scale.constant == pytest.approx(0.5, abs=0.02)
    assert scale.slopes == pytest.approx((2, 0), abs=0.02)
    np.testing.assert_allclose(scale.of(SIGNS), expected, atol=0.03)


def test_units_of_errors_and_signs_do_not_matter() -> None:
    errors = DRAW.normal(size=50)
    scale = ErrorScale.fit(errors, SIGNS[:50]).of(SIGNS[:50])
    np.testing.assert_allclose(ErrorScale.fit(1e3 * errors, SIGNS[:50]).of(SIGNS[:50]), 1e3 * scale)
    factors = np.array([1e4, 1e-4])
    changed = SIGNS[:50] * factors
    np.testing.assert_allclose(ErrorScale.fit(errors, changed).of(changed), scale)


def test_a_few_molecules_and_a_sign_that_is_always_zero_leave_it_a_constant() -> None:
    errors = np.array([0.0, 1.0])
    told = ErrorScale.fit(errors, np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert told.slopes[1] == 0
    spread = told.of(np.array([[0.0, 5.0], [1.0, 5.0]]))
    assert 1 < spread[1] / spread[0] < 2
    assert spread.min() > 0


def test_no_error_is_thought_impossible() -> None:
    errors = 3 * SIGNS[:, 0]
    told = ErrorScale.fit(errors, SIGNS)
    assert told.of(np.zeros((1, 2)))[0] == pytest.approx(LEAST * errors.mean())


def test_more_disagreement_than_was_seen_is_added_as_it_is() -> None:
    errors = DRAW.normal(size=400)  # nothing to do with the signs
    told = ErrorScale.fit(errors, SIGNS[:400])
    far = np.array([[1.0, 0.5], [50.0, 0.5]])
    assert told.of(far)[1] > 49
    assert told.of(far)[0] == pytest.approx(told.usual(far)[0], rel=0.01)
    made = Calibration.fit("regression", errors, np.zeros(400), SIGNS[:400])
    lower, upper = made.interval("regression", np.zeros(2), far)
    assert (upper - lower)[1] > 90 > 10 > (upper - lower)[0]
    kept = told.model_dump(mode="json")
    assert ErrorScale(**kept) == told
    del kept["most"]  # a file of before
    np.testing.assert_array_equal(ErrorScale(**kept).of(far), told.usual(far))


def test_a_row_has_no_say_in_its_own_scale() -> None:
    errors = DRAW.normal(size=40)
    before = held_out_scale(errors, SIGNS[:40])
    errors[7] = 100
    after = held_out_scale(errors, SIGNS[:40])
    assert after[7] == before[7]
    assert (after != before).any()
    assert held_out_scale(errors[:1], SIGNS[:1]) > 0


def test_intervals_hold_as_much_where_errors_are_large() -> None:
    def drawn(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng(seed)
        signs = draw.uniform(0, 1, (rows, 2))
        return draw.normal(size=rows) * (0.1 + signs[:, 1]), signs

    held = []
    for seed in range(200):
        errors, signs = drawn(seed, 120)
        made = Calibration.fit("regression", errors, np.zeros(120), signs)
        new, beside = drawn(1000 + seed, 200)
        lower, upper = made.interval("regression", new, beside)
        inside = (lower <= 0) & (upper >= 0)
        held.append([inside.mean(), inside[beside[:, 1] > 0.8].mean()])
    whole, large = np.mean(held, axis=0)
    assert whole == pytest.approx(LEVEL, abs=0.015)
    assert large == pytest.approx(LEVEL, abs=0.03)


def test_no_errors_no_width() -> None:
    made = Calibration.fit("regression", np.ones(20), np.ones(20), SIGNS[:20])
    assert made.interval("regression", np.ones(2), SIGNS[:2])[0].tolist() == [1, 1]


def test_a_single_error_leaves_one_width_for_all() -> None:
    """Those that held it out have no error to learn a scale from."""
    errors = np.zeros(20)
    errors[3] = 1.0
    made = Calibration.fit("regression", errors, np.zeros(20), SIGNS[:20])
    assert made.scale is None
    assert made.width == 0.0
    assert Calibration.fit("regression", errors[:0], errors[:0], SIGNS[:0]).width is None

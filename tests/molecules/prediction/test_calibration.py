"""Intervals hold what they promise."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from molecules.prediction.calibration import LEVEL, Calibration

SEED = 0


def test_conformal_width_is_the_closed_form() -> None:
    truth = np.zeros(99)
    predicted = np.arange(1, 100) * np.resize([1.0, -1.0], 99)
    calibration = Calibration.fit("regression", predicted, truth)
    assert calibration.width == 90.0  # ceil(100 * 0.9)-th smallest of 1..99


def test_conformal_coverage() -> None:
    random = np.random.default_rng(SEED)
    held = []
    for _ in range(400):
        errors = random.standard_t(3, 60)
        calibration = Calibration.fit("regression", errors[:50], np.zeros(50))
        lower, upper = calibration.interval("regression", errors[50:])
        held.append(((lower <= 0) & (upper >= 0)).mean())
    assert np.mean(held) == pytest.approx(LEVEL, abs=0.02)


def test_too_few_rows_promise_nothing() -> None:
    calibration = Calibration.fit("regression", np.ones(8), np.zeros(8))
    assert calibration.interval("regression", np.ones(1)) == (-np.inf, np.inf)
    empty = Calibration.fit("binary", np.array([np.nan]), np.array([1.0]))
    assert empty.interval("binary", np.array([0.3])) == (0.0, 1.0)


def test_venn_abers_is_two_isotonic_regressions() -> None:
    random = np.random.default_rng(SEED)
    scores = random.uniform(size=40)
    truth = (random.uniform(size=40) < scores).astype(float)
    calibration = Calibration.fit("binary", scores, truth)
    new = random.uniform(size=10)
    lower, upper = calibration.interval("binary", new)
    for score, low, high in zip(new, lower, upper, strict=True):
        ends = [
            IsotonicRegression().fit([*scores, score], [*truth, label]).predict([score])[0]
            for label in (0.0, 1.0)
        ]
        assert low == pytest.approx(min(ends[0], score), abs=1e-12)
        assert high == pytest.approx(max(ends[1], score), abs=1e-12)


def test_survives_the_model_file() -> None:
    calibration = Calibration.fit("binary", np.array([0.1, 0.9]), np.array([0.0, 1.0]))
    assert Calibration.model_validate(calibration.model_dump(mode="json")) == calibration

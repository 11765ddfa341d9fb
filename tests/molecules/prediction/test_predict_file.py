"""What `predict` says beside its table."""

from types import SimpleNamespace
from typing import cast

import numpy as np

from molecules.prediction.calibration import FEWEST_HELD, Calibration, conformal_quantile
from molecules.prediction.predict_file import without_intervals
from molecules.prediction.predictor import PropertyPredictor
from molecules.tasks import Task, Tasks


def test_intervals_without_ends_are_told() -> None:
    tasks = Tasks(tasks=(Task(name="a"), Task(name="b"), Task(name="c", kind="binary")))
    calibrations = [Calibration(), Calibration(width=1.0), Calibration()]
    made = SimpleNamespace(tasks=tasks, calibrations=calibrations)
    (line,) = without_intervals(cast(PropertyPredictor, made))
    assert line.startswith("no intervals of 'a': fewer than 9 exact values")
    calibrations[0] = Calibration(width=1.0)
    assert without_intervals(cast(PropertyPredictor, made)) == []


def test_how_many_values_give_an_interval() -> None:
    assert conformal_quantile(np.ones(FEWEST_HELD)) == 1
    assert conformal_quantile(np.ones(FEWEST_HELD - 1)) is None

"""What a trained model learns last: its intervals, and where its knowledge ends."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import fingerprints
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import PropertyPredictor
from molecules.training.preparation import Prepared

Array = NDArray[np.float64]


def calibrate(predictor: PropertyPredictor, ready: Prepared) -> PropertyPredictor:
    """The same members with intervals from the validation fold and the training set's domain.

    Args:
        predictor: not calibrated yet.
        ready: the table it was trained on.
    """
    valid, train = ready.folds["valid"], ready.folds["train"]
    learned = [ready.smiles[row] for row in train]
    calibrations = _calibrations(
        predictor.predict([ready.smiles[row] for row in valid], domain=False),
        ready.exact[valid],
        _softening(predictor.predict(learned, domain=False), ready.exact[train]),
    )
    domain = Domain.fit(fingerprints(learned), predictor.embed(learned).vectors)
    return PropertyPredictor(
        predictor.config, predictor.members, calibrations, domain.to_metadata()
    )


def _calibrations(
    predicted: Prediction, truth: Array, softening: Sequence[float | None]
) -> list[Calibration]:
    return [
        Calibration.fit(
            task.kind,
            predicted.mean[:, column],
            truth[:, column],
            None if predicted.spread is None else predicted.spread[:, column],
            softening[column],
        )
        for column, task in enumerate(predicted.tasks.tasks)
    ]


def _softening(predicted: Prediction, truth: Array) -> list[float | None]:
    """RMSE on the training fold, by task: a scale of error where all members agree.

    Known without the validation fold, so that the intervals keep their promise. None for
    a single model, or one without any error there.
    """
    if predicted.spread is None:
        return [None] * len(predicted.tasks)
    measured = np.isfinite(truth)
    squares = np.where(measured, predicted.mean - truth, 0.0) ** 2
    errors = np.sqrt(squares.sum(axis=0) / np.maximum(measured.sum(axis=0), 1))
    return [float(error) if error > 0 else None for error in errors]

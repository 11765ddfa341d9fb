"""What a trained model learns last: its intervals, and where its knowledge ends."""

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import fingerprints
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.predictor import PropertyPredictor
from molecules.training.preparation import Prepared
from molecules.training.stacking import Stacked


def calibrate(
    predictor: PropertyPredictor, ready: Prepared, stacked: Stacked, rows: NDArray[np.int64]
) -> None:
    """Give a predictor intervals from molecules held out, and its training set's domain.

    The intervals are cross-conformal (Vovk 2015): a residual is that of models that had not
    seen its molecule, while the predictor has learned from all folds.

    Args:
        predictor: not calibrated yet.
        ready: the table it was trained on.
        stacked: what was said of molecules held out.
        rows: learned from.
    """
    _, first = np.unique([ready.smiles[row] for row in rows], return_index=True)
    rows = rows[np.sort(first)]  # a molecule that was measured again is no neighbour of itself
    learned = [ready.smiles[row] for row in rows]
    truth = ready.tasks.learned(ready.counted)
    predictor.calibrations = [
        Calibration.fit(
            task.kind,
            stacked.held[:, i],
            truth[:, i],
            None if stacked.signs is None else stacked.signs[:, i],
        )
        for i, task in enumerate(ready.tasks.tasks)
    ]
    vectors = predictor.embed(learned, positions=ready.own_of(rows)).vectors
    domain = Domain.fit(fingerprints(learned), vectors)
    predictor.metadata.update(domain.to_metadata())

"""What a trained model learns last: its intervals, and where its knowledge ends."""

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import fingerprints
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain, sampled
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
    first: dict[str, int] = {}  # a molecule that was measured again is no neighbour of itself
    for row in rows.tolist():
        first.setdefault(ready.smiles[row], row)
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
    some = sampled(np.array(list(first.values()), np.int64))
    embedded = predictor.embed([ready.smiles[row] for row in some], positions=ready.own_of(some))
    domain = Domain.fit(fingerprints(first), embedded.vectors)
    predictor.metadata.update(domain.to_metadata())

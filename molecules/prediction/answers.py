"""From what networks and other experts say of molecules to one answer and its interval."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molecules.experts.expert import Expert, tell
from molecules.experts.inputs import Inputs
from molecules.experts.stack import combine, proper, signs_of_doubt
from molecules.prediction.calibration import Calibration
from molecules.tasks import Tasks

Array = NDArray[np.float64]


def answers(
    networks: Array,
    others: Sequence[Expert],
    weights: Array,
    tasks: Tasks,
    inputs: Inputs | None,
    limits: Array,
) -> tuple[Array, Array, Array]:
    """What all say together, on the scale that is learned.

    The spread is that of a mixture of all models: what the experts differ by, and the
    networks among themselves.

    Args:
        networks: (molecule, network, task) on that scale; their mean counts as one expert.
        others: the experts beside them.
        weights: (1 + others, task), the networks' first.
        tasks: the properties.
        inputs: of the same molecules, for the others.
        limits: of what each may say, see `label_limits`.

    Returns:
        Mean and spread (molecule, task), and signs of doubt (molecule, task, sign).
    """
    experts, unsure = [np.clip(networks.mean(axis=1), *limits)], list[Array | None]()
    networks = np.clip(networks, *limits)
    for other in others:
        assert inputs is not None, "experts beside networks need inputs"
        values, doubt = tell(other, inputs)
        experts.append(np.clip(proper(values, tasks), *limits))
        unsure.append(doubt)
    predicted = np.stack(experts)
    signs = signs_of_doubt(predicted, weights, unsure)
    apart = networks.std(axis=1, ddof=1) if networks.shape[1] > 1 else 0.0
    spread = np.sqrt(signs[..., 0] ** 2 + weights[0] * apart**2)
    return combine(predicted, weights, tasks), spread, signs


def intervals(
    mean: Array, signs: Array, tasks: Tasks, calibrations: Sequence[Calibration]
) -> tuple[Array, Array, NDArray[np.str_]]:
    """Ends of the intervals and conformal sets, (molecule, task) each.

    Args:
        mean, signs: of `answers`; NaN where there is no molecule.
        tasks: the properties.
        calibrations: one for each.
    """
    lower, upper = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    sets = np.full(mean.shape, "", dtype="<U8")
    told = np.isfinite(mean).all(axis=1)
    for column, (task, calibration) in enumerate(zip(tasks.tasks, calibrations, strict=True)):
        values = mean[told, column]
        lower[told, column], upper[told, column] = calibration.interval(
            task.kind, values, signs[told, column]
        )
        if task.kind == "binary":
            sets[told, column] = calibration.sets(values)
    return lower, upper, sets

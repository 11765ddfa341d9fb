"""Fitting what knows numbers alone to a table with bounds such as `<5`."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from molecules.experts.expert import Expert
from molecules.experts.inputs import Inputs
from molecules.training.preparation import Prepared

Array = NDArray[np.float64]
E = TypeVar("E", bound=Expert)


def fit_with_bounds(
    fit: Callable[[Inputs, Array], E],
    inputs: Inputs,
    ready: Prepared,
    rows: NDArray[np.int64],
    tasks: Sequence[int] | None = None,
) -> E:
    """Fit to what was measured, then once more with the bounds that the first fit breaks.

    A bound that is kept says no more than the fit does already; one that is broken counts as
    a value, and so costs only beyond it, as in the networks' loss.

    Args:
        fit: to inputs and labels (row, task) on the scale that is learned, NaN where there is
            none.
        inputs: of the rows.
        ready: the table.
        rows: to learn from.
        tasks: to learn; None for all.
    """
    chosen = list(range(len(ready.tasks)) if tasks is None else tasks)
    labels = ready.tasks.learned(ready.labels[rows])[:, chosen]
    bounds = ready.bounds(rows)[:, chosen]
    exact = np.where(bounds == 0, labels, np.nan)
    expert = fit(inputs, exact)
    if not bounds.any():
        return expert
    broken = bounds * (labels - expert.predict(inputs)) > 0
    unmeasured = ~np.isfinite(exact).any(axis=0)
    return fit(inputs, np.where(broken | unmeasured, labels, exact))

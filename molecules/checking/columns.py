"""Other columns of the table that give the answer away, or look like one."""

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.checking.findings import Finding
from molecules.files.recognize import listing, looks_computed
from molecules.files.table import Table
from molecules.tasks import Task
from sciml.wording import count

Values = NDArray[np.float64]

ALMOST = 0.98  # correlation of what is the same quantity once more
RELATED = 0.7  # of what is named like a prediction
LEAST_ROWS = 10


def check_columns(
    table: Table, task: Task, values: Values, learned: Collection[str]
) -> list[Finding]:
    """Columns that correlate with a measured one as its prediction or copy would."""
    found = []
    for name, numbers in _numbers(table, learned).items():
        r = _correlation(values, numbers)
        computed = looks_computed(name)
        if abs(r) >= ALMOST and not computed:
            text = f"{name!r} is almost {task.name} (r = {r:.3f})"
            advice = "never give it to a model that shall predict the other"
            found.append(Finding("columns", "warning", text, advice))
        elif abs(r) >= RELATED and computed:
            text = f"{name!r} looks like a prediction of {task.name} (r = {r:.2f})"
            found.append(Finding("columns", "warning", text, "do not learn it in its place"))
    return found


def check_computed(table: Table, learned: Collection[str]) -> list[Finding]:
    """Columns that are named like descriptors or predictions."""
    names = [name for name in _numbers(table, learned) if looks_computed(name)]
    if not names:
        return []
    text = f"{count(len(names), 'column')} named like descriptors or predictions: "
    return [Finding("columns", "note", text + listing(names, 6), "they are not learned or read")]


def _numbers(table: Table, learned: Collection[str]) -> dict[str, Values]:
    """Every other column that holds numbers in most of its cells."""
    found = {}
    for name in table.frame.columns:
        if name != table.smiles_column and name not in learned:
            cells = table.frame[name]
            numbers = pd.to_numeric(cells, errors="coerce").to_numpy(float, na_value=np.nan)
            if np.isfinite(numbers).mean() > 0.5:
                found[str(name)] = numbers
    return found


def _correlation(a: Values, b: Values) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < LEAST_ROWS or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
        return 0.0
    return float(np.corrcoef(a[both], b[both])[0, 1])

"""The folds of a table: divided by molecule, or as a column or a file says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.choices import SplitKind
from molecules.evaluation.splits import Split, require_filled, split, split_by_column, split_by_file
from molecules.files.recognize import require_columns, text_cells
from molecules.files.table import Table
from sciml.errors import InputError

Array = NDArray[np.float64]


def divide(
    table: Table,
    smiles: Sequence[str],
    kind: SplitKind,
    fractions: Sequence[float],
    seed: int = 0,
    column: str | None = None,
    file: Path | None = None,
    time_column: str | None = None,
) -> Split:
    """Rows of train, valid and test.

    Args:
        table: the molecules.
        smiles: of its usable rows, blank elsewhere; only these are in a fold.
        kind, fractions, seed: see `split`.
        column: that says train, valid or test, instead of a division.
        file: JSON with row numbers, instead of a division.
        time_column: of dates or years, for the split `time`.

    Raises:
        InputError: column and file are both given, or as `split`.
    """
    if column is not None and file is not None:
        raise InputError("a column and a file both say how to split; give one")
    if file is not None:
        folds = split_by_file(file, len(table))
    elif column is not None:
        require_columns(table.frame, [column], table.source)
        folds = split_by_column(text_cells(table.frame[column]))
    else:
        times = None
        if kind == "time" and time_column is not None:
            times = _times(table, time_column, smiles)
        return split(kind, smiles, fractions, seed, times)
    usable = np.array([bool(text) for text in smiles])
    return require_filled({name: rows[usable[rows]] for name, rows in folds.items()}, (1, 0, 1))


def _times(table: Table, column: str, smiles: Sequence[str]) -> Array:
    """(row,) when each row was measured: years, other numbers, or days of ISO dates."""
    require_columns(table.frame, [column], table.source)
    cells = pd.Series([cell.strip() for cell in text_cells(table.frame[column])])
    times = pd.to_numeric(cells, errors="coerce")
    if times.isna().mean() > 0.5:
        dates = pd.to_datetime(cells, format="ISO8601", errors="coerce", utc=True)
        times = (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    unknown = np.flatnonzero(times.isna() & np.array([bool(text) for text in smiles]))
    if unknown.size:
        raise InputError(
            f"column {column!r} holds {cells[unknown[0]]!r} in row {unknown[0] + 1}; "
            "expected a year, a number or a date such as 2024-05-31"
        )
    return times.to_numpy(float)

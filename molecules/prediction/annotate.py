"""Predictions beside the columns of the user's own table, in constant memory."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from molecules.files.parquet_types import Types
from molecules.files.recognize import tidy_names
from molecules.files.table import Table
from molecules.prediction.writers import table_writer
from sciml.errors import InputError
from sciml.files import atomic_path

if TYPE_CHECKING:
    from molecules.features.features import Status
    from molecules.prediction.prediction import Embedding, Prediction

UNREADABLE = cast("Status", "invalid_structure")  # known to files only, not to a model


def annotate(
    predicted: Iterable[tuple[Table, "Prediction"]], out: Path, types: Types | None = None
) -> Counter[str]:
    """Write every row of a table, in its order, with predictions and a status.

    Adds the columns of `Prediction.columns`; a name that the table has already gets a
    number behind it. A molecule that cannot be predicted has blanks and says why.

    Args:
        predicted: consecutive parts of the table, with what is predicted for their rows.
        out: .csv, .tsv (also with .gz), .parquet, .xlsx or .sdf; appears when it is complete.
        types: see `table_writer`.

    Returns:
        How many rows have each status.

    Raises:
        InputError: no row holds a molecule that can be predicted, or `out` has no
            known format; nothing is written.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with atomic_path(out) as path, table_writer(path, types) as write:
        for table, prediction in predicted:
            write(beside(table.frame, prediction), table.smiles, table.positions)
            counts.update(prediction.status)
            reasons.update(filter(None, prediction.reason))
        require_molecules(counts, reasons)
    return counts


def beside(frame: pd.DataFrame, prediction: "Prediction") -> pd.DataFrame:
    """The table with the columns of a prediction behind its own."""
    columns = prediction.columns()
    own = [str(name) for name in frame.columns]
    added = tidy_names([*own, *columns])[len(own) :]
    named = dict(zip(added, columns.values(), strict=True))
    return pd.concat([frame, pd.DataFrame(named, index=frame.index)], axis=1)


def mark_unreadable(found: "Prediction | Embedding", unreadable: Mapping[int, str]) -> None:
    """Say why of rows, counted from 0, whose structure the file itself hides."""
    for row, reason in unreadable.items():
        found.status[row], found.reason[row] = UNREADABLE, reason


def require_molecules(counts: Counter[str], reasons: Counter[str]) -> None:
    """Raise an InputError with the commonest reason if not one row was predicted."""
    if not counts["ok"]:
        why = f"; most often: {reasons.most_common(1)[0][0]}" if reasons else ""
        raise InputError(
            f"none of {counts.total()} rows holds a molecule that can be predicted{why}"
        )

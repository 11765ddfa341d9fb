"""Predictions beside the columns of the user's own table, in constant memory."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from molecules.files.recognize import tidy_names
from molecules.files.table import Table
from molecules.prediction.writers import table_writer
from sciml.errors import InputError
from sciml.files import atomic_path

if TYPE_CHECKING:
    from molecules.features.features import Status
    from molecules.prediction.predictor import Prediction

UNREADABLE = cast("Status", "invalid_structure")  # known to files only, not to a model


def annotate(
    predicted: Iterable[tuple[Table, "Prediction"]], tasks: Sequence[str], out: Path
) -> Counter[str]:
    """Write every row of a table, in its order, with predictions and a status.

    Adds, for each task, `<task>_pred`, `<task>_lower` and `<task>_upper`, for a property
    of several classes the most probable one, then `status` and `reason`; a name that the
    table has already gets a number behind it. A molecule that cannot be predicted has
    blanks and says why.

    Args:
        predicted: consecutive parts of the table, with what is predicted for their rows.
        tasks: names of what is predicted.
        out: .csv, .tsv (also with .gz), .parquet or .sdf; appears when it is complete.

    Returns:
        How many rows have each status.

    Raises:
        InputError: no row holds a molecule that can be predicted, or `out` has no
            known format; nothing is written.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with atomic_path(out) as path, table_writer(path) as write:
        for table, prediction in predicted:
            write(beside(table.frame, prediction, tasks), table.smiles)
            counts.update(prediction.status)
            reasons.update(filter(None, prediction.reason))
        require_molecules(counts, reasons)
    return counts


def beside(frame: pd.DataFrame, prediction: "Prediction", tasks: Sequence[str]) -> pd.DataFrame:
    """The table with the columns of a prediction behind its own."""
    names = [f"{task}_{part}" for task in tasks for part in ("pred", "lower", "upper")]
    values = np.stack([prediction.mean, prediction.lower, prediction.upper], axis=-1)
    values = values.reshape(len(frame), len(names)).astype(np.float32)  # what a model resolves
    columns: list[object] = list(values.T)
    for name, chosen in most_probable(prediction).items():
        names.append(f"{name}_pred")
        columns.append(chosen)
    columns += [list(prediction.status), list(prediction.reason)]
    own = [str(name) for name in frame.columns]
    added = tidy_names([*own, *names, "status", "reason"])[len(own) :]
    result = pd.DataFrame(dict(zip(added, columns, strict=True)), index=frame.index)
    return pd.concat([frame, result], axis=1)


def most_probable(prediction: "Prediction") -> dict[str, list[str]]:
    """Property of several classes -> the most probable class of each row; blank without one."""
    found = {}
    for name, columns in prediction.tasks.classes.items():
        labels = [prediction.tasks.names[i].removeprefix(f"{name}=") for i in columns]
        chances = prediction.mean[:, columns]
        found[name] = [labels[row.argmax()] if np.isfinite(row).all() else "" for row in chances]
    return found


def require_molecules(counts: Counter[str], reasons: Counter[str]) -> None:
    """Raise an InputError with the commonest reason if not one row was predicted."""
    if not counts["ok"]:
        why = f"; most often: {reasons.most_common(1)[0][0]}" if reasons else ""
        raise InputError(
            f"none of {counts.total()} rows holds a molecule that can be predicted{why}"
        )

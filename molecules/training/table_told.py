"""What is told of a table before it is learned: columns, values far out, rows that do not count."""

import numpy as np
from numpy.typing import NDArray

from molecules.checking.values import ruling
from molecules.evaluation.splits import Split
from molecules.files.labels import MOST_TOLD
from molecules.files.table import Table
from molecules.tasks import Task, Tasks
from sciml.wording import count

Array = NDArray[np.float64]

_NAMED = 8  # columns to learn that are told by name


def chosen(table: Table, tasks: Tasks, usable: NDArray[np.bool_]) -> str:
    """Which columns were taken for what, so that a wrong guess is seen at once.

    Args:
        table: with a column of molecules.
        tasks: that are learned.
        usable: (row,) whether a row has a molecule and a label.
    """
    kinds = {task.of or task.name: _kind(task) for task in tasks.tasks}
    shown = [f"{name!r} ({kind})" for name, kind in kinds.items()]
    told = ", ".join(shown[:_NAMED])
    if len(shown) > _NAMED:
        told += f" and {len(shown) - _NAMED} more"
    return (
        f"{table.notation} from column {table.smiles_column!r}, labels from {told}; "
        f"{usable.sum():,} of {len(table):,} rows have both"
    )


def _kind(task: Task) -> str:
    if task.of:
        return "classes"
    return f"{task.kind} of its logarithm" if task.scale == "log" else task.kind


def wild(tasks: Tasks, values: Array) -> list[str]:
    """Lines on the first few properties whose error a few values far out will rule.

    Args:
        tasks: that are learned.
        values: (row, task) measured values that count, each in its unit; NaN elsewhere.
    """
    lines = [line for found in map(ruling, tasks.tasks, values.T) for line in found]
    if (more := len(lines) - MOST_TOLD) > 0:
        lines[MOST_TOLD:] = [f"values so far out in {count(more, 'more column')} too"]
    return lines


def not_counted(weights: Array, folds: Split) -> tuple[str, ...]:
    """A line on rows of weight 0, if there are any.

    Args:
        weights: (row,) dimensionless.
        folds: rows of each fold.
    """
    zero = {name: int((weights[rows] == 0).sum()) for name, rows in folds.items()}
    known, tested = zero["train"] + zero["valid"], zero["test"]
    told = [f"{count(known, 'row')} not learned from"] if known else []
    told += [f"{count(tested, 'row')} of the test fold scored like any other"] if tested else []
    return (f"weight 0: {', '.join(told)}",) if told else ()

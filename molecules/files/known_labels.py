"""What a table says of properties that a model knows already: their words and classes stay."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molecules.files.labels import Labels, parse_labels
from molecules.files.measured import joined
from molecules.files.recognize import NUMBER, listing, require_columns, text_cells
from molecules.files.table import Table
from molecules.tasks import Task, Tasks
from sciml.errors import InputError


def known_labels(table: Table, tasks: Tasks, columns: Sequence[int] | None = None) -> Labels:
    """Labels of the tasks of a model, as the table that it learned from was read.

    A word of a yes/no property is 0 or 1 as in training, and a class 1 for its own task and 0
    for the others of its column. What is none of them, or of a yes/no property neither 0 nor
    1, is missing.

    Args:
        table: has a column of each property's name.
        tasks: of the model.
        columns: which of the tasks; default all.

    Returns:
        (row, chosen task).

    Raises:
        InputError: there is no such column, or one of them holds no label.
    """
    chosen = [tasks.tasks[i] for i in (range(len(tasks)) if columns is None else columns)]
    require_columns(table.frame, [task.of or task.name for task in chosen], table.source)
    return joined([_of_task(table, task, tasks) for task in chosen])


def _of_task(table: Table, task: Task, tasks: Tasks) -> Labels:
    column = task.of or task.name
    numbers = {} if task.kind == "regression" else _meant(task, tasks)
    read = parse_labels(table.frame, [column])
    meant = {_alike(word): value for word, value in numbers.items()}
    cells = [_alike(cell.strip()) for cell in text_cells(table.frame[column])]
    values = np.array([[meant.get(cell, np.nan)] for cell in cells])
    if task.kind == "regression":
        values = read.values
    elif not task.of and not any(isinstance(word, float) for word in meant):
        values = np.where(np.isnan(values), _yes_no(read.exact), values)
    if np.isnan(values).all():
        expected = listing(list(numbers)) if numbers else "numbers, or yes and no"
        raise InputError(f"column {column!r} of {table.source} holds no label: expected {expected}")
    bounds = read.bounds if task.kind == "regression" else np.zeros_like(read.bounds)
    return Labels(values, bounds)


def _alike(word: str) -> str | float:
    """A word as what it is compared by: `1`, `1.0` and `1e0` are one."""
    return float(word) if NUMBER.fullmatch(word) else word


def _meant(task: Task, tasks: Tasks) -> dict[str, float]:
    """Word of the table -> what it stands for."""
    if not task.of:
        return dict(zip(task.words, (0.0, 1.0), strict=False))
    classes = [tasks.names[i].removeprefix(f"{task.of}=") for i in tasks.classes[task.of]]
    own = task.name.removeprefix(f"{task.of}=")
    return {word: float(word == own) for word in classes}


def _yes_no(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isin(values, (0.0, 1.0)), values, np.nan)

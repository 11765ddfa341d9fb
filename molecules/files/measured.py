"""The columns to learn from: what they measure, and their values."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from molecules.files.blank import is_blank
from molecules.files.candidates import MOST_CLASSES
from molecules.files.labels import Labels, parse_labels
from molecules.files.recognize import listing, require_columns, text_cells
from molecules.files.table import Table
from molecules.files.two_words import known_words, two_words
from molecules.tasks import Task, TaskOptions, Tasks, infer_task, nearly_positive
from sciml.config import nearest
from sciml.errors import InputError

MOST_SCORES = 10  # whole numbers up to this, and no more of them, may be scores

Mask = NDArray[np.bool_]


def measured(
    table: Table,
    columns: Sequence[str],
    options: Mapping[str, TaskOptions] | None = None,
    usable: Mask | None = None,
    optional: Collection[str] = (),
) -> tuple[Tasks, Labels]:
    """Tasks of the named columns, and their labels.

    A column of words is a property of several classes, and becomes a task for each of
    them that is 1 for its own molecules and 0 for those of the other classes. Two words are
    one yes/no property, see `two_words`.

    Args:
        table: the molecules.
        columns: that are to be learned.
        options: column -> what the user says of it.
        usable: (row,) whose values count; default all.
        optional: columns to leave out, and to say so, where nothing can be learned from them:
            those that a pattern named.

    Returns:
        The tasks, and labels with a column for each.

    Raises:
        InputError: an unknown column, or one that nothing can be learned from.
    """
    options = options or {}
    require_columns(table.frame, columns, table.source)
    for name in options:
        if name not in columns:
            raise InputError(
                f"data.tasks names {name!r}, which is not learned{nearest(name, columns)}"
            )
    chosen = np.ones(len(table), bool) if usable is None else usable
    parts: dict[str, tuple[list[Task], Labels]] = {}
    reasons: dict[str, InputError] = {}
    for name in columns:
        try:
            parts[name] = _column(table, name, options.get(name, TaskOptions()), chosen)
        except InputError as error:
            if name not in optional:
                raise
            reasons[name] = error
    if not parts:
        raise next(iter(reasons.values()))
    tasks = Tasks(tasks=tuple(task for tasks, _ in parts.values() for task in tasks))
    return tasks, joined([labels for _, labels in parts.values()], tuple(reasons))


def _column(
    table: Table, name: str, options: TaskOptions, usable: Mask
) -> tuple[list[Task], Labels]:
    labels = parse_labels(table.frame, [name])
    numbers = np.isfinite(labels.values[:, 0]) & usable
    cells = [cell.strip() for cell in text_cells(table.frame[name])]
    if options.kind != "multiclass" and not options.positive and numbers.any():
        exact = np.where(usable, labels.exact[:, 0], np.nan)
        if not np.isfinite(exact).any():
            raise InputError(_bounds_only(name, cells, numbers))
        task = infer_task(name, exact, options)
        if task.kind == "regression":
            told = _like_classes(name, exact) if options.kind == "auto" else ()
            told += nearly_positive(task, exact) if options.scale == "auto" else ()
            told += _mostly_bounds(name, int(numbers.sum()), int(np.isfinite(exact).sum()))
            return [task], replace(labels, told=told)
        return _named(task, cells, labels)
    cells = ["" if is_blank(cell) else cell for cell in cells]
    words = {cell for cell, use in zip(cells, usable, strict=True) if use and cell}
    named = options.kind == "multiclass"
    yes_no = len(words) == 2 and options.kind == "binary"
    fits = named or yes_no or options.kind == "auto"
    if len(words) < 2 or not fits or len(words) > MOST_CLASSES:
        raise InputError(
            f"column {name!r} of {table.source} holds no label: expected numbers, yes and no, "
            f"or 2 to {MOST_CLASSES} classes; it holds {listing(sorted(words), 3) or 'nothing'}"
        )
    in_order = sorted(words, key=_natural)
    if len(words) == 2:
        return _yes_no(name, cells, in_order, options)
    if options.positive:
        raise InputError(
            f"column {name!r} holds {len(words)} classes ({listing(in_order, 3)}); data.tasks may "
            "say which is positive where there are two"
        )
    return _classes(name, cells, in_order, options)


def _bounds_only(name: str, cells: Sequence[str], numbers: Mask) -> str:
    """Why a quantity cannot be learned, and how to learn on which side molecules are."""
    held = sorted({cell for cell, number in zip(cells, numbers, strict=True) if number})
    way = "write yes and no instead of them to learn on which side of one limit a molecule is"
    if len(held) == 2:
        positive = f'--data.tasks \'{{"{name}": {{positive: "{held[0]}"}}}}\''
        way = f"to learn them as yes and no: {positive}"
    return (
        f"column {name!r} holds bounds only ({listing(held, 3)}), and no measured value that a "
        f"quantity is learned from; {way}"
    )


def _mostly_bounds(name: str, labels: int, exact: int) -> tuple[str, ...]:
    """A line where most labels are bounds, of which scores and intervals tell nothing."""
    if 2 * exact >= labels:
        return ()
    return (
        f"{name}: scores and intervals speak of the {exact:,} measured values, not of the "
        f"{labels - exact:,} bounds",
    )


def _like_classes(name: str, values: NDArray[np.float64]) -> tuple[str, ...]:
    """A line if numbers that are learned as a quantity could be classes: two, or a few scores.

    Args:
        name: of the column.
        values: (row,), NaN where unmeasured.
    """
    values = values[np.isfinite(values)]
    numbers = np.unique(values)
    scores = bool((numbers == numbers.round()).all() and np.abs(numbers).max() <= MOST_SCORES)
    few = len(numbers) <= MOST_SCORES and 2 * len(numbers) <= len(values)
    if len(numbers) > 2 and not (scores and few):
        return ()
    shown = ", ".join(f"{number:g}" for number in numbers)
    return (
        f"{name}: {shown} are learned as a quantity; for classes: "
        f"--data.tasks '{{{name}: {{kind: multiclass}}}}'",
    )


def _named(task: Task, cells: Sequence[str], labels: Labels) -> tuple[list[Task], Labels]:
    """A yes/no task, with the words that stand for 0 and 1, if they do."""
    words = known_words(cells)
    if words is None:
        return [task], labels
    named = task.model_copy(update={"words": (words.zero, words.one)})
    return [named], replace(labels, told=(words.told(task.name),))


def _yes_no(
    name: str, cells: Sequence[str], words: Sequence[str], options: TaskOptions
) -> tuple[list[Task], Labels]:
    chosen = two_words(cells, words, options.positive)
    pair = (chosen.zero, chosen.one)
    number = {chosen.zero: 0.0, chosen.one: 1.0}
    values = np.array([[number.get(cell, np.nan)] for cell in cells])
    task = Task(name=name, kind="binary", better=options.better, words=pair)
    return [task], Labels(values, np.zeros(values.shape, np.int8), told=(chosen.told(name),))


def _classes(
    name: str, cells: Sequence[str], words: Sequence[str], options: TaskOptions
) -> tuple[list[Task], Labels]:
    tasks = [
        Task(name=f"{name}={word}", kind="binary", better=options.better, of=name) for word in words
    ]
    known = np.isin(cells, words)
    values = np.array([[float(cell == word) for word in words] for cell in cells])
    values[~known] = np.nan
    return tasks, Labels(values, np.zeros(values.shape, np.int8))


def joined(parts: Sequence[Labels], left_out: tuple[str, ...] = ()) -> Labels:
    """Labels of several columns side by side."""
    return Labels(
        np.concatenate([part.values for part in parts], axis=1),
        np.concatenate([part.bounds for part in parts], axis=1),
        tuple(note for part in parts for note in part.read),
        tuple(note for part in parts for note in part.unread),
        left_out,
        tuple(line for part in parts for line in part.told),
    )


def _natural(word: str) -> tuple[tuple[int, float, str], ...]:
    """Sorts numbers within words by value: 2 before 10."""
    return tuple(
        (0, float(part), "") if part.isdigit() else (1, 0.0, part)
        for part in re.split(r"(\d+)", word.lower())
    )

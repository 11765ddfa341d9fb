"""Cells of a table as numbers to learn from, and a report of those that are none."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.files.recognize import text_cells

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
CENSORED = re.compile(r"[<>≤≥~]")
BLANK = {"", "na", "n/a", "#n/a", "nan", "none", "null"}
WORDS = {
    **dict.fromkeys(("yes", "true", "active", "positive", "y", "t"), 1.0),
    **dict.fromkeys(("no", "false", "inactive", "negative", "n", "f"), 0.0),
}


@dataclass(frozen=True)
class UnreadLabel:
    """A cell that is taken as missing though it is not blank."""

    row: int
    column: str
    text: str
    reason: str


@dataclass(frozen=True)
class Labels:
    """Measured values.

    Attributes:
        values: (row, task) float64 in the units of the table; NaN where missing.
        unread: cells that hold something, but no number.
    """

    values: NDArray[np.float64]
    unread: tuple[UnreadLabel, ...]


def parse_labels(frame: pd.DataFrame, columns: Sequence[str]) -> Labels:
    """Read label columns.

    A column may hold numbers with a decimal point; or, throughout, with a decimal
    comma; or two classes as words (yes/no, true/false, active/inactive), also mixed
    with 0 and 1. `<5` is a censored measurement: reported, and missing.

    Args:
        frame: one molecule per row.
        columns: names of columns in `frame`.
    """
    values = np.full((len(frame), len(columns)), np.nan)
    unread: list[UnreadLabel] = []
    for task, column in enumerate(columns):
        cells = [cell.strip() for cell in text_cells(frame[column])]
        readable = _reader(set(cells))
        values[:, task] = [readable.get(cell, np.nan) for cell in cells]
        unread += [
            UnreadLabel(row, column, cell, _reason(cell))
            for row, cell in enumerate(cells)
            if cell not in readable and cell.lower() not in BLANK
        ]
    return Labels(values, tuple(unread))


def _reader(texts: Iterable[str]) -> dict[str, float]:
    """Text -> number, for those texts of one column that are numbers."""
    numbers = {text: float(text) for text in texts if NUMBER.fullmatch(text)}
    numbers = {text: number for text, number in numbers.items() if np.isfinite(number)}
    if not any("." in text for text in numbers):
        commas = [text for text in texts if DECIMAL_COMMA.fullmatch(text)]
        numbers |= {text: float(text.replace(",", ".")) for text in commas}
    if set(numbers.values()) <= {0.0, 1.0}:
        numbers |= {text: WORDS[text.lower()] for text in texts if text.lower() in WORDS}
    return numbers


def _reason(text: str) -> str:
    if CENSORED.match(text):
        return "censored: the value is only bounded"
    return "infinite" if NUMBER.fullmatch(text) or "inf" in text.lower() else "not a number"

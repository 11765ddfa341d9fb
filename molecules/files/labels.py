"""Cells of a table as numbers to learn from, and a report of those that are no plain numbers."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.files.blank import BLANK
from molecules.files.recognize import NUMBER, listing, text_cells
from sciml.wording import count

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234: a decimal comma or not
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*|,\d{3})")
UNCERTAIN = re.compile(r"(\S+)\s*(±|\+/-|\+-)\s*\S+")
RELATION = re.compile(r"(<=|>=|<<|>>|=|<|>|≤|≥|~|≈)\s*")
BOUNDS = {"<": -1, "<=": -1, "≤": -1, "<<": -1, ">": 1, ">=": 1, "≥": 1, ">>": 1}
Comma = Literal["decimal", "thousands", "either"]
WORDS = {
    **dict.fromkeys(("yes", "true", "active", "positive", "y", "t"), 1.0),
    **dict.fromkeys(("no", "false", "inactive", "negative", "n", "f"), 0.0),
}
EXAMPLES = 3
MOST_TOLD = 8  # columns of which it is told how they were understood


@dataclass(frozen=True)
class LabelNote:
    """A cell that is no plain number.

    Attributes:
        row: of the table, from 0.
        column, text: where it stands and what it holds.
        reason: how it was read, or why it is taken as missing.
    """

    row: int
    column: str
    text: str
    reason: str


@dataclass(frozen=True)
class Labels:
    """Measured values.

    Attributes:
        values: (row, task) float64 in the units of the table; NaN where missing. Of a
            censored measurement it is the bound.
        bounds: (row, task) int8; 1 where the true value is at least `values` (`>5`), -1
            where it is at most that (`<5`), 0 where it was measured.
        read: cells that were read, though not as plain numbers.
        unread: cells that hold something, but no number: missing.
        left_out: columns without two different values, which are not here.
        told: how columns were understood where it could be otherwise, one line each.
    """

    values: NDArray[np.float64]
    bounds: NDArray[np.int8]
    read: tuple[LabelNote, ...] = ()
    unread: tuple[LabelNote, ...] = ()
    left_out: tuple[str, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def exact(self) -> NDArray[np.float64]:
        """(row, task) values that were measured; NaN where missing or only bounded."""
        return np.where(self.bounds == 0, self.values, np.nan)

    def report(self) -> list[str]:
        """How columns were understood; then a line for each column and reason: where it stands."""
        cells: dict[tuple[str, str], list[LabelNote]] = {}
        for note in (*self.read, *self.unread):
            cells.setdefault((note.column, note.reason), []).append(note)
        lines = [_left_out(self.left_out)] if self.left_out else []
        told = list(self.told[:MOST_TOLD])
        if len(self.told) > MOST_TOLD:
            told.append(f"{count(len(self.told) - MOST_TOLD, 'more line')} of this kind left out")
        return [*told, *lines] + [_line(*key, found) for key, found in cells.items()]


def _left_out(columns: Sequence[str]) -> str:
    many = len(columns) > 1
    told = ("columns hold", "are") if many else ("column holds", "is")
    return (
        f"{len(columns)} {told[0]} no two different labels, and {told[1]} left out: "
        f"{listing(columns)}"
    )


@dataclass(frozen=True)
class _Reading:
    value: float
    bound: int = 0
    reason: str = ""  # empty for a plain number


def parse_labels(frame: pd.DataFrame, columns: Sequence[str]) -> Labels:
    """Read label columns.

    A column holds numbers, or two classes as words (yes/no, true/false,
    active/inactive), also mixed with 0 and 1. `<5` is censored; `3,45` has a decimal
    comma; `1,234` could be either of two numbers and is missing unless another cell of
    the column settles it; `n/a` and its like are blank.

    Args:
        frame: one molecule per row.
        columns: names of columns in `frame`.
    """
    values = np.full((len(frame), len(columns)), np.nan)
    bounds = np.zeros(values.shape, np.int8)
    read: list[LabelNote] = []
    unread: list[LabelNote] = []
    for task, column in enumerate(columns):
        cells = [_plain_signs(cell) for cell in text_cells(frame[column])]
        known = _readings(set(cells))
        for row, cell in enumerate(cells):
            reading = known.get(cell)
            if reading is not None:
                values[row, task], bounds[row, task] = reading.value, reading.bound
                if reading.reason:
                    read.append(LabelNote(row, column, cell, reading.reason))
            elif cell.lower() not in BLANK:
                unread.append(LabelNote(row, column, cell, _why_unread(cell)))
    return Labels(values, bounds, tuple(read), tuple(unread))


def _plain_signs(cell: str) -> str:
    """Without padding, and with the hyphen for a typographic minus."""
    return cell.strip().replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ")


def _readings(texts: Iterable[str]) -> dict[str, _Reading]:
    """Text -> what it says, for those texts of one column that say a number."""
    texts = [text for text in texts if text.lower() not in BLANK]
    parts = {text: _relation(text) for text in texts}
    numbers = {part for _, part in parts.values()}
    comma = _comma(numbers)
    found = {}
    for text, (relation, part) in parts.items():
        reading = _number(part, comma)
        if reading is not None:
            found[text] = _related(reading, relation)
    if {reading.value for reading in found.values()} <= {0.0, 1.0}:
        found |= {text: _Reading(WORDS[text.lower()]) for text in texts if text.lower() in WORDS}
    return found


def _relation(text: str) -> tuple[str, str]:
    sign = None if NUMBER.fullmatch(text) else RELATION.match(text)
    return (sign[1], text[sign.end() :]) if sign else ("", text)


def _comma(numbers: Iterable[str]) -> Comma:
    """What a comma before three digits is, by the other cells of the column."""
    numbers = list(numbers)
    commas = [text for text in numbers if DECIMAL_COMMA.fullmatch(text)]
    decimal = any(not MAYBE_THOUSANDS.fullmatch(text) for text in commas)
    thousands = any(THOUSANDS.fullmatch(text) for text in numbers)
    points = any("." in text for text in numbers if NUMBER.fullmatch(text))
    if decimal == (thousands or points):
        return "either"
    return "decimal" if decimal else "thousands"


def _number(text: str, comma: Comma) -> _Reading | None:
    if NUMBER.fullmatch(text):
        return _Reading(float(text)) if np.isfinite(float(text)) else None
    uncertain = UNCERTAIN.fullmatch(text)
    if uncertain:
        inner = _number(uncertain[1], comma)
        return inner and _Reading(inner.value, reason="uncertainty left out")
    maybe = MAYBE_THOUSANDS.fullmatch(text)
    if THOUSANDS.fullmatch(text) or (maybe and comma == "thousands"):
        return _Reading(float(text.replace(",", "")), reason="commas between thousands")
    if DECIMAL_COMMA.fullmatch(text) and (comma == "decimal" or not maybe):
        return _Reading(float(text.replace(",", ".")), reason="decimal comma")
    return None


def _related(reading: _Reading, relation: str) -> _Reading:
    if relation in BOUNDS:
        bound = BOUNDS[relation]
        side = "at most" if bound < 0 else "at least"
        return _Reading(reading.value, bound, f"censored: the value is {side} this")
    if relation in ("~", "≈"):
        return _Reading(reading.value, reason="approximate: taken as measured")
    return reading


def _why_unread(text: str) -> str:
    if MAYBE_THOUSANDS.fullmatch(text):
        return "missing: the comma could be decimal or between thousands"
    infinite = NUMBER.fullmatch(text) or "inf" in text.lower()
    return f"missing: {'infinite' if infinite else 'not a number'}"


def _line(column: str, reason: str, found: Sequence[LabelNote]) -> str:
    shown = ", ".join(f"{note.text!r} in row {note.row + 1}" for note in found[:EXAMPLES])
    more = ", ..." if len(found) > EXAMPLES else ""
    cells = "1 cell" if len(found) == 1 else f"{len(found):,} cells"
    return f"{column}: {cells} {reason} ({shown}{more})"

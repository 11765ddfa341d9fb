"""Which columns of a table may be labels, and why others are none."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from molecules.files.blank import is_blank
from molecules.files.labels import parse_labels
from molecules.files.recognize import listing, looks_computed, text_cells

MOST_CLASSES = 20
IDENTIFIERS = (
    "id",
    "index",
    "number",
    "num",
    "no",
    "cid",
    "row",
    "column_1",
    "nsc",
    "name",
    "title",
)
_FOLDS = {"train", "training", "valid", "val", "validation", "dev", "test", "testing", "holdout"}


def is_pattern(name: str, frame: pd.DataFrame) -> bool:
    """Whether what is named as a column stands for several."""
    return name not in frame.columns and any(sign in name for sign in "*?")


def holds_numbers(frame: pd.DataFrame, column: str) -> bool:
    """Whether nearly all cells are numbers, or yes and no, and the column no identifier."""
    if _identifies(column):
        return False
    cells = frame[column]
    if pd.to_numeric(cells, errors="coerce").notna().sum() >= 0.9 * cells.notna().sum() > 0:
        return True
    labels = parse_labels(frame, [column])
    read = int(np.isfinite(labels.values).sum())
    return read > 0 and read >= 9 * len(labels.unread)


def why_no_label(frame: pd.DataFrame, column: str) -> str:
    """Why a pattern does not stand for a column; empty for one of numbers, or of yes and no.

    Few words that recur may be classes, and also units, sources or folds: that is not guessed.
    """
    if _identifies(column):
        return "identifiers"
    if holds_numbers(frame, column):
        return ""
    cells = [cell.strip() for cell in text_cells(frame[column]) if not is_blank(cell)]
    words = set(cells)
    if not words:
        return "no values"
    if {word.lower() for word in words} <= _FOLDS:
        return "folds of a split"
    signs = not any(letter.isalnum() for word in words for letter in word)
    if signs or len(words) > MOST_CLASSES or 2 * len(words) > len(cells):
        return f"neither numbers nor up to {MOST_CLASSES} words that recur"
    return "words; for classes, name it"


def left_out(why: Mapping[str, str]) -> str:
    """One line on columns that patterns matched; empty if there are none.

    Args:
        why: column -> the reason.
    """
    columns: dict[str, list[str]] = {}
    for column, reason in why.items():
        columns.setdefault(reason, []).append(column)
    told = (f"{listing(names)} ({reason})" for reason, names in columns.items())
    return f"matched but not learned: {', '.join(told)}" if columns else ""


def of_candidates(candidates: Sequence[str]) -> str:
    """The candidates, those first that do not look computed."""
    computed = [column for column in candidates if looks_computed(column)]
    measured = [column for column in candidates if column not in computed]
    if not candidates:
        return "none holds numbers"
    if not (computed and measured):
        return f"candidates are {listing(candidates)}"
    return f"candidates are {listing(measured)}; by their names computed: {listing(computed, 3)}"


def _identifies(column: str) -> bool:
    plain = column.lower()
    return plain.strip(".# ") in IDENTIFIERS or plain.replace("_", " ").endswith((" id", " number"))

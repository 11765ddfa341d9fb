"""What a check of a table says: findings, one line each, with molecules that show them."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "note", "warning"]


@dataclass(frozen=True)
class Case:
    """Rows that show a finding.

    Attributes:
        rows: of the table, from 0.
        smiles: of their distinct molecules, at most two.
        text: what is to be seen.
    """

    rows: tuple[int, ...]
    smiles: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: a column, or `rows`, `duplicates`, `fragments`, ...
        severity: `ok`, a `note` to know, or a `warning` to act on.
        text: what was found, in one line.
        advice: what to do; may be empty.
        cases: examples, the worst first.
    """

    subject: str
    severity: Severity
    text: str
    advice: str = ""
    cases: tuple[Case, ...] = ()

"""Everything that is checked of a table, in the order in which one would ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molecules.checking.cliffs import check_cliffs
from molecules.checking.columns import check_columns, check_computed
from molecules.checking.duplicates import check_copies, check_duplicates
from molecules.checking.findings import Finding, Severity
from molecules.checking.leakage import check_split
from molecules.checking.structures import Structures, check_fragments, check_rows
from molecules.checking.values import check_values
from molecules.choices import SplitKind
from molecules.evaluation.folds import divide
from molecules.files.labels import Labels
from molecules.files.measured import measured
from molecules.files.table import Table
from molecules.tasks import TaskOptions, Tasks
from sciml.errors import InputError
from sciml.wording import count

FRACTIONS = (0.8, 0.1, 0.1)
SEVERITIES: tuple[Severity, ...] = ("warning", "note", "ok")
MOST_CLIFFS = 3  # columns whose pairs are compared; more take as long again each


@dataclass(frozen=True)
class Division:
    """The split to look at, as `divide` takes it."""

    kind: SplitKind = "random"
    seed: int = 0
    column: str | None = None
    file: Path | None = None
    time_column: str | None = None

    @property
    def name(self) -> str:
        """For the reader."""
        if self.file is not None:
            return f"split of {self.file.name}"
        return f"split of column {self.column!r}" if self.column else f"split {self.kind}"


@dataclass(frozen=True)
class Examination:
    """What was found.

    Attributes:
        source: the table's name.
        rows: how many it has.
        smiles_column: where its molecules stand.
        tasks: the columns that were looked at; None if it is not clear which to learn.
        values: (row, task) measured values, NaN elsewhere.
        findings: in the order of `examine`.
    """

    source: str
    rows: int
    smiles_column: str
    tasks: Tasks | None
    values: NDArray[np.float64]
    findings: tuple[Finding, ...]

    def of(self, severity: Severity) -> list[Finding]:
        """The findings of one severity."""
        return [finding for finding in self.findings if finding.severity == severity]


def examine(
    table: Table,
    targets: Sequence[str] = (),
    options: Mapping[str, TaskOptions] | None = None,
    division: Division | None = None,
) -> Examination:
    """Look at molecules, labels, and a split if one is given.

    Args:
        table: the molecules.
        targets: columns to learn; by default the only one that can be meant.
        options: column -> what the user says of it.
        division: the split.

    Raises:
        InputError: an unknown column, no molecule at all, or a split that cannot be made.
    """
    structures = Structures.of(table)
    if not structures.valid.any():
        raise InputError(
            f"{table.source} holds no valid molecule in column {table.smiles_column!r} "
            f"(first row: {structures.reason[0]}); name the column with --smiles"
        )
    findings = [*check_rows(structures), *_notes(table), *check_fragments(structures)]
    columns, unclear = _columns(table, targets)
    tasks, values = None, np.empty((len(table), 0))
    if columns:
        by_pattern = set(columns) - set(targets) if targets else ()
        tasks, labels = measured(table, columns, options, structures.valid, by_pattern)
        values = np.where(structures.valid[:, None], labels.exact, np.nan)
        findings += [_filled(tasks, values), *_not_meant(table, targets), *_cells(labels)]
        findings += _of_labels(table, structures, tasks, values, columns)
    else:
        findings += [unclear, *check_copies(structures)]
    findings += check_computed(table, columns)
    if division is not None:
        findings += _of_split(table, structures, values, division)
    source = Path(table.source).name
    return Examination(source, len(table), table.smiles_column, tasks, values, tuple(findings))


def _columns(table: Table, targets: Sequence[str]) -> tuple[list[str], Finding]:
    """The columns to learn, or why none is looked at."""
    try:
        return table.label_columns(targets), Finding("columns", "ok", "")
    except InputError as error:
        if targets:
            raise
        told = str(error).removeprefix(f"{table.source}: ")
        return [], Finding("columns", "note", f"no column was looked at: {told}")


def _notes(table: Table) -> list[Finding]:
    return [Finding("rows", "note", note) for note in table.notes[:5]]


def _not_meant(table: Table, targets: Sequence[str]) -> list[Finding]:
    told = table.not_meant(targets)
    return [Finding("columns", "note", told)] if told else []


def _filled(tasks: Tasks, values: NDArray[np.float64]) -> Finding:
    filled = np.isfinite(values).sum(axis=0)
    told = ", ".join(
        f"{task.of or task.name} {number:,}"
        for i, (task, number) in enumerate(zip(tasks.tasks, filled, strict=True))
        if not task.of or tasks.classes[task.of][0] == i
    )
    return Finding("labels", "ok", f"measured values of {len(values):,} rows: {told}")


def _cells(labels: Labels) -> list[Finding]:
    severity: Severity = "warning" if labels.unread else "note"
    lines = labels.report()
    unread = sum("missing:" in line for line in lines)
    read, lost = lines[: len(lines) - unread], lines[len(lines) - unread :]
    return [
        *(Finding("labels", "note", line) for line in read),
        *(
            Finding("labels", severity, line, "write a number, or leave the cell blank")
            for line in lost
        ),
    ]


def _of_labels(
    table: Table,
    structures: Structures,
    tasks: Tasks,
    values: NDArray[np.float64],
    columns: Sequence[str],
) -> list[Finding]:
    found: list[Finding] = []
    for i, task in enumerate(tasks.tasks):
        column = values[:, i]
        found += check_values(structures, task, column)
        found += check_duplicates(structures, task, column)
        if i < MOST_CLIFFS:
            found += check_cliffs(structures, task, column)
        if not task.of:
            found += check_columns(table, task, column, columns)
    if len(tasks) > MOST_CLIFFS:
        text = f"cliffs were looked for in {count(MOST_CLIFFS, 'column')} of {len(tasks)}"
        found.append(Finding("cliffs", "note", text, "name others with --target"))
    return found


def _of_split(
    table: Table, structures: Structures, values: NDArray[np.float64], division: Division
) -> list[Finding]:
    usable = structures.valid & (np.isfinite(values).any(axis=1) | (values.shape[1] == 0))
    smiles = [text if use else "" for text, use in zip(table.smiles, usable, strict=True)]
    folds = divide(
        table, smiles, division.kind, FRACTIONS, division.seed,
        division.column, division.file, division.time_column,
    )  # fmt: skip
    return check_split(structures, folds, division.name)

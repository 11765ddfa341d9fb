"""What the commands on whole tables share: opening, progress, notes, the account of rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

from rich.console import Console
from rich.progress import Progress

from molecules.files.table import Table, demo_library, iter_library
from sciml.cli import note

if TYPE_CHECKING:
    from molecules.features.coordinates import Positions

Result = TypeVar("Result")
SHOWN_NOTES = 5
PART_ROWS = 8192  # rows worked on together


def source_of(table: str) -> str:
    """A table's path; `demo` stands for the library that comes with RDKit."""
    return str(demo_library()) if table == "demo" else table


def watched(
    source: str,
    smiles: str | None,
    bar: Progress,
    verb: str,
    part_rows: int = PART_ROWS,
    *,
    ahead: bool = False,
) -> Iterator[Table]:
    """The parts of a table, with a progress bar and what is to be said about them.

    Args:
        source: file, glob or URL.
        smiles: its column, if it cannot be found by name.
        bar: gets a task.
        verb: name of the task.
        part_rows: rows of a part.
        ahead: parts are read before they are worked on, and whoever does so moves the bar.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    shown, rows = 0, 0
    task = bar.add_task(verb, total=None, visible=False)
    for table in iter_library(source, part_rows, smiles):
        if not rows:
            bar.update(task, visible=True)
            told = f"{table.notation} from column {table.smiles_column!r}"
            bar.console.print(told, highlight=False, markup=False, emoji=False)
        for line in table.notes[: SHOWN_NOTES - shown]:
            console.print(f"note: {line}", markup=False, emoji=False)
        shown += len(table.notes)
        rows += len(table)
        yield table
        bar.update(task, total=round(rows / max(table.fraction, 1e-9)))
        if not ahead:
            bar.update(task, completed=rows)
    bar.update(task, total=rows)
    if shown > SHOWN_NOTES:
        console.print(f"note: {shown - SHOWN_NOTES} more such rows", markup=False)


def counted_off(
    bar: Progress, done: Iterable[tuple[Table, Result]]
) -> Iterator[tuple[Table, Result]]:
    """The same; the last task of the bar moves on by the rows of each part that is done."""
    for table, result in done:
        yield table, result
        bar.advance(bar.task_ids[-1], len(table))


def positions_unused(tables: Iterable[Table]) -> Iterator[Table]:
    """The same tables; says once where the model takes no notice of a file's positions."""
    told = False
    for table in tables:
        if table.positions and not told:
            note(
                "the file's positions of atoms are not used: the model learned from conformers "
                "that are made from SMILES, and they are made here too"
            )
            told = True
        yield table


@dataclass(frozen=True)
class Content:
    """What a worker needs of a part of a table.

    Attributes:
        smiles: of every row.
        unreadable: row -> why the file hides its structure.
        positions: row -> where its atoms are, in a file of three dimensions.
    """

    smiles: list[str]
    unreadable: Mapping[int, str]
    positions: "Positions"

    @classmethod
    def of(cls, table: Table) -> Self:
        """Of a part."""
        return cls(table.smiles, table.unreadable, table.positions)


def account(counts: Counter[str]) -> str:
    """`12 ok, 1 invalid smiles`: how many rows have each status."""
    return ", ".join(
        f"{number:,} {status.replace('_', ' ')}" for status, number in counts.most_common()
    )

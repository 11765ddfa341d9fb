"""What the commands on whole tables share: opening, progress, notes, the account of rows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from molecules.files.sources import expand
from molecules.files.table import Table, demo_library, iter_library
from sciml.errors import InputError

SHOWN_NOTES = 5
PART_ROWS = 8192  # rows worked on together


def source_of(table: str) -> str:
    """A table's path; `demo` stands for the library that comes with RDKit."""
    return str(demo_library()) if table == "demo" else table


def refuse_to_overwrite(source: str, out: Path) -> None:
    """Raise InputError if the output is the input, or one of the files of a glob."""
    if any(Path(name).resolve() == out.resolve() for name in expand(source) if name != "-"):
        raise InputError(f"{out} is the input; choose another output file")


def watched(
    source: str, smiles: str | None, bar: Progress, verb: str, part_rows: int = PART_ROWS
) -> Iterator[Table]:
    """The parts of a table, with a progress bar and what is to be said about them."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    shown, rows = 0, 0
    task = bar.add_task(verb, total=None)
    for table in iter_library(source, part_rows, smiles):
        if not rows:
            bar.console.print(f"SMILES from column {table.smiles_column!r}", highlight=False)
        for note in table.notes[: SHOWN_NOTES - shown]:
            console.print(f"note: {note}", markup=False)
        shown += len(table.notes)
        rows += len(table)
        yield table
        bar.update(task, completed=rows, total=round(rows / max(table.fraction, 1e-9)))
    bar.update(task, total=rows)
    if shown > SHOWN_NOTES:
        console.print(f"note: {shown - SHOWN_NOTES} more such rows", markup=False)


def smiles_of(table: Table) -> tuple[list[str], dict[int, str]]:
    """What a worker needs of a table: SMILES, and row -> why the file hides its structure."""
    return table.smiles, dict(table.unreadable)


def account(counts: Counter[str]) -> str:
    """`12 ok, 1 invalid smiles`: how many rows have each status."""
    return ", ".join(
        f"{number:,} {status.replace('_', ' ')}" for status, number in counts.most_common()
    )

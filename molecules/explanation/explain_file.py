"""A table explained: contributions of atoms as a tidy table, the first molecules on a page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from molecules.choices import Method
from molecules.explanation.attribution import attribute, share_told
from molecules.explanation.contributions import Explained
from molecules.explanation.page import Context, write_page, write_pictures
from molecules.files.recognize import name_column, text_cells
from molecules.files.sources import refuse_to_overwrite
from molecules.files.table import Table
from molecules.prediction.annotate import mark_unreadable, require_molecules
from molecules.prediction.model_source import ModelSource
from molecules.prediction.rows import (
    account,
    source_of,
    watched,
)
from molecules.prediction.writers import table_format, table_writer
from sciml.cli import note, progress
from sciml.errors import InputError
from sciml.files import atomic_path

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor

Value = TypeVar("Value")
PART = 256  # rows explained at once; bounds the memory


def explain_file(
    model: Path | Sequence[Path],
    table: str,
    out: Path,
    html: Path | None = None,
    pictures: Path | None = None,
    method: Method = "masking",
    draw: int = 60,
    smiles: str | None = None,
) -> Counter[str]:
    """Write the contribution of every atom to every prediction.

    Args:
        model: file that `train` wrote, or several of the same properties, whose
            contributions are averaged.
        table: file with one molecule per row, "-" for standard input, or `demo`.
        out: .csv, .tsv, .parquet or .xlsx with one line for each row, atom and property.
        html: the page with heat maps and measured neighbours; beside `out` if None.
        pictures: folder for one SVG per drawn molecule and property; none if None.
        method: see `Attribution`.
        draw: how many molecules to draw, from the first on.
        smiles: column with the SMILES; found by name, then by content, if None.

    Returns:
        How many rows have each status.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    if draw < 0:
        raise InputError(f"--draw is {draw}; expected 0 or more")
    table_format(out, (".csv", ".tsv", ".parquet", ".xlsx"))
    html = html or _page_beside(out)
    source = source_of(table)
    for file in (out, html):
        refuse_to_overwrite(source, file)
    models = [model] if isinstance(model, Path) else list(model)
    predictor = ModelSource.of(models).load()
    if share := share_told(predictor):
        note(share)
    drawn: list[Explained] = []
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with progress() as bar, atomic_path(out) as path, table_writer(path) as write:
        for part in explained(predictor, watched(source, smiles, bar, "explaining"), method):
            write(part.tidy(), [])
            drawn += part.alone()[: draw - len(drawn)]
            counts.update(part.attribution.prediction.status)
            reasons.update(filter(None, part.attribution.prediction.reason))
        require_molecules(counts, reasons)
    context = Context(method, ", ".join(map(str, models)), Path(source).name, dict(counts))
    write_page(html, drawn, predictor, context)
    if pictures is not None:
        write_pictures(pictures, drawn)
    print(f"{out}, {html}: {counts.total():,} rows, {account(counts)}")
    return counts


def _page_beside(out: Path) -> Path:
    """`a.v2.html` of `a.v2.csv`, and of `a.v2.csv.gz`."""
    table = out.with_suffix("") if out.suffix.lower() == ".gz" else out
    return table.with_suffix(".html")


def explained(
    predictor: "AnyPredictor", tables: Iterator[Table], method: Method
) -> Iterator[Explained]:
    """Explain the rows of a table, `PART` at a time."""
    first = 1
    for table in tables:
        column = name_column(table.frame, table.smiles_column)
        names = text_cells(table.frame[column]) if column else [""] * len(table)
        for start in range(0, len(table), PART):
            rows = slice(start, start + PART)
            positions = _of_rows(table.positions, rows)
            found = attribute(predictor, table.smiles[rows], method, positions)
            mark_unreadable(found.prediction, _of_rows(table.unreadable, rows))
            yield Explained(first + start, names[rows], found)
        first += len(table)


def _of_rows(known: Mapping[int, Value], rows: slice) -> dict[int, Value]:
    """What is known of some of these rows, counted from the first of them."""
    held = known.keys() & range(rows.start, rows.stop)
    return {row - rows.start: known[row] for row in held}

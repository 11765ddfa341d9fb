"""Records of delimited text with cells in quotes, where a quote left open takes in no row.

A cell in quotes may hold line breaks, as Excel writes them.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from molecules.files.inchi import is_inchi
from molecules.files.recognize import is_smiles

_LONGEST = 500  # lines of a tab-separated cell
_END = ""  # as a line behind the last: what takes it in was never closed


def cells_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Records as they are written, also where a quote is left open."""
    return _tab_cells(lines) if delimiter == "\t" else csv.reader(lines, delimiter=delimiter)


def whole_cells_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Records as they are written.

    Raises:
        csv.Error: a quote is left open, and in which line.
    """
    return _tab_cells(lines) if delimiter == "\t" else _whole(lines, delimiter)


def _whole(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    held: list[str] = []  # lines of the record
    reader = csv.reader(_kept(chain(lines, [_END]), held), delimiter=delimiter)
    width, before = 0, 0
    try:
        for record in reader:
            width = width or len(record)
            if len(held) > 1:
                _require_closed(record, held, width, delimiter, before)
            before += len(held)
            held.clear()
            yield record
    except csv.Error as error:
        about = "" if "quote" in str(error) else f"line {before + 1}: is a quote left open? "
        raise csv.Error(f"{about}{error}") from error


def _kept(lines: Iterable[str], held: list[str]) -> Iterator[str]:
    for line in lines:
        held.append(line)
        yield line


def _require_closed(
    record: Sequence[str], lines: Sequence[str], width: int, delimiter: str, before: int
) -> None:
    """Refuse a record of several lines whose quotes are not, or not rightly, closed.

    Args:
        record: cells.
        lines: of the file, that it was read from.
        width: cells of a record.
        delimiter: between them.
        before: lines of the file in front of these.
    """
    if lines[-1] == _END:
        opened = before + 1 + sum(cell.count("\n") for cell in record[:-1])
        raise csv.Error(f"the quote that opens a cell in line {opened} is never closed; close it")
    try:
        blanks = re.compile(rf'"[ \t]+(?={re.escape(delimiter)}|[\r\n]|$)')
        closed_up = [blanks.sub('"', line) for line in lines]
        next(csv.reader(closed_up, delimiter=delimiter, strict=True))
    except csv.Error:
        closed = False
    else:
        closed = not _rows_within(lines, width, delimiter)
    if not closed:
        raise csv.Error(
            f"a quote opens a cell in line {before + 1} and takes in the rows down to line "
            f"{before + len(lines)}; close it where the cell ends, or save the table as .parquet "
            "if all that is one cell"
        )


def _rows_within(lines: Sequence[str], width: int, delimiter: str) -> bool:
    """Whether all lines look like rows: as many cells, and one with cells of the same kinds."""
    opening, *others = (
        [cell.strip().strip('"') for cell in line.split(delimiter)] for line in lines
    )
    if len(opening) < width:  # of a row, the rest is in the last line
        return False
    if any(len(cells) != width for cells in others):
        return False
    kinds = [_kind(cell, width) for cell in opening[:width]]
    return any(
        all(a == b or "" in (a, b) for a, b in zip(kinds, told, strict=True))
        for told in ([_kind(cell, width) for cell in cells] for cells in others)
    )


def _kind(cell: str, width: int) -> str:
    """Number or text, of few columns also molecule; blank for a blank cell."""
    if not cell:
        return ""
    if width < 3 and (is_inchi(cell) or is_smiles(cell, 2)):
        return "molecule"
    try:
        float(cell)
    except ValueError:
        return "text"
    return "number"


def _tab_cells(lines: Iterable[str]) -> Iterator[list[str]]:
    """Tab-separated records, whether written with quoting or without.

    A quote character is text, unless it wraps a whole cell; a cell that opens with one
    goes on in the next line only where the line is too short for the table, and another
    closes it.
    """
    width, held = 0, list[list[str]]()  # lines of a record that may go on
    for line in lines:
        cells = line.rstrip("\r\n").split("\t")
        width = width or len(cells)
        record = _as_one([*held, cells]) if held else cells
        if held and (not _closed(record, width) or len(held) == _LONGEST):
            yield from map(_unwrapped, held)
            held, record = [], cells
        if len(record) < width and record[-1].startswith('"') and not record[-1].endswith('"'):
            held.append(cells)
        else:
            yield _unwrapped(record)
            held = []
    yield from map(_unwrapped, held)


def _as_one(parts: Sequence[Sequence[str]]) -> list[str]:
    record = list(parts[0])
    for cells in parts[1:]:
        record = [*record[:-1], f"{record[-1]}\n{cells[0]}", *cells[1:]]
    return record


def _closed(record: Sequence[str], width: int) -> bool:
    """Whether quotes wrap each cell of several lines; the last of a short record may go on."""
    done = record if len(record) == width else record[:-1]
    return len(record) <= width and all("\n" not in cell or _wrapped(cell) for cell in done)


def _wrapped(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _unwrapped(cells: Sequence[str]) -> list[str]:
    return [cell[1:-1].replace('""', '"') if _wrapped(cell) else cell for cell in cells]

"""Delimited text and `.smi` lines as records of cells, as users and programs write them."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TextIO

from molecules.files.inchi import is_inchi
from molecules.files.recognize import is_header, tidy_names

DELIMITERS = "\t;,|"
SNIFFED_CHARACTERS = 1 << 16

Records = Iterator[list[str]]


def find_delimiter(text: TextIO) -> str:
    """The character that divides the first line and agrees best with those below; "" if none."""
    lines = text.read(SNIFFED_CHARACTERS).splitlines(keepends=True)
    text.seek(0)
    lines = [line for line in lines[:200] if line.strip()]
    best, best_score = "", (0.0, 1)
    for delimiter in "\t" if is_inchi(lines[0]) else DELIMITERS:  # InChI holds commas of its own
        widths = [len(cells) for cells in _cells(lines, delimiter)]
        agreement = sum(width == widths[0] for width in widths) / len(widths)
        if widths[0] > 1 and (agreement, widths[0]) > best_score:
            best, best_score = delimiter, (agreement, widths[0])
    return best


def delimited_records(text: TextIO, delimiter: str) -> tuple[list[str], Records]:
    """Column names, and the rows below them, which may be shorter or longer.

    Without a header the columns are `column_1`, `column_2`, ...
    """
    records = _without_blank_ends(_cells(text, delimiter))
    first = next(records)
    if is_header(first):
        return tidy_names(first), records
    return tidy_names([""] * len(first)), chain([first], records)


def smi_records(text: TextIO) -> tuple[list[str], Records]:
    """Lines "SMILES name" or "InChI name", with or without a header.

    A CXSMILES extension between bars belongs to the SMILES.
    """
    lines = _without_blank_ends([line.strip()] for line in text)
    records = (_split_smi(line[0]) if line else ["", ""] for line in lines)
    first = next(records)
    if is_header(first):
        return tidy_names([first[0], first[1] or "name"]), records
    return ["InChI" if is_inchi(first[0]) else "smiles", "name"], chain([first], records)


def _cells(lines: Iterable[str], delimiter: str) -> Records:
    return _tab_cells(lines) if delimiter == "\t" else csv.reader(lines, delimiter=delimiter)


def _tab_cells(lines: Iterable[str]) -> Records:
    """Tab-separated records, whether written with quoting or without.

    A quote character is text, unless it wraps a whole cell; a cell that opens with one
    goes on in the next line only where the line is too short for the table.
    """
    width, record = 0, list[str]()
    for line in lines:
        cells = line.rstrip("\r\n").split("\t")
        if record:
            cells = [*record[:-1], f"{record[-1]}\n{cells[0]}", *cells[1:]]
        width = width or len(cells)
        open_quote = cells[-1].startswith('"') and not cells[-1].endswith('"')
        record = cells if len(cells) < width and open_quote else []
        if not record:
            yield [_unwrapped(cell) for cell in cells]
    if record:
        yield record


def _unwrapped(cell: str) -> str:
    wrapped = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if wrapped else cell


def _without_blank_ends(records: Records) -> Records:
    """Leave out blank lines before and after the table; between rows they are rows."""
    started, blank = False, 0
    for record in records:
        if len(record) < 2 and not any(cell.strip() for cell in record):
            blank += started
            continue
        yield from ([] for _ in range(blank))
        started, blank = True, 0
        yield record


def _split_smi(line: str) -> list[str]:
    smiles, *rest = line.split(maxsplit=1)
    name = rest[0] if rest else ""
    if name.startswith("|") and "|" in name[1:]:
        extension, _, name = name[1:].partition("|")
        smiles = f"{smiles} |{extension}|"
    return [smiles, name.strip()]

"""Delimited text and `.smi` lines as records of cells, as users and programs write them."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Self, TextIO

from molecules.files.inchi import is_inchi
from molecules.files.quotes import cells_of, whole_cells_of
from molecules.files.recognize import is_header, tidy_names, told_header

DELIMITERS = "\t;,|"
SNIFFED_CHARACTERS = 1 << 16
FIRST_ROWS = 20
_SAID = re.compile(r'"?sep=([^"\w\r\n])"?\s*', re.IGNORECASE)  # Excel's first line

Records = Iterator[list[str]]


def find_delimiter(text: TextIO) -> str:
    """The character that divides the first line and agrees best with those below; "" if none.

    A first line `sep=;` says it.
    """
    lines = text.read(SNIFFED_CHARACTERS).splitlines(keepends=True)
    text.seek(0)
    lines = [line for line in lines[:200] if line.strip()]
    if said := _SAID.fullmatch(lines[0]):
        return said[1]
    best, best_score = "", (0.0, 1)
    for delimiter in "\t" if is_inchi(lines[0]) else DELIMITERS:  # InChI holds commas of its own
        widths = [len(cells) for cells in cells_of(lines, delimiter)]
        agreement = sum(width == widths[0] for width in widths) / len(widths)
        if widths[0] > 1 and (agreement, widths[0]) > best_score:
            best, best_score = delimiter, (agreement, widths[0])
    return best


@dataclass(frozen=True)
class Named:
    """Rows below names of their columns.

    Attributes:
        columns: their names, `column_1`, `column_2`, ... of a table without a header.
        records: the rows, which may be shorter or longer.
        note: which line was taken for a header, where none of its names says SMILES.
    """

    columns: list[str]
    records: Records
    note: str = ""

    @classmethod
    def of(cls, rows: Records) -> Self:
        """Of a table with or without a header.

        Raises:
            csv.Error: there are no rows.
        """
        records = _without_blank_ends(rows)
        begin = list(islice(records, FIRST_ROWS))
        if not begin:
            raise csv.Error("holds no rows")
        first, *below = begin
        if not is_header(first, below):
            return cls(tidy_names([""] * len(first)), chain([first, *below], records))
        return cls(tidy_names(first), chain(below, records), told_header(first))


def delimited_records(text: TextIO, delimiter: str) -> Named:
    """The rows of delimited text.

    Raises:
        csv.Error: a quote is left open, or there are no rows.
    """
    begin = text.readline()
    lines = chain(["\n" if _SAID.fullmatch(begin) else begin], text)
    return Named.of(whole_cells_of(lines, delimiter))


def names_columns(text: TextIO) -> bool:
    """Whether the first line names three columns or more, with tabs between them."""
    lines = text.read(SNIFFED_CHARACTERS).splitlines()[:FIRST_ROWS]
    text.seek(0)
    first, *below = (line.split("\t") for line in lines)
    return len(first) > 2 and is_header(first, below)


def smi_records(text: TextIO) -> Named:
    """Lines "SMILES name" or "InChI name", with or without a header.

    A CXSMILES extension between bars belongs to the SMILES.
    """
    lines = _without_blank_ends([line.strip()] for line in text)
    records = (_split_smi(line[0]) if line else ["", ""] for line in lines)
    first, *below = islice(records, FIRST_ROWS)
    if is_header(first, below):
        columns = tidy_names([first[0], first[1] or "name"])
        return Named(columns, chain(below, records), told_header(first))
    columns = ["InChI" if is_inchi(first[0]) else "smiles", "name"]
    return Named(columns, chain([first, *below], records))


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

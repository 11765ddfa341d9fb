"""Excel workbooks (.xlsx): the rows of a sheet as text cells, and a table as a sheet of its own."""

import math
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, time
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd

from molecules.files.delimited import Records
from molecules.files.inchi import is_inchi
from molecules.files.recognize import NUMBER, is_smiles
from sciml.errors import InputError

if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet.worksheet import Worksheet

ZIP = b"PK\x03\x04"
OLD = b"\xd0\xcf\x11\xe0"  # workbooks until 2003, and encrypted ones
MOST_ROWS = 1_048_576  # of a sheet, with its header
MOST_CHARACTERS = 32_767  # of a cell
MOST_EXACT = 1e15  # greater integers lose digits
FIRST_ROWS = 100
MOST_TITLES = 20
# what openpyxl raises of files that are not as they should be
UNREADABLE = (AttributeError, IndexError, KeyError, SyntaxError, TypeError, ValueError)


def workbook_records(stream: BinaryIO, path: str, files: ExitStack) -> tuple[Records, list[str]]:
    """The rows of the first sheet that holds molecules, header first, and what was left out.

    Lines above a table (`Table S1. Solubilities`) are no part of it: those of a single cell
    of several words over a row of more cells. A formula is read as the value that was stored
    with it, or as its own text (`=A2*2`) where a program stored none.

    Args:
        stream: the file.
        path: what it is called in errors.
        files: closes the workbook.

    Returns:
        Rows of text, a number with up to 15 digits as Excel shows it; and notes, one line each.

    Raises:
        InputError: not a workbook, or one without rows.
    """
    from openpyxl import load_workbook

    if "xl/workbook.xml" not in _members(stream, path):
        raise InputError(f"{path} is a zip archive, or a table of another office program; "
                         "unpack it, or save the table as .xlsx or .csv")  # fmt: skip
    with warnings.catch_warnings():  # of styles and rules for input, which no cell needs
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(stream, read_only=True, data_only=True)
            formulas = load_workbook(stream, read_only=True)
        except UNREADABLE as error:
            raise _unreadable(path, error) from error
    for opened in (book, formulas):
        files.callback(opened.close)
    pairs = zip(book.worksheets, formulas.worksheets, strict=True)
    read = [(sheet.title, _filled(_rows(sheet, other, path))) for sheet, other in pairs]
    sheets = [_Sheet(name, rows) for name, rows in read if rows]
    if not sheets:
        raise InputError(f"{path} has no rows; expected a table with a column of SMILES or InChI")
    chosen = next((sheet for sheet in sheets if sheet.holds_molecules), sheets[0])
    notes = [f"left out the line above the table: {title!r}" for title in chosen.titles]
    if others := [repr(sheet.name) for sheet in sheets if sheet is not chosen]:
        notes.append(f"read the sheet {chosen.name!r} alone, not {', '.join(others)}; to read "
                     "one of them, save it as a file of its own")  # fmt: skip
    return chain(chosen.begin, chosen.rest), notes


class _Sheet:
    """A sheet that holds something: the lines above its table, its first rows, and the rest."""

    def __init__(self, name: str, rows: Records) -> None:
        self.name = name
        self.begin = list(islice(rows, FIRST_ROWS))
        self.rest = rows
        self.titles: list[str] = []
        while not self.begin[0] or _is_title(self.begin):
            self.titles += list(filter(None, self.begin.pop(0)))

    @property
    def holds_molecules(self) -> bool:
        """Whether a column of the first rows is one of SMILES or InChI."""
        columns = (list(filter(None, column)) for column in zip_longest(*self.begin[1:]))
        return any(2 * sum(map(_is_molecule, cells)) >= len(cells) > 0 for cells in columns)


def _is_molecule(cell: str) -> bool:
    return is_inchi(cell) or is_smiles(cell, least=3)


def _members(stream: BinaryIO, path: str) -> list[str]:
    try:
        with zipfile.ZipFile(stream) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is damaged: {error}; copy or download it again") from error


def _rows(sheet: "Worksheet", formulas: "Worksheet", path: str) -> Records:
    """Rows without empty ends.

    Raises:
        InputError: a cell that is none, at its row.
    """
    for one in (sheet, formulas):
        one.reset_dimensions()  # some programs write wrong ones
    both = (one.iter_rows(values_only=True) for one in (sheet, formulas))
    row = 0
    try:
        for values, texts in zip(*both, strict=True):
            row += 1
            cells = zip(values, texts, strict=True)
            yield _stripped([_text(text if value is None else value) for value, text in cells])
    except UNREADABLE as error:
        raise _unreadable(f"{path}, below row {row}", error) from error


def _unreadable(path: str, error: Exception) -> InputError:
    return InputError(
        f"cannot read {path}: {error}; save it again with Excel or LibreOffice, or as .csv"
    )


def _filled(rows: Records) -> Records | None:
    """From the first row on that holds something, or None."""
    first = next((row for row in rows if row), None)
    return None if first is None else chain([first], rows)


def _stripped(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _is_title(rows: list[list[str]]) -> bool:
    """Whether the first row is words in a single cell, with a wider row below such lines."""
    widths = [sum(map(bool, row)) for row in rows]
    wide = next((i for i, width in enumerate(widths) if width > 1), 0)
    return 0 < wide <= MOST_TITLES and all(len("".join(row).split()) != 1 for row in rows[:wide])


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.15g}"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case _:
            return str(value)


@contextmanager
def workbook_writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """What writes consecutive parts of a table to the only sheet of a workbook.

    Text that is written as Excel shows a number becomes one; other text stays text, also where
    it begins like a formula.

    Raises:
        InputError: more rows, or more characters in a cell, than Excel takes.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("molecules")
    sheet.freeze_panes = "A2"
    written = 0

    def write(frame: pd.DataFrame) -> None:
        nonlocal written
        if not written:
            sheet.append([_cell(sheet, name, "header") for name in frame.columns])
        written += len(frame) + (not written)
        if written > MOST_ROWS:
            raise InputError(f"a sheet of Excel holds {MOST_ROWS:,} rows; write .csv instead")
        for row in frame.itertuples(index=False, name=None):
            cells = zip(row, frame.columns, strict=True)
            sheet.append([_cell(sheet, value, column) for value, column in cells])

    try:
        yield write
    except BaseException:
        sheet.close()  # its rows so far lie in a file of openpyxl's
        raise
    book.save(path)


def _cell(sheet: "Worksheet", value: object, column: str) -> "WriteOnlyCell | float | None":
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    number = _number(value)
    if number is not None:
        return None if math.isnan(number) else number
    text = ILLEGAL_CHARACTERS_RE.sub("?", str(value))
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"column {column!r} has {len(text):,} characters in a row, and a cell of Excel holds "
            f"{MOST_CHARACTERS:,}; write .csv instead"
        )
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


def _number(value: object) -> float | None:
    """What Excel keeps as a number, digit by digit: `007` and long identifiers are text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str) and NUMBER.fullmatch(value) and _text(float(value)) == value:
        value = float(value)
    if isinstance(value, int | float) and not abs(value) >= MOST_EXACT:
        return value
    return None

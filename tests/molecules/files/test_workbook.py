"""Excel workbooks: what is read, what is left out and told, and that a table comes back."""

import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from molecules.files import workbook
from molecules.files.table import iter_library, read_table
from molecules.prediction.writers import table_writer
from sciml.errors import InputError

Rows = Sequence[Sequence[object]]


def save(path: Path, **sheets: Rows) -> Path:
    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def test_cells_are_the_text_that_excel_shows(tmp_path: Path) -> None:
    rows: Rows = [
        ["SMILES", "logS", "assay", "day", "toxic", "count"],
        ["CCO", 0.07, "<5", datetime(2020, 1, 2), True, 12.0],
        ["CCC", 0.1 + 0.2, "n/a", None, False, 1e-7],
        [],
        ["C1CC", None, "#N/A"],
    ]
    table = read_table(save(tmp_path / "t.xlsx", data=rows))
    assert table.smiles_column == "SMILES"
    assert table.notes == ()
    assert table.frame.to_numpy().tolist() == [
        ["CCO", "0.07", "<5", "2020-01-02", "TRUE", "12"],
        ["CCC", "0.3", "n/a", "", "FALSE", "1e-07"],
        [""] * 6,
        ["C1CC", "", "#N/A", "", "", ""],
    ]


def test_the_sheet_of_molecules_is_read_without_its_titles(tmp_path: Path) -> None:
    cover: Rows = [["Compound", "see data"], ["Authors", "A. Nonymous"]]
    data: Rows = [["Table S1. Solubilities"], [], ["of 2 molecules"], ["id", "smi"], [1, "CCO"]]
    path = save(tmp_path / "t.xlsx", empty=[], cover=cover, data=data, more=[["id"], [3]])
    table = read_table(path)
    assert table.frame.to_numpy().tolist() == [["1", "CCO"]]
    assert table.notes == (
        "left out the line above the table: 'Table S1. Solubilities'",
        "left out the line above the table: 'of 2 molecules'",
        "read the sheet 'data' alone, not 'cover', 'more'; to read one of them, save it as a file "
        "of its own",
    )


def test_a_list_of_one_column_loses_no_line(tmp_path: Path) -> None:
    plain = read_table(save(tmp_path / "a.xlsx", data=[["CCO"], ["CCN"], ["CCC", "a note"]]))
    assert plain.smiles == ["CCO", "CCN", "CCC"]
    headed = read_table(save(tmp_path / "b.xlsx", data=[["SMILES"], ["CCO"], ["CCN", "a note"]]))
    assert headed.smiles == ["CCO", "CCN"]


def test_without_molecules_the_first_sheet_that_holds_something(tmp_path: Path) -> None:
    rows: Rows = [["name", "y"], ["first", 1]]
    path = save(tmp_path / "t.xlsx", empty=[], one=rows, two=rows)
    assert read_table(path, smiles="name").frame.to_numpy().tolist() == [["first", "1"]]


def test_chunks_join_to_the_whole(tmp_path: Path) -> None:
    path = save(tmp_path / "t.xlsx", data=[["SMILES", "n"], *(["C" * 3, i] for i in range(250))])
    parts = list(iter_library(path, chunk_rows=100))
    assert [len(part) for part in parts] == [100, 100, 50]
    joined = pd.concat([part.frame for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(joined, read_table(path).frame)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=9)
CELLS = st.one_of(TEXT, st.floats(allow_nan=False).map(repr), st.integers().map(str))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_what_is_written_is_read(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("workbook") / "t.xlsx"
    frame = pd.DataFrame([("CCO", *row, "end") for row in rows], columns=["SMILES", *"abc"])
    with table_writer(path) as write:
        write(frame, frame["SMILES"].tolist())
        write(frame, frame["SMILES"].tolist())
    twice = pd.concat([frame, frame], ignore_index=True).astype("str")
    pd.testing.assert_frame_equal(read_table(path).frame, twice)


def test_numbers_are_numbers_and_what_begins_like_a_formula_is_text(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    cells = ["=1+1", "0.07", "007", "12345678901234567", 2.5, np.float32(0.5), np.int64(3), True,
             float("nan"), pd.NA, None, float("inf"), [1, 2]]  # fmt: skip
    frame = pd.DataFrame([cells], columns=[str(i) for i in range(len(cells))])
    with table_writer(path) as write:
        write(frame, [""])
    sheet = load_workbook(path).worksheets[0]
    assert [cell.value for cell in sheet[2]] == [
        "=1+1", 0.07, "007", "12345678901234567", 2.5, 0.5, 3, True, None, None, None, "inf",
        "[1, 2]",
    ]  # fmt: skip
    assert sheet["A2"].data_type == "s"


@pytest.mark.parametrize(
    ("most", "message"), [("MOST_ROWS", "holds 2 rows"), ("MOST_CHARACTERS", "5 characters in")]
)
def test_what_excel_does_not_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: str, message: str
) -> None:
    monkeypatch.setattr(workbook, most, 2)
    frame = pd.DataFrame({"a": ["CCCCO", "C"]})
    with (
        pytest.raises(InputError, match=message),
        table_writer(tmp_path / "t.xlsx") as write,
    ):
        write(frame, ["CCCCO", "C"])
    assert not (tmp_path / "t.xlsx").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04\x00", "is damaged"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 99, "old or a protected Excel workbook; save"),
    ],
)
def test_unusable_workbooks(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(path)


@pytest.mark.parametrize(
    ("part", "old", "new", "message"),
    [
        ("xl/styles.xml", b"<fill>", b"<fill/><fill>", "cannot read .*t.xlsx: "),
        ("xl/worksheets/sheet1.xml", b"<v>12</v>", b"<v>1,2</v>", "cannot read .*, below row 2: "),
    ],
)
def test_what_another_program_wrote_is_one_line(
    tmp_path: Path, part: str, old: bytes, new: bytes, message: str
) -> None:
    path = save(tmp_path / "s.xlsx", data=[["SMILES", "y"], ["CCO", 3], ["CCN", 12]])
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as changed:
        for name in book.namelist():
            content = book.read(name)
            changed.writestr(name, content.replace(old, new) if name == part else content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "t.xlsx")


def test_a_formula_without_a_value_is_its_text(tmp_path: Path) -> None:
    table = read_table(save(tmp_path / "t.xlsx", data=[["SMILES", "y"], ["CCO", "=1+1"]]))
    assert table.frame["y"].tolist() == ["=1+1"]


def test_a_zip_archive_and_an_empty_workbook(tmp_path: Path) -> None:
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.csv", "SMILES\nCCO\n")
    with pytest.raises(InputError, match="zip archive"):
        read_table(path)
    with pytest.raises(InputError, match="has no rows"):
        read_table(save(tmp_path / "t.xlsx", data=[]))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(InputError, match="cannot read"):
        read_table(path)

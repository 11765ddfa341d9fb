"""A quote that is left open is named; it never takes rows with it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molecules.features.features import featurize
from molecules.features.standardize import standardized
from molecules.files.quotes import whole_cells_of
from molecules.files.table import Table, iter_library, read_table
from sciml.errors import InputError

ROWS = [f"{'C' * (i % 5 + 2)}O,n{i},{i}.5" for i in range(40)]


def read(folder: Path, text: str, name: str = "t.csv") -> Table:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return read_table(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('smiles,name\nCCO,a\nCC(C)O,"b\nCCC,c\nCCN,d\n', 3),
        ('smiles,name\nCCO,a\n"CC(C)O,b\nCCC,c\nCCN,d\n', 3),
        ('smiles,name\nCCO,a\nCCN,"d', 3),
        ('smiles,"name\nCCO,a\nCCN,d\n', 1),
        ('smiles,a,b\nCCO,"two\r\nlines","open\r\nCCN,d,5\r\n', 3),
        ('sep=,\nsmiles,name\nCCO,a\nCCN,"d\n', 4),
        ('\n\nsmiles,name\n\nCCO,"a\nCCN,d\n', 5),
    ],
)
def test_a_quote_that_is_never_closed_is_named_by_its_line(
    tmp_path: Path, text: str, line: int
) -> None:
    with pytest.raises(InputError, match=f"t.csv: the quote .* in line {line} is never closed"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('smiles,name\nCC(C)O,"b\nCCC,c\nCCN,d"\nCO,e\n', (2, 4)),  # closed by a stray quote
        ('smiles,name\nCC(C)O,"b\nCCC,"c\nCO,e\n', (2, 3)),  # two left open
        ('smiles,name\nCC(C)O,"b\nCCC,c\nCCN,"2,4-x"\nCO,e\n', (2, 4)),  # by one that opens
        ('name,smiles,y\nb,"CCO,1\n"2,4-x",CCC,2\nd,CC,3\n', (2, 3)),
        ('"smiles","name"\n"CCO","b\n"CCN","c"\n"CCC","d"\n', (2, 3)),
        ('smiles\n"CCO\nCCN"\nCCC\n', (2, 3)),
        ('smiles,y,name\nCCO,1,"b\nC,2,c"\nCCN,3,d\n', (2, 3)),  # of one atom
        ('smiles,y,name\nCCO,1,"b\nbad(,2,c"\nCCN,3,d\n', (2, 3)),
        ('smiles,y,name\nCCO,1,"b\n,2,c"\nCCN,3,d\n', (2, 3)),
        ('inchi;name\nInChI=1S/CH4/h1H4;"a\nInChI=1S/H2O/h1H2;b"\nInChI=1S/H3N/h1H3;c\n', (2, 3)),
    ],
)
def test_a_quote_that_takes_in_rows_is_refused(
    tmp_path: Path, text: str, lines: tuple[int, int]
) -> None:
    told = "a quote opens a cell in line {} and takes in the rows down to line {};".format(*lines)
    with pytest.raises(InputError, match=told):
        read(tmp_path, text)


@settings(max_examples=60, deadline=None)
@given(row=st.integers(0, len(ROWS) - 1), cell=st.integers(0, 2))
def test_no_open_quote_passes(row: int, cell: int) -> None:
    """Wherever it stands, also before a row that is quoted rightly."""
    cells = [line.split(",") for line in ROWS]
    cells[row][cell] = f'"{cells[row][cell]}'
    cells[-5][1] = '"1,2-x"' if row != len(ROWS) - 5 else cells[-5][1]
    text = "smiles,name,y\n" + "".join(",".join(line) + "\n" for line in cells)
    with pytest.raises(csv.Error, match=f"quote.* in line {row + 2} "):
        list(whole_cells_of(io.StringIO(text, newline=""), ","))


def test_a_long_table_is_refused_at_the_line(tmp_path: Path) -> None:
    lines = ["smiles,name", *["CCO,a"] * 9, 'CCO,"b', *["CCCCCCCO,cccccccc"] * 20_000]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"line 11: is a quote left open\?"):
        sum(len(part) for part in iter_library(path, 5))


@pytest.mark.parametrize(
    "note",
    ["one\ntwo", "one\r\ntwo, three\r\nfour", 'he said ""yes""\nand no', "\n", "made of CC\n\nCO"],
)
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("after", ["", " "])
def test_text_of_several_lines_is_one_cell(
    tmp_path: Path, note: str, after: str, delimiter: str
) -> None:
    rows = [["smiles", "note", "y"], ["CCO", f'"{note}"{after}', "1"], ["CCN", "b", "2"]]
    table = read(tmp_path, "".join(delimiter.join(row) + "\r\n" for row in rows))
    assert table.smiles == ["CCO", "CCN"]
    assert table.frame["note"][0] == note.replace('""', '"') + after


def test_prose_with_as_many_commas_as_a_row_is_one_cell(tmp_path: Path) -> None:
    table = read(tmp_path, 'smiles,y,note\nCCO,1,"tried\nwater, acid, base\nall, of, it"\nCC,2,\n')
    assert list(table.frame["note"]) == ["tried\nwater, acid, base\nall, of, it", ""]


def test_a_quote_before_many_lines_without_tabs_ends(tmp_path: Path) -> None:
    text = "smiles\tname\nCCO\ta\n" + '"CCN\n' + "CC\n" * 20_000
    assert len(read(tmp_path, text, "t.tsv")) == 20_002


def test_quotes_within_a_line_are_read_as_before(tmp_path: Path) -> None:
    table = read(tmp_path, 'smiles,name\nCCO,5" tube\nCCN,"a" b\n"CCC",c\n')
    assert table.smiles == ["CCO", "CCN", "CCC"]
    assert list(table.frame["name"]) == ['5" tube', "a b", "c"]


def test_tabs_a_quote_that_is_not_closed_is_text(tmp_path: Path) -> None:
    text = 'smiles\tname\ty\nCCO\t"b\nCCC\tc\t5\nCCN\t"d\nCC\n'
    table = read(tmp_path, text, "t.tsv")
    assert table.smiles == ["CCO", "CCC", "CCN", "CC"]
    assert list(table.frame["name"]) == ['"b', "c", '"d', ""]


def test_smiles_of_several_lines_are_no_molecule(tmp_path: Path) -> None:
    text = 'smiles,y\n"CCO\nCCN",1\n"CC\n",2\n"InChI=1S/CH4/h1H4\nInChI=1S/H2O/h1H2",3\n'
    found = featurize(standardized(read(tmp_path, text).smiles, "salts"))
    assert found.status == ["invalid_smiles", "ok", "invalid_smiles"]
    assert "several lines" in found.reason[0]


def test_the_first_line_may_say_the_delimiter(tmp_path: Path) -> None:
    for said in ("sep=;", "SEP=;", '"sep=;"'):
        table = read(tmp_path, f"{said}\r\nsmiles;y, z\r\nCCO;1,5\r\nCC;2,5\r\n")
        assert table.smiles == ["CCO", "CC"]
        assert list(table.frame.columns) == ["smiles", "y, z"]
    with pytest.raises(InputError, match="holds no rows"):
        read(tmp_path, "sep=;\n\n")

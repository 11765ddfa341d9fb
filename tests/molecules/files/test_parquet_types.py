"""Files of a glob are written as one table, whatever the types of each."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from molecules.files.parquet_types import shared_types
from molecules.files.table import iter_library, read_table
from molecules.prediction.writers import table_writer
from sciml.errors import InputError


def write(folder: Path, *columns: pa.Array) -> str:
    for number, column in enumerate(columns):
        table = pa.table({"smiles": ["C"] * len(column), "batch": column})
        parquet.write_table(table, folder / f"{number}.parquet")
    return str(folder / "*.parquet")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([pa.array([1, 2]), pa.array([1.5, None])], [1.0, 2.0, 1.5, None]),
        ([pa.array([1]), pa.array(["a"])], ["1", "a"]),
        ([pa.array([None]), pa.array([7])], [None, 7]),
        ([pa.array([1], pa.int8()), pa.array([1000])], [1, 1000]),
        ([pa.array([True]), pa.array([2])], ["true", "2"]),
        ([pa.array([1.5]), pa.array([1]), pa.array(["x"])], ["1.5", "1", "x"]),
    ],
)
def test_every_cell_comes_through(
    tmp_path: Path, columns: list[pa.Array], expected: list[object]
) -> None:
    source, out = write(tmp_path, *columns), tmp_path / "out" / "all.parquet"
    out.parent.mkdir()
    with table_writer(out, shared_types(source)) as write_rows:
        for table in iter_library(source):
            write_rows(table.frame, table.smiles)
    assert parquet.read_table(out)["batch"].to_pylist() == expected


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string_view()])
def test_text_is_text_however_it_is_stored(kind: pa.DataType, tmp_path: Path) -> None:
    smiles, path = ["CCO", None, "c1ccccc1"], tmp_path / "a.parquet"
    parquet.write_table(pa.table({"smiles": pa.array(smiles).cast(kind), "y": [1, 2, 3]}), path)
    assert read_table(str(path)).smiles == ["CCO", "", "c1ccccc1"]


def test_a_column_that_comes_twice_is_named(tmp_path: Path) -> None:
    table = pa.table([["C"], [1.0], [2.0]], names=["smiles", "y", "y"])
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="has the column 'y' 2 times"):
        read_table(str(tmp_path / "a.parquet"))


def test_what_cannot_be_one_column_is_named_beforehand(tmp_path: Path) -> None:
    source = write(tmp_path, pa.array([1]), pa.array([[1, 2]]))
    with pytest.raises(InputError, match=r"1\.parquet: column 'batch' is list.* and int64"):
        shared_types(source)


def test_a_text_table_among_them_makes_text_and_one_file_asks_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, pa.array([1]))
    assert shared_types(str(tmp_path / "0.parquet")) == {}
    (tmp_path / "1.csv").write_text("smiles,batch\nC,1\n")
    assert set(shared_types(str(tmp_path / "[01].*")).values()) == {pa.large_string()}


def test_without_that_the_first_rows_decide_and_it_is_said(tmp_path: Path) -> None:
    source = write(tmp_path, pa.array([1]), pa.array(["a"]))
    first, second = iter_library(source)
    with table_writer(tmp_path / "out.parquet") as write_rows:
        write_rows(first.frame, first.smiles)
        with pytest.raises(InputError, match="column 'batch' is int64 in the first rows"):
            write_rows(second.frame, second.smiles)

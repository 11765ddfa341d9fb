"""Columns of files that name them in unusual places."""

import json
from pathlib import Path

import pytest

from molecules.files.readers import read_chunks
from molecules.files.table import read_table


def test_a_list_of_smiles_whose_header_names_columns_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.smi"
    path.write_text("smiles\tname\tpIC50\nCCO\tethyl alcohol\t5.1\nCC\tethane\t\n")
    table = read_table(path)
    assert list(table.frame.columns) == ["smiles", "name", "pIC50"]
    assert table.frame.iloc[0].tolist() == ["CCO", "ethyl alcohol", "5.1"]
    path.write_text("CCO\tethyl alcohol\t5.1\nCC\tethane\n")  # names may hold tabs
    assert read_table(path).frame["name"].tolist() == ["ethyl alcohol\t5.1", "ethane"]


def test_keys_that_come_late_are_columns_of_all_rows(tmp_path: Path) -> None:
    rows = [{"smiles": "C" * n} | ({"id": n} if n > 7 else {}) for n in range(1, 10)]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    chunks = [chunk.frame for chunk in read_chunks(path, 3)]
    assert all(list(chunk.columns) == ["smiles", "id"] for chunk in chunks)
    assert [cell for chunk in chunks for cell in chunk["id"]] == [""] * 7 + ["8", "9"]


def test_half_a_character_is_kept_in_place(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"smiles": "CCO"}\n{"smiles": "C\\ud800"}\n')
    assert read_table(path).smiles == ["CCO", "C?"]


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("gdb.smi", "C gdb_1\nN gdb_2\nCC gdb_6\nCCO gdb_9\n", 4),
        ("wrong.smi", "CN(C)(C)(C)C mol1\nCCO mol2\nCCN mol3\n", 3),
        ("ring.smi", "C1CC a\nCCO b\n", 2),
        ("dative.smi", "N->[Pt](Cl)(Cl)<-N a\nCCO b\n", 2),
        ("wrong_dative.csv", "CC->N(C)(C)(C)C\nCCO\n", 2),
        ("values.csv", "C,1.0\nCC,2.0\nCCO,3.0\n", 3),
        ("single.csv", "C,methane\n", 1),
        ("blank.csv", ",5,a\nCCO,6,b\n", 2),
    ],
)
def test_without_a_header_no_molecule_is_lost(
    name: str, text: str, rows: int, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    table = read_table(tmp_path / name)
    assert len(table) == rows
    assert table.notes == ()
    assert table.smiles[0] == text.replace(",", " ").split("\n")[0].split(" ")[0]


@pytest.mark.parametrize("name", ["<5", "<-5", "->", "N>5"])
def test_a_bound_is_no_molecule(name: str, tmp_path: Path) -> None:
    """Only behind an atom an arrow is a bond."""
    (tmp_path / "t.csv").write_text(f"{name}\nCCO\nCCN\n")
    assert list(read_table(tmp_path / "t.csv").frame.columns) == [name]


def test_a_header_that_does_not_say_smiles_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("N,drawn,NO\n5,CCO,1\n6,CCN,2\n")
    table = read_table(tmp_path / "t.csv")
    assert list(table.frame.columns) == ["N", "drawn", "NO"]
    assert table.notes == ("the first line, 'N', 'drawn', 'NO', was taken for names of columns",)

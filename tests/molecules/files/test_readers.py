"""Columns of files that name them in unusual places."""

import json
from pathlib import Path

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

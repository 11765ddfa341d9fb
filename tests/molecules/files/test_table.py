"""Every file a chemist may hand over is read, row by row, or refused in one line."""

import csv
import gzip
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molecules.files.inchi import is_inchi
from molecules.files.recognize import is_smiles, name_column, tidy_names
from molecules.files.table import Table, demo_activity, demo_library, iter_library, read_table
from sciml.errors import InputError

MOLECULES = [("ethanol", "CCO", "-0.5"), ("benzene, pure", "c1ccccc1", "1.25"), ("?", "C(", "")]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def as_text(delimiter: str, header: bool = True) -> str:
    frame = pd.DataFrame(MOLECULES, columns=["Name", "SMILES", "logS"])
    return frame.to_csv(sep=delimiter, index=False, header=header)


def assert_molecules(table: Table) -> None:
    assert table.smiles == [smiles for _, smiles, _ in MOLECULES]
    assert list(table.frame.iloc[:, 0]) == [name for name, _, _ in MOLECULES]
    labels = table.labels([table.frame.columns[2]])
    np.testing.assert_array_equal(labels.values[:, 0], [-0.5, 1.25, np.nan])
    assert labels.report() == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_encodings(tmp_path: Path, delimiter: str, encoding: str) -> None:
    assert_molecules(read_table(write(tmp_path / "t.csv", as_text(delimiter), encoding)))


def test_without_header_columns_are_numbered(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", as_text(",", header=False)))
    assert_molecules(table)
    assert table.smiles_column == "column_2"


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends(tmp_path: Path, ends: str) -> None:
    assert_molecules(read_table(write(tmp_path / "t.csv", as_text(",").replace("\n", ends))))


def test_gzip_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(as_text(",").encode()))
    assert_molecules(read_table(path))


def test_latin1_bytes(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", "smiles,name\nCCO,Äthanol\n", "latin-1"))
    assert table.frame["name"][0] == "Äthanol"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(as_text(",").encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert_molecules(read_table("-"))


def test_parquet_keeps_types_and_index(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"SMILES": ["CCO", None, "C"], "count": [1, 2, None]}, dtype=object)
    frame.set_index(pd.Index(["a", "b", "c"], name="ID")).to_parquet(path)
    for table in (read_table(path), next(iter_library(path, 3))):
        assert table.smiles == ["CCO", "", "C"]
        assert list(table.frame["ID"]) == ["a", "b", "c"]
        assert table.frame["count"].tolist()[:2] == [1, 2]
        np.testing.assert_array_equal(table.labels(["count"]).values[:, 0], [1, 2, np.nan])
    assert [len(part) for part in iter_library(path, 2)] == [2, 1]


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2),
        min_size=1,
        max_size=8,
    ),
    delimiter=st.sampled_from(",;|"),
)
@settings(max_examples=60, deadline=None)
def test_quoted_cells_come_back_as_they_were(rows: list[list[str]], delimiter: str) -> None:
    rows = [[cell.replace("\0", "") for cell in row] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
            writer.writerows([["SMILES", "a", "b"], *(["C", *row] for row in rows)])
        frame = read_table(path).frame
    assert frame[["a", "b"]].to_numpy().tolist() == rows


def test_json_lines_keep_the_text_of_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", '{"smiles": "CCO", "y": 1.50}\n{"smiles": null}\n')
    table = read_table(path)
    assert table.smiles == ["CCO", ""]
    assert list(table.frame["y"]) == ["1.50", ""]


def test_smi_names_and_extensions(tmp_path: Path) -> None:
    text = "CCO ethanol, pure\nCC |$;x$| two words\n\nC\n\n"
    table = read_table(write(tmp_path / "t.smi", text))
    assert table.smiles == ["CCO", "CC |$;x$|", "", "C"]
    assert list(table.frame["name"]) == ["ethanol, pure", "two words", "", ""]


def test_line_break_inside_a_cell_is_one_row(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", 'SMILES,note\nCCO,"a\nb"\nC,c\n'))
    assert table.smiles == ["CCO", "C"]


def test_tab_separated_quotes_are_text_unless_a_cell_spans_lines(tmp_path: Path) -> None:
    text = 'id\tname\tSMILES\n1\t"open\tCCO\n2\t"over\ntwo"\tCC\n'
    table = read_table(write(tmp_path / "t.tsv", text))
    assert table.smiles == ["CCO", "CC"]
    assert list(table.frame["name"]) == ['"open', "over\ntwo"]


def test_ragged_rows_are_kept_and_reported(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", "SMILES,y\nCCO,1,2\nC\nCC,3\n"))
    assert table.smiles == ["CCO", "C", "CC"]
    assert list(table.frame["y"]) == ["1", "", "3"]
    assert "row 1 has 3 cells" in table.notes[0]


def test_column_by_content_when_the_name_misleads(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "t.csv", "SMILES,SMILES\nethanol,CCO\npropane,CCC\n"))
    assert table.smiles_column == "SMILES_2"


def test_sdf_records_are_rows_even_if_broken(tmp_path: Path) -> None:
    from rdkit import Chem

    good = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
    text = f"{good}>  <pIC50>\n5.5\n\n$$$$\nbad\n\n\nnonsense\n$$$$\n{good}>  <note>\na\nb\n"
    table = read_table(write(tmp_path / "t.sdf", text))
    assert table.smiles == ["CCO", "", "CCO"]
    assert list(table.unreadable) == [1]
    assert list(table.frame["pIC50"]) == ["5.5", "", ""]
    assert table.frame["note"][2] == "a\nb"


def test_an_sdf_record_without_atoms_says_so(tmp_path: Path) -> None:
    from rdkit import Chem

    text = "".join(f"{Chem.MolToMolBlock(Chem.MolFromSmiles(s))}$$$$\n" for s in ("CCO", ""))
    table = read_table(write(tmp_path / "t.sdf", text))
    assert table.unreadable == {1: "the record has no atoms"}


def test_chunks_join_to_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "SMILES,n\n" + "".join(f"C,{i}\n" for i in range(25)))
    chunks = list(iter_library(path, chunk_rows=10))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert chunks[-1].fraction == 1
    joined = pd.concat([chunk.frame for chunk in chunks], ignore_index=True)
    pd.testing.assert_frame_equal(joined, read_table(path).frame)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"SMILES,y\n", "no rows"),
        ("t.csv", b"a,b\n1,2\n", "no column holds SMILES"),
        ("t.csv", b"\x89PNG\x00\x00", "not a table"),
        ("t.csv.gz", gzip.compress(b"SMILES\nCCO\n" * 999, mtime=0)[:-20], "damaged"),
        ("t.parquet", b"PAR1 and no more", "damaged Parquet"),
        ("t.jsonl", b'{"smiles": "C"}\n{oops\n', "line 2 is not JSON"),
        ("t.csv", b'SMILES,y\nC,"' + b"x" * 200_000, "quote left open"),
    ],
)
def test_unusable_files_are_one_clear_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(path)


def test_missing_file_and_unknown_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_table(tmp_path / "none.csv")
    path = write(tmp_path / "t.csv", as_text(","))
    with pytest.raises(InputError, match="did you mean 'SMILES'"):
        read_table(path, smiles="SMILE")
    with pytest.raises(InputError, match="did you mean 'logS'"):
        read_table(path).labels(["logs"])


def test_label_column_is_never_guessed_among_several() -> None:
    frame = pd.DataFrame({"smiles": ["C", "CC"], "y": ["1", "2.5"], "Compound ID": ["1", "2"]})
    assert Table(frame, "smiles").label_columns() == ["y"]
    with pytest.raises(
        InputError, match="candidates are 'y'; by their names computed: 'predicted y'"
    ):
        Table(frame.assign(**{"predicted y": "3"}), "smiles").label_columns()
    with pytest.raises(InputError, match="none holds numbers"):
        Table(frame[["smiles"]], "smiles").label_columns()


def test_names() -> None:
    assert tidy_names([" a ", "", "a", "a"]) == ["a", "column_2", "a_2", "a_3"]
    assert tidy_names(["log\xa0D ", "\xa0"]) == ["log\xa0D", "column_2"]
    frame = pd.DataFrame(columns=["smiles", "y", "Compound ID"])
    assert name_column(frame, "smiles") == "Compound ID"
    assert is_smiles("CCO")
    assert not is_smiles("ethanol")
    assert not is_smiles(" ")


def test_embedded_tables() -> None:
    table = demo_activity()
    assert len(table) == 1017
    activity = table.labels(["Act"]).values
    assert np.isfinite(activity).all()
    assert 4 < activity.min() < activity.max() < 10
    assert sum(len(chunk) for chunk in iter_library(demo_library(), 1000)) == 4999


def test_dirty_table_agrees_row_by_row(shared_data: Path) -> None:
    folder = shared_data / "molecules" / "dirty"
    table = read_table(folder / "dirty_input.csv")
    expected = pd.read_csv(folder / "dirty_expected.csv")
    assert list(table.frame["ID"]) == list(expected["ID"])
    parses = [is_smiles(smiles) for smiles in table.smiles]
    readable = expected["rdkit_parses"].astype(bool) | table.frame["SMILES"].map(is_inchi)
    assert parses == list(readable)
    labels = table.labels(["logS"])
    plain = np.isfinite(labels.values[:, 0])
    plain[[note.row for note in labels.read]] = False
    typographic = expected["ID"] == "D0382"  # a minus sign that is no hyphen
    np.testing.assert_array_equal(plain, expected["label_is_number"].astype(bool) | typographic)
    read = {note.text: labels.values[note.row, 0] for note in labels.read}
    assert read == {"-3,45": -3.45, "-3.2 ± 0.1": -3.2, "1,234.5": 1234.5, "<-5": -5, ">1": 1}
    unread = {note.text for note in labels.unread}
    assert unread == {"1.2.3", "0x10", "TRUE", "1e400", "inf"}


@pytest.mark.parametrize(
    "name",
    [
        "constant_label.csv",
        "cr_only.csv",
        "duplicate_column_names.csv",
        "latin1.csv",
        "missing_labels.csv",
        "no_header.csv",
        "one_class_only.csv",
        "padded_column_names.csv",
        "ragged_rows.csv",
        "records.jsonl",
        "semicolon_decimal_comma.csv",
        "smiles_space_name.smi",
        "tab.tsv",
        "table.parquet",
        "text_classes.csv",
        "unnamed_index.csv",
        "utf16.csv",
        "utf8.csv",
        "utf8_bom_crlf.csv",
    ],
)
def test_every_encoding_gives_the_same_molecules(shared_data: Path, name: str) -> None:
    folder = shared_data / "molecules" / "dirty" / "encodings"
    assert read_table(folder / name).smiles == read_table(folder / "utf8.csv").smiles


@pytest.mark.parametrize(
    ("name", "message"),
    [("empty.csv", "is empty"), ("header_only.csv", "has a header but no rows")],
)
def test_tables_without_rows_are_refused(shared_data: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(shared_data / "molecules" / "dirty" / "encodings" / name)


def test_one_row_is_a_table(shared_data: Path) -> None:
    table = read_table(shared_data / "molecules" / "dirty" / "encodings" / "one_row.csv")
    assert (len(table), table.label_columns()) == (1, ["logS"])


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("delaney-processed.csv", "candidates are 'measured log solubility.*'; by their names "
         "computed: 'ESOL predicted"),
        ("SAMPL.csv", "candidates are 'expt'; by their names computed: 'calc'"),
        ("bace.csv.gz", "candidates are 'Class', 'pIC50', .* and [0-9]+ more; by their names"),
    ],
)  # fmt: skip
def test_measured_among_computed_columns_is_for_the_user_to_name(
    shared_data: Path, name: str, candidates: str
) -> None:
    table = read_table(shared_data / "molecules" / "moleculenet" / name)
    with pytest.raises(InputError, match=candidates) as refused:
        table.label_columns()
    assert "\n" not in str(refused.value)


def test_decimal_commas_give_the_same_labels(shared_data: Path) -> None:
    folder = shared_data / "molecules" / "dirty" / "encodings"
    plain = read_table(folder / "utf8.csv").labels(["logS"]).values
    comma = read_table(folder / "semicolon_decimal_comma.csv").labels(["logS"]).values
    np.testing.assert_array_equal(comma, plain)


@pytest.mark.parametrize(
    ("name", "rows", "unreadable"),
    [
        ("good_bad_good_bad.sdf", 4, 2),
        ("good_bad_good_good.sdf", 4, 1),
        ("esters_end.sdf", 6, 0),
        ("Issue3525673.sdf", 9, 1),
        ("standardiser_examples.in.sdf", 77, 10),
        ("TUBB3-observations-last-broken.sdf", 10, 1),
        ("witch-salts.sdf.gz", 240, 0),
    ],
)
def test_broken_sdf_files(shared_data: Path, name: str, rows: int, unreadable: int) -> None:
    table = read_table(shared_data / "molecules" / "dirty" / "sdf" / name)
    assert (len(table), len(table.unreadable)) == (rows, unreadable)


def test_a_target_may_be_named_as_the_file_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("smiles,  hit  ,log\xa0D\nC,1,0.5\nCC,0,0.7\n", encoding="utf-8")
    table = read_table(path)
    assert table.label_columns(["  hit  ", "log\xa0D"]) == ["hit", "log\xa0D"]
    assert table.label_columns(["log D"]) == ["log\xa0D"]
    padded = Table(pd.DataFrame({"smiles": ["C"], " hit ": ["1"]}), "smiles")
    assert padded.label_columns([" hit "]) == [" hit "]

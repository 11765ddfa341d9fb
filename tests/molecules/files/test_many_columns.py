"""Hundreds of columns are named by a pattern, and what cannot be learned is told, not dropped."""

import pandas as pd
import pytest

from molecules.checking.doctor import examine
from molecules.files.measured import measured
from molecules.files.table import Table
from molecules.training.preparation import DataConfig, prepare
from sciml.errors import InputError


def made() -> Table:
    frame = pd.DataFrame({"smiles": ["C", "CC", "CCC", "CO"], "mol_id": ["7", "8", "9", "10"]})
    frame["NR-AR"] = ["0", "1", "", "0"]
    frame["NR-ER"] = ["0", "", "0", "0"]
    frame["SR-p53"] = ["1", "0", "", ""]
    frame["SR-none"] = ["", "", "", ""]
    frame["comment"] = ["good", "bad", "odd", "new"]
    return Table(frame, "smiles", "made")


def test_a_pattern_stands_for_columns_of_labels() -> None:
    table = made()
    assert table.label_columns(["NR-*"]) == ["NR-AR", "NR-ER"]
    assert table.label_columns(["*"]) == ["NR-AR", "NR-ER", "SR-p53"]
    assert table.label_columns(["SR-p53", "*"]) == ["SR-p53", "NR-AR", "NR-ER"]


def worded() -> Table:
    """Words as a chemist writes them beside numbers."""
    frame = pd.DataFrame({"smiles": ["C" * n for n in range(1, 9)]})
    frame["name"] = [f"alkane {n}" for n in range(8)]
    frame["tox"] = ["toxic", "non-toxic", "", "toxic"] * 2
    frame["ames"] = ["yes", "no"] * 4
    frame["herg"] = ["0", "1"] * 4
    frame["grade"] = ["high", "mid", "low", "NA"] * 2
    frame["set"] = ["Train", "Valid", "Train", "test"] * 2
    frame["relation"] = ["=", "<", "=", ">"] * 2
    frame["other SMILES"] = [f"{'C' * n}O" for n in range(1, 9)]
    frame["remark"] = ["seen", "twice", *[""] * 6]
    frame["blank"] = ""
    return Table(frame, "smiles", "worded")


def test_words_may_be_units_or_sources_so_that_only_a_name_takes_them() -> None:
    table = worded()
    assert table.label_columns(["*"]) == ["ames", "herg"]
    assert table.label_columns(["tox", "*"]) == ["tox", "ames", "herg"]
    with pytest.raises(InputError, match=r"'grade' \(words; for classes, name it\)"):
        table.label_columns(["g*"])
    assert len(measured(table, ["grade"])[0]) == 3


def test_what_a_pattern_passes_over_is_told_in_one_line() -> None:
    table = worded()
    assert table.not_meant(["*"]) == (
        "matched but not learned: 'name' (identifiers), 'tox', 'grade' (words; for classes, name "
        "it), 'set' (folds of a split), 'relation', 'other SMILES', 'remark' (neither numbers nor "
        "up to 20 words that recur), 'blank' (no values)"
    )
    assert table.not_meant(["tox", "h*"]) == table.not_meant(["tox"]) == ""
    assert "'set'" not in table.not_meant(["*", "set"])
    ready = prepare(table, ["*"], DataConfig(fractions=(0.5, 0.0, 0.5)))
    assert table.not_meant(["*"]) in ready.notes
    found = examine(table, ["*"]).findings
    assert table.not_meant(["*"]) in [finding.text for finding in found]


def test_a_name_with_signs_is_a_name() -> None:
    table = made()
    table.frame["what?"] = ["1", "2", "3", "4"]
    assert table.label_columns(["what?"]) == ["what?"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("XX*", "'XX\\*' stands for no column to learn; it matches no name"),
        ("comm*", "matched but not learned: 'comment' \\(neither numbers nor up to 20 words"),
    ],
)
def test_a_pattern_without_labels(pattern: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made().label_columns([pattern])


def test_one_class_only_is_left_out_and_told_where_a_pattern_named_it() -> None:
    table = made()
    columns = table.label_columns(["*"])
    tasks, labels = measured(table, columns, optional=columns)
    assert tasks.names == ("NR-AR", "SR-p53")
    assert labels.values.shape == (4, 2)
    assert labels.report() == ["1 column holds no two different labels, and is left out: 'NR-ER'"]
    with pytest.raises(InputError, match="'NR-ER' holds the single value 0"):
        measured(table, columns)


def test_nothing_left_to_learn() -> None:
    with pytest.raises(InputError, match="'NR-ER' holds the single value 0"):
        measured(made(), ["NR-ER"], optional=["NR-ER"])

"""Hundreds of columns are named by a pattern, and what cannot be learned is told, not dropped."""

import pandas as pd
import pytest

from molecules.files.measured import measured
from molecules.files.table import Table
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


def test_a_name_with_signs_is_a_name() -> None:
    table = made()
    table.frame["what?"] = ["1", "2", "3", "4"]
    assert table.label_columns(["what?"]) == ["what?"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("XX*", "'XX\\*' matches no column"), ("comm*", "the 1 columns it matches hold no labels")],
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

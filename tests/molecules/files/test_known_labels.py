"""A table is read for a model as the table was that it learned from."""

import numpy as np
import pandas as pd
import pytest

from molecules.files.known_labels import known_labels
from molecules.files.measured import measured
from molecules.files.table import Table
from molecules.tasks import TaskOptions
from sciml.errors import InputError

CELLS = {
    "smiles": ["C", "CC", "CCC", "CCCC", "CCCCC", "CCCCCC"],
    "tox": ["toxic", "non-toxic", "toxic", " non-toxic", "n/a", "toxic"],
    "active": ["yes", "no", "1", "0", "", "yes"],
    "grade": ["high", "low", "middle", "high", "low", ""],
    "score": ["1", "2", "10", "1", "2", "1"],
    "logS": ["1.5", "<2", "3,5", ">4", "", "0.1"],
}
TARGETS = ["tox", "active", "grade", "score", "logS"]


def table(cells: dict[str, list[str]]) -> Table:
    return Table(pd.DataFrame(cells), "smiles")


def test_of_the_table_learned_from_the_labels_are_those_of_the_training() -> None:
    """And of other rows too, whatever they hold: a rare word does not turn round."""
    options = {"score": TaskOptions(kind="multiclass")}
    tasks, learned = measured(table(CELLS), TARGETS, options)
    again = known_labels(table(CELLS), tasks)
    np.testing.assert_array_equal(again.values, learned.values)
    np.testing.assert_array_equal(again.exact, learned.exact)
    for row in range(6):
        alone = {name: [cells[row]] for name, cells in CELLS.items()}
        for column in np.flatnonzero(np.isfinite(learned.values[row])):
            one = known_labels(table(alone), tasks, [int(column)])
            assert one.values.item() == learned.values[row, column]


@pytest.mark.parametrize("option", [{"positive": "0"}, {"kind": "multiclass"}])
def test_numbers_are_words_however_they_are_written(option: dict[str, str]) -> None:
    cells = {"smiles": ["C", "CC", "CCC"], "active": ["0", "1", "1"]}
    tasks, learned = measured(table(cells), ["active"], {"active": TaskOptions(**option)})
    again = {**cells, "active": ["0.0", "1.0", "1e0"]}
    np.testing.assert_array_equal(known_labels(table(again), tasks).values, learned.values)


def test_what_a_model_does_not_know_is_missing() -> None:
    tasks, _ = measured(table(CELLS), ["grade", "active", "tox"])
    cells = {"smiles": ["C", "CC"], "grade": ["top", "low"], "active": ["2", "1"]}
    found = known_labels(table(cells), tasks, [0, 1, 2, 3]).values
    assert np.isnan(found[0]).all()
    assert found[1].tolist() == [0.0, 1.0, 0.0, 1.0]
    with pytest.raises(InputError, match="'tox'"):
        known_labels(table(cells), tasks)
    with pytest.raises(InputError, match="holds no label: expected 'non-toxic', 'toxic'"):
        known_labels(table({"smiles": ["C"], "tox": ["so-so"]}), tasks, [4])

"""Kinds, units and classes of columns, inferred or said; and what cannot be learned."""

import numpy as np
import pandas as pd
import pytest

from molecules.files.measured import measured
from molecules.files.table import Table
from molecules.tasks import Task, TaskOptions, Tasks, infer_task
from sciml.errors import InputError


def table(**columns: list[object]) -> Table:
    rows = len(next(iter(columns.values())))
    return Table(pd.DataFrame({"smiles": ["C"] * rows, **columns}), "smiles", "made")


def test_kinds_follow_from_the_values() -> None:
    made = table(
        **{"EC50 [nM]": ["1.5", "<2", "", "40"], "toxic": ["yes", "no", "", "1"], "n": [0, 1, 2, 3]}
    )
    tasks, labels = measured(made, ["EC50 [nM]", "toxic", "n"])
    assert [task.kind for task in tasks.tasks] == ["regression", "binary", "regression"]
    assert [task.unit for task in tasks.tasks] == ["nM", "", ""]
    np.testing.assert_array_equal(labels.bounds[:, 0], [0, -1, 0, 0])


def test_words_are_classes_and_one_column_each() -> None:
    made = table(grade=["low", "high", "n/a", "10 mid", "low", "2 mid"], y=["1", "2"] * 3)
    tasks, labels = measured(made, ["grade", "y"], {"grade": TaskOptions(better="higher")})
    names = ["grade=2 mid", "grade=10 mid", "grade=high", "grade=low", "y"]
    assert list(tasks.names) == names
    assert tasks.classes == {"grade": [0, 1, 2, 3]}
    np.testing.assert_array_equal(labels.values[:, 3], [1, 0, np.nan, 0, 1, 0])
    np.testing.assert_array_equal(np.nansum(labels.values[:, :4], axis=1), [1, 1, 0, 1, 1, 1])
    assert tasks.tasks[0].meaning == "probability, higher is better"


def test_options_decide() -> None:
    made = table(n=["0", "1", "2", "1"], b=["0", "1", "0", "1"])
    options = {
        "n": TaskOptions(kind="multiclass"),
        "b": TaskOptions(kind="regression", unit="mol/L", better="lower"),
    }
    tasks, _ = measured(made, ["n", "b"], options)
    assert list(tasks.names) == ["n=0", "n=1", "n=2", "b"]
    assert tasks.tasks[-1] == Task(name="b", unit="mol/L", better="lower")
    assert tasks.tasks[-1].meaning == "mol/L, lower is better"


def test_only_usable_rows_count() -> None:
    made = table(grade=["a", "b", "c"])
    tasks, labels = measured(made, ["grade"], usable=np.array([True, True, False]))
    assert list(tasks.names) == ["grade=a", "grade=b"]
    assert np.isnan(labels.values[2]).all()


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        (["", "n/a", "-"], {}, "holds no label"),
        (["a", "a", "a"], {}, "holds no label"),
        ([f"name {n}" for n in range(21)], {}, "2 to 20 classes; it holds 'name 0'"),
        (["1", "1", ""], {}, "single value 1"),
        (["<1", ">2", ""], {}, "no number to learn from"),
        (["1", "2", "3"], {"y": TaskOptions(kind="binary")}, "is to be binary but holds 2"),
        (["low", "high", "low"], {"y": TaskOptions(kind="regression")}, "holds no label"),
        (["1", "2", "3"], {"Y": TaskOptions()}, "names 'Y', which is not learned"),
    ],
)
def test_what_cannot_be_learned(
    cells: list[object], options: dict[str, TaskOptions], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        measured(table(y=cells), ["y"], options)


def test_quantities_over_decades_are_learned_as_logarithms() -> None:
    draw = np.random.default_rng(0).normal(size=400)
    few = np.exp(2 * draw)  # lognormal
    for column, options, scale in (
        (few, TaskOptions(), "log"),
        (few, TaskOptions(scale="linear"), "linear"),
        (few - few.min(), TaskOptions(), "linear"),  # holds zero
        (draw, TaskOptions(), "linear"),
        (draw + 10, TaskOptions(scale="log"), "log"),
        (few[:15], TaskOptions(), "linear"),  # too few to tell
    ):
        assert infer_task("y", column, options).scale == scale
    with pytest.raises(InputError, match="learned as a logarithm but holds -"):
        infer_task("y", draw, TaskOptions(scale="log"))


def test_scales_there_and_back() -> None:
    tasks = Tasks(tasks=(Task(name="a", scale="log"), Task(name="b")))
    values = np.array([[np.e, -3.0], [1.0, np.nan], [np.nan, 2.0]])
    np.testing.assert_allclose(tasks.learned(values), [[1, -3], [0, np.nan], [np.nan, 2]])
    np.testing.assert_allclose(tasks.in_units(tasks.learned(values)), values)
    assert np.isnan(tasks.learned(np.array([0.0, 0.0]))).tolist() == [True, False]


def test_names_are_distinct() -> None:
    with pytest.raises(ValueError, match="named twice"):
        Tasks(tasks=(Task(name="a"), Task(name="a")))

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


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Papp (10^-6 cm/s)", "10^-6 cm/s"),
        ("Papp [1e-6 cm/s]", "1e-6 cm/s"),
        ("logS ( log10 mol/L )", "log10 mol/L"),
        ("CLint (µL/min/10^6 cells)", "µL/min/10^6 cells"),
        ("inhibition (%)", "%"),
        ("log D (µ, 37 °C)", ""),
        ("log D (37 °C)", ""),
        ("logD (pH 7.4)", ""),
        ("logD (pH7.4)", ""),
        ("logD (37°C)", ""),
        ("k (1/h)", "1/h"),
        ("EC50 (n=3)", ""),
        ("y", ""),
    ],
)
def test_a_unit_in_a_name_looks_like_one(name: str, unit: str) -> None:
    assert infer_task(name, np.array([1.0, 2.0, 3.0])).unit == unit


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
    made = table(grade=["a", "b", "c", "d"])
    tasks, labels = measured(made, ["grade"], usable=np.array([True, True, True, False]))
    assert list(tasks.names) == ["grade=a", "grade=b", "grade=c"]
    assert np.isnan(labels.values[3]).all()


@pytest.mark.parametrize(
    ("zero", "one", "why"),
    [
        ("Inactive", "Active", "words for yes and no"),
        ("False", "True", "words for yes and no"),
        ("insoluble", "soluble", "negates"),
        ("impermeable", "permeable", "negates"),
        ("non-toxic", "toxic", "negates"),
        ("Not toxic", "toxic", "negates"),
        ("nontoxic", "toxic", "negates"),
        ("non-binder", "ligand", "negates"),
        ("BBB-", "BBB+", "sign"),
        ("high", "low", "the rarer word, 2 of 5"),
    ],
)
def test_two_words_are_one_property_that_says_which_is_one(zero: str, one: str, why: str) -> None:
    made = table(y=[zero, one, zero, "", one, zero])
    tasks, labels = measured(made, ["y"])
    assert tasks.tasks == (Task(name="y", kind="binary", words=(zero, one)),)
    assert tasks.tasks[0].meaning == f"probability of {one}"
    assert (tasks.tasks[0].one, Task(name="y", kind="binary").one) == (one, "1")
    np.testing.assert_array_equal(labels.values[:, 0], [0, 1, 0, np.nan, 1, 0])
    (line,) = labels.report()
    assert line.startswith(f"y: {one!r} counts as 1 and {zero!r} as 0 (")
    assert why in line
    turned, mirrored = measured(made, ["y"], {"y": TaskOptions(positive=zero)})
    assert turned.tasks[0].words == (one, zero)
    np.testing.assert_array_equal(mirrored.values, 1 - labels.values)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["1", "2"] * 9, "y: 1, 2 are learned as a quantity; for classes: --data.tasks "),
        (["5.5", "20"] * 9, "y: 5.5, 20 are learned as"),
        (["1", "2", "3", "4", "5"] * 9, "y: 1, 2, 3, 4, 5 are learned as"),
        (["1", "2.5", "3"] * 9, ""),
        (["100", "200", "300"] * 9, ""),
        (["1", "2", "3", "4"], ""),  # hardly repeated
        (["0", "1"] * 9, ""),
    ],
)
def test_numbers_that_could_be_classes_are_told(cells: list[object], told: str) -> None:
    lines = measured(table(y=cells), ["y"])[1].report()
    assert len(lines) == bool(told)
    assert told in "".join(lines)
    said = measured(table(y=cells), ["y"], {"y": TaskOptions(kind="regression")})
    assert said[1].report() == []


def test_hundreds_of_columns_take_a_few_lines() -> None:
    columns: dict[str, list[object]] = {f"y{n}": ["toxic", "non-toxic"] for n in range(300)}
    lines = measured(table(**columns), list(columns))[1].report()
    assert len(lines) == 9
    assert lines[-1] == "292 more lines of this kind left out"


def test_two_numbers_as_classes_are_one_property() -> None:
    made = table(y=["1", "2", "2", "2"])
    for options in (TaskOptions(kind="multiclass"), TaskOptions(positive="2")):
        tasks, labels = measured(made, ["y"], {"y": options})
        assert tasks.tasks[0].words == ("1", "2")
        np.testing.assert_array_equal(labels.values[:, 0], [0, 1, 1, 1])
    with pytest.raises(InputError, match="positive is '3'; expected '1' or '2'"):
        measured(made, ["y"], {"y": TaskOptions(positive="3")})
    with pytest.raises(InputError, match="holds 3 classes"):
        measured(table(y=["a", "b", "c"]), ["y"], {"y": TaskOptions(positive="a")})


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        (["", "n/a", "-"], {}, "holds no label"),
        (["a", "a", "a"], {}, "holds no label"),
        ([f"name {n}" for n in range(21)], {}, "2 to 20 classes; it holds 'name 0'"),
        (["1", "1", ""], {}, "single value 1"),
        (["<1", ">2", "3"], {}, "single value 3"),
        (["<1", ">2", ">3"], {}, "holds bounds only .*, and no measured value .*; write yes and"),
        (["<1", ">1", ""], {}, """holds bounds only .* yes and no: --data.tasks '{"y": {posit"""),
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


def test_bounds_only_are_learned_as_yes_and_no_as_told() -> None:
    tasks, labels = measured(table(y=["<1", ">1", ">1"]), ["y"], {"y": TaskOptions(positive="<1")})
    assert tasks.tasks[0].words == (">1", "<1")
    np.testing.assert_array_equal(labels.values[:, 0], [1, 0, 0])


def test_most_labels_being_bounds_is_told() -> None:
    line = "y: scores and intervals speak of the 2 measured values, not of the 3 bounds"
    assert line in measured(table(y=["<1", ">3", "2", "2.5", ">3"]), ["y"])[1].report()
    assert line not in measured(table(y=["<1", ">3", "2", "2.5", "2.6"]), ["y"])[1].report()


def test_quantities_over_decades_are_learned_as_logarithms() -> None:
    draw = np.random.default_rng(0).normal(size=400)
    few = np.exp(2 * draw)  # lognormal
    for column, options, scale in (
        (few, TaskOptions(), "log"),
        (few, TaskOptions(scale="linear"), "linear"),
        (few - few.min(), TaskOptions(), "linear"),  # holds zero
        (draw, TaskOptions(), "linear"),
        (draw + 10, TaskOptions(scale="log"), "log"),
        (np.append(few, 1e15), TaskOptions(), "log"),  # a slip
        (few[:15], TaskOptions(), "log"),
        (np.sqrt(few[:15]), TaskOptions(), "linear"),  # two decades, and few to tell
        (1.0001 * few[:15].max() - few[:15], TaskOptions(), "linear"),  # small ones are rare
        (few[:7] ** 2, TaskOptions(), "linear"),  # too few to tell
    ):
        assert infer_task("y", column, options).scale == scale
    with pytest.raises(InputError, match="learned as a logarithm but holds -"):
        infer_task("y", draw, TaskOptions(scale="log"))


def test_a_zero_that_turns_the_logarithm_off_is_told() -> None:
    values = np.exp(2 * np.random.default_rng(0).normal(size=60)).round(3)
    cells = [f"{value:g}" for value in values]
    made = table(y=["0", *cells])
    tasks, labels = measured(made, ["y"])
    (line,) = labels.report()
    assert tasks.tasks[0].scale == "linear"
    assert line.startswith("y: spans 4 decades but holds 0 (1 value not above zero)")
    assert f"write <{values.min():g} instead" in line
    as_told = measured(table(y=[f"<{values.min():g}", *cells]), ["y"])
    assert as_told[0].tasks[0].scale == "log"
    for quiet in (table(y=["0"] * 20 + cells), table(y=["0", *map(str, range(50))])):
        assert measured(quiet, ["y"])[1].report() == []
    assert measured(made, ["y"], {"y": TaskOptions(scale="linear")})[1].report() == []


def test_scales_there_and_back() -> None:
    tasks = Tasks(tasks=(Task(name="a", scale="log"), Task(name="b")))
    values = np.array([[np.e, -3.0], [1.0, np.nan], [np.nan, 2.0]])
    np.testing.assert_allclose(tasks.learned(values), [[1, -3], [0, np.nan], [np.nan, 2]])
    np.testing.assert_allclose(tasks.in_units(tasks.learned(values)), values)
    assert np.isnan(tasks.learned(np.array([0.0, 0.0]))).tolist() == [True, False]


def test_names_are_distinct() -> None:
    with pytest.raises(ValueError, match="named twice"):
        Tasks(tasks=(Task(name="a"), Task(name="a")))


def test_open_ends_stay_open_on_either_scale() -> None:
    tasks = Tasks(tasks=(Task(name="a", scale="log"), Task(name="b")))
    ends = np.array([[-np.inf, -np.inf], [np.inf, np.inf], [1e4, 1e4], [np.nan, np.nan]])
    told = tasks.in_units(ends)
    np.testing.assert_array_equal(told[:2], [[0, -np.inf], [np.inf, np.inf]])
    assert np.isfinite(told[2]).all()
    assert np.isnan(told[3]).all()

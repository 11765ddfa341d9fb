"""What the terminal tells is what the table says, whatever its columns are called."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from molecules.evaluation.baselines import Comparison
from molecules.evaluation.coverage import coverage_by_similarity
from molecules.evaluation.metrics import Score
from molecules.evaluation.significance import Difference
from molecules.evaluation.similarity import Nearness
from molecules.prediction.predictor import PropertyPredictor
from molecules.tasks import Task, Tasks
from molecules.training.crossvalidation import Compared, CrossValidation
from molecules.training.experiment import HeldOut, Trained
from molecules.training.many_tasks import many_tasks
from molecules.training.scores_told import coverage_told, with_interval
from molecules.training.stacking import Stacked, weights_told
from molecules.training.summary import show_crossvalidation, show_training

NAMES = ("rate [/min]", "sol [mg/L]", "sol [bold]", "a :b: c")


def trained(kind: str = "regression") -> Trained:
    tasks = Tasks(tasks=tuple(Task(name=name, kind=kind) for name in NAMES))
    near = np.linspace(0, 1, 4)
    held = (near > 0).astype(np.float64)
    width = np.full(4, np.nan if kind == "binary" else 1.0)
    return Trained(
        predictor=cast(PropertyPredictor, SimpleNamespace(tasks=tasks)),
        held_out=HeldOut(
            scores=[Comparison("our model", n, Score("RMSE", 1.0, 0.5, 2.0, 4)) for n in NAMES],
            verdicts=[f"{n}: our model does NOT beat the random forest" for n in NAMES],
            coverage=[part for n in NAMES for part in coverage_by_similarity(n, held, width, near)],
            nearness=Nearness.of(near),
            bounded=3,
        ),
        rows={"train": np.arange(8), "test": np.arange(4)},
        unusable={},
        seconds=1.0,
        told=[f"{n}: networks 100% (1 alone); RMSE 1 on molecules held out." for n in NAMES],
    )


def told(found: Trained, run: Path = Path("run[/b]")) -> str:
    console = Console(record=True, width=200)
    show_training(found, run, console)
    return console.export_text()


def test_names_and_paths_with_brackets_are_told_as_they_are() -> None:
    text = told(trained())
    for name in NAMES:
        assert text.count(name) == 4  # weights, scores, verdict, intervals
    assert text.count("run[/b]/model.safetensors") == 2


def test_a_crossvalidation_too() -> None:
    difference = Difference(0.1, -0.1, 0.3, 0.2, 10)
    rows = [
        Compared(n, "RMSE", 1.0, 2.0, (0.1, 0.2), difference, 0.01, larger_is_better=False)
        for n in NAMES
    ]
    console = Console(record=True, width=200)
    result = CrossValidation(pd.DataFrame(), rows, "mine [/x].yaml", "random", 5, 2)
    show_crossvalidation(result, Path("run[/b]"), console)
    text = console.export_text()
    assert all(text.count(name) == 1 for name in (*NAMES, "mine [/x].yaml", "run[/b]/folds.csv"))


def test_intervals_without_ends_do_not_count_as_coverage() -> None:
    near = np.linspace(0, 1, 4)
    endless = coverage_by_similarity("y", np.ones(4), np.full(4, np.inf), near)
    (line,) = coverage_told(endless)
    assert line == "y: no intervals, since fewer than 9 exact values were held out in training"
    assert many_tasks([], [], endless) == []


def test_a_figure_without_interval_stands_alone() -> None:
    assert with_interval("0.5", "nan", "nan").plain == "0.5"
    assert with_interval("0.5", "0.1", "0.9").plain == "0.5\n0.1 to 0.9"


def test_what_is_not_scored_is_told() -> None:
    assert "Rows: 8 train, 4 test; 3 bounds (<5, >5) of the test fold are not scored.\n" in told(
        trained()
    )


@pytest.mark.parametrize(
    ("kind", "held"), [("regression", "intervals hold"), ("binary", "sets hold the class of")]
)
def test_classes_are_in_sets_and_quantities_in_intervals(kind: str, held: str) -> None:
    found = trained(kind)
    assert f"90% {held} 75% of 4 test molecules" in told(found)
    (line,) = many_tasks([], [], found.held_out.coverage)
    assert line == f"90% {held.split()[0]} hold 75% of all measured test values."


def test_a_metric_without_a_value_says_why() -> None:
    tasks = Tasks(tasks=(Task(name="active", kind="binary"), Task(name="y")))
    scores = np.array([[np.nan, np.nan], [1.5, 1.5]])
    stacked = Stacked(("networks",), (), (), np.ones((1, 2)), np.empty((0, 2)), None, scores)
    assert weights_told(stacked, tasks) == [
        "active: networks 100%; ROC-AUC not defined (one class only) on molecules held out.",
        "y: networks 100% (1.5 alone); RMSE 1.5 on molecules held out.",
    ]

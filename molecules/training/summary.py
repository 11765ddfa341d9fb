"""What a training tells its user at the end, on the terminal."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from molecules.evaluation.metrics import MANY_TASKS, figure
from molecules.training.crossvalidation import CrossValidation
from molecules.training.experiment import Trained
from molecules.training.many_tasks import many_tasks
from molecules.training.records import confusion_file
from molecules.training.scores_told import coverage_told, meaning, say, scores_grid, with_interval

_SEVERAL = " p is adjusted for the number of properties (Benjamini & Hochberg 1995)."


def show_training(trained: Trained, run: Path, console: Console) -> None:
    """Rows used, scores beside the baselines', who wins, and where the model is."""
    test = trained.held_out
    sizes = ", ".join(f"{len(rows)} {name}" for name, rows in trained.rows.items())
    say(console, f"Rows: {sizes}{_left_out(trained.unusable)}{_bounded(test.bounded)}.")
    say(console, f"Test fold: {test.nearness}.")
    for line in trained.told:
        say(console, line)
    if len(trained.predictor.tasks) > MANY_TASKS:
        for line in many_tasks(test.scores, test.verdicts, test.coverage):
            say(console, line)
        say(console, f"Scores of each property: {run / 'scores.csv'}")
    else:
        _show_tasks(trained, run, console)
    console.print(meaning(trained.predictor.tasks))
    model = run / "model.safetensors"
    say(console, f"Networks trained in {trained.seconds:.0f} s. Model: {model}")
    say(console, f"Next: molecules predict {model} TABLE")


def _show_tasks(trained: Trained, run: Path, console: Console) -> None:
    """Each task for itself."""
    console.print(scores_grid(trained.held_out.scores, "Test fold"))
    for verdict in trained.held_out.verdicts:
        say(console, verdict, "bold" if "does NOT" in verdict else "")
    for line in coverage_told(trained.held_out.coverage):
        say(console, line)
    for name in trained.predictor.tasks.classes:
        path = run / confusion_file(name)
        say(console, f"{name}: which class was taken for which: {path}")


def show_crossvalidation(result: CrossValidation, run: Path, console: Console) -> None:
    """Mean scores, their difference and whether it is more than chance."""
    title = f"{result.repeats} x {result.folds}-fold cross-validation, split {result.split}"
    grid = Grid(title=Text(title))
    for heading in ("task", "metric"):
        grid.add_column(heading)
    for heading in ("our model", result.other, "difference", "p"):
        grid.add_column(Text(heading), justify="right")
    grid.add_column("our model is")
    for row in result.compared:
        d = row.difference
        scores = (row.ours, row.other)
        cells = [f"{figure(m)} ± {figure(s)}" for m, s in zip(scores, row.spread, strict=True)]
        mean, lower, upper = (figure(value, "+") for value in (d.mean, d.lower, d.upper))
        interval = with_interval(mean, lower, upper)
        chance = "-" if np.isnan(row.p) else f"{row.p:.2g}"
        grid.add_row(Text(row.task), row.metric, *cells, interval, chance, row.outcome)
    console.print(grid)
    console.print(
        "± is the standard deviation over folds; below a difference stands its 95 % confidence "
        "interval; interval and p are of the t test corrected for overlapping "
        "training sets (Nadeau & Bengio 2003)."
        + (_SEVERAL if len({row.task for row in result.compared}) > 1 else "")
    )
    say(console, f"All folds: {run / 'folds.csv'}")


def _left_out(unusable: dict[str, int]) -> str:
    if not unusable:
        return ""
    return "; left out: " + ", ".join(f"{count} {status}" for status, count in unusable.items())


def _bounded(values: int) -> str:
    return f"; {values} bounds (<5, >5) of the test fold are not scored" if values else ""

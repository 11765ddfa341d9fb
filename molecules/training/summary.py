"""What a training tells its user at the end, on the terminal."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from molecules.evaluation.baselines import Comparison
from molecules.evaluation.coverage import Coverage
from molecules.evaluation.metrics import MANY_TASKS, figure
from molecules.prediction.calibration import LEVEL
from molecules.tasks import Tasks
from molecules.training.crossvalidation import CrossValidation
from molecules.training.experiment import Trained
from molecules.training.many_tasks import many_tasks
from molecules.training.records import confusion_file


def print_training(trained: Trained, run: Path, console: Console | None = None) -> None:
    """Rows used, scores beside the baselines', who wins, and where the model is."""
    console = console or Console()
    sizes = ", ".join(f"{len(rows)} {name}" for name, rows in trained.rows.items())
    _say(console, f"Rows: {sizes}{_left_out(trained.unusable)}{_bounded(trained.bounded)}.")
    _say(console, f"Test fold: {trained.nearness}.")
    for line in trained.told:
        _say(console, line)
    if len(trained.predictor.tasks) > MANY_TASKS:
        for line in many_tasks(trained.scores, trained.verdicts, trained.coverage):
            _say(console, line)
        _say(console, f"Scores of each property: {run / 'scores.csv'}")
    else:
        _print_tasks(trained, run, console)
    console.print(_meaning(trained.predictor.tasks))
    model = run / "model.safetensors"
    _say(console, f"Networks trained in {trained.seconds:.0f} s. Model: {model}")
    _say(console, f"Next: molecules predict {model} TABLE")


def _say(console: Console, line: str, style: str = "") -> None:
    """A line as it is: a column `rate [/min]` holds no markup of ours."""
    console.print(line, style=style or None, soft_wrap=True, markup=False, emoji=False)


def _print_tasks(trained: Trained, run: Path, console: Console) -> None:
    """Each task for itself."""
    console.print(_scores(trained.scores))
    for verdict in trained.verdicts:
        _say(console, verdict, "bold" if "does NOT" in verdict else "")
    for line in _coverage(trained.coverage):
        _say(console, line)
    for name in trained.predictor.tasks.classes:
        path = run / confusion_file(name)
        _say(console, f"{name}: which class was taken for which: {path}")


def print_crossvalidation(
    result: CrossValidation, run: Path, console: Console | None = None
) -> None:
    """Mean scores, their difference and whether it is more than chance."""
    console = console or Console()
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
        interval = _with_interval(mean, lower, upper)
        chance = "-" if np.isnan(d.p) else f"{d.p:.2g}"
        grid.add_row(Text(row.task), row.metric, *cells, interval, chance, row.outcome)
    console.print(grid)
    console.print(
        "± is the standard deviation over folds; below a difference stands its 95 % confidence "
        "interval; interval and p are of the t test corrected for overlapping "
        "training sets (Nadeau & Bengio 2003)."
    )
    _say(console, f"All folds: {run / 'folds.csv'}")


def _scores(scores: list[Comparison]) -> Grid:
    """One row per task and metric, one column per model."""
    models = list(dict.fromkeys(row.model for row in scores))
    grid = Grid(title="Test fold, with 95 % bootstrap intervals")
    for heading in ("task", "metric", *models):
        grid.add_column(heading, justify="left" if heading in ("task", "metric") else "right")
    cells = {(row.task, row.score.metric, row.model): _cell(row) for row in scores}
    for task, metric in dict.fromkeys((row.task, row.score.metric) for row in scores):
        shown = (cells.get((task, metric, model), Text()) for model in models)
        grid.add_row(Text(task), metric, *shown)
    return grid


def _cell(row: Comparison) -> Text:
    score = row.score
    if score.reason:
        return Text("-")
    return _with_interval(*map(figure, (score.value, score.lower, score.upper)))


def _with_interval(value: str, lower: str, upper: str) -> Text:
    return Text.assemble(f"{value}\n", (f"{lower} to {upper}", "dim"))


def _coverage(coverage: list[Coverage]) -> list[str]:
    """For each task, how many values lie within their intervals or sets, by similarity."""
    return [
        f"{whole.task}: {LEVEL:.0%} {whole.held} {whole.share:.0%} of {whole.rows} test "
        "molecules; by similarity to the nearest training molecule "
        + ", ".join(
            f"{part.least:g}-{part.most:g}: {part.share:.0%} of {part.rows}"
            for part in coverage
            if part.task == whole.task and part is not whole
        )
        for whole in coverage
        if whole.rows and (whole.least, whole.most) == (0, 1)
    ]


def _left_out(unusable: dict[str, int]) -> str:
    if not unusable:
        return ""
    return "; left out: " + ", ".join(f"{count} {status}" for status, count in unusable.items())


def _bounded(values: int) -> str:
    return f"; {values} bounds (<5, >5) of the test fold are not scored" if values else ""


def _meaning(tasks: Tasks) -> str:
    """What the scores and intervals mean, in a sentence for each kind of task present."""
    parts = []
    if not tasks.binary.all():
        parts.append(
            "RMSE and MAE are errors in the unit of the column (0 is best); predictions come with "
            f"an interval that holds {LEVEL:.0%} of molecules like those held out in training."
        )
    if tasks.binary.any():
        parts.append(
            "ROC-AUC is the chance that a positive ranks above a negative (0.5 is guessing, 1 is "
            "best); probabilities come with a Venn-Abers interval, and with a set of classes that "
            f"misses the true one in at most {1 - LEVEL:.0%} of molecules of either class. "
            "Balanced accuracy is the mean share of each class that is found, and MCC the "
            "correlation of predicted and true class (0 is guessing, 1 is best)."
        )
    if tasks.classes:
        parts.append(
            "Macro ROC-AUC is the mean of the classes' ROC-AUC; the most probable class counts as "
            "predicted."
        )
    return " ".join(parts)

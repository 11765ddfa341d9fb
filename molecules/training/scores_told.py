"""Scores and the coverage of intervals, as a terminal shows them."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from molecules.evaluation.baselines import Comparison
from molecules.evaluation.coverage import Coverage
from molecules.evaluation.metrics import figure
from molecules.prediction.calibration import FEWEST_HELD, LEVEL
from molecules.tasks import Tasks


def say(console: Console, line: str, style: str = "") -> None:
    """A line as it is: a column `rate [/min]` holds no markup of ours."""
    console.print(line, style=style or None, soft_wrap=True, markup=False, emoji=False)


def scores_grid(scores: Sequence[Comparison], title: str) -> Grid:
    """One row per task and metric, one column per model."""
    models = list(dict.fromkeys(row.model for row in scores))
    grid = Grid(title=f"{title}, with 95 % bootstrap intervals")
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
    return with_interval(*map(figure, (score.value, score.lower, score.upper)))


def with_interval(value: str, lower: str, upper: str) -> Text:
    """A figure, and below it how far it is known, if that is."""
    if "nan" in lower:
        return Text(value)
    return Text.assemble(f"{value}\n", (f"{lower} to {upper}", "dim"))


def coverage_told(coverage: Sequence[Coverage]) -> list[str]:
    """For each task, how many values lie within their intervals or sets, by similarity."""
    return [
        _coverage_of(whole, [part for part in coverage if part.task == whole.task])
        for whole in coverage
        if whole.rows and (whole.least, whole.most) == (0, 1)
    ]


def _coverage_of(whole: Coverage, parts: Sequence[Coverage]) -> str:
    """Of intervals without ends nothing is said but that: they hold everything."""
    if whole.unbounded:
        return (
            f"{whole.task}: no intervals, since fewer than {FEWEST_HELD} exact values were held "
            "out in training"
        )
    by_similarity = ", ".join(
        f"{part.least:g}-{part.most:g}: {part.share:.0%} of {part.rows}"
        for part in parts
        if part is not whole
    )
    return (
        f"{whole.task}: {LEVEL:.0%} {whole.held} {whole.share:.0%} of {whole.rows} test "
        f"molecules; by similarity to the nearest training molecule {by_similarity}"
    )


def meaning(tasks: Tasks) -> str:
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

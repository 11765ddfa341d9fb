"""Hits as one HTML page that needs nothing else, and as CSV."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from molecules.drawing import SMALL, draw
from molecules.evaluation.metrics import figure
from molecules.evaluation.similarity import FAR
from molecules.prediction.writers import resolved, table_writer
from molecules.screening.company import Neighbour
from molecules.screening.hits import Hit
from molecules.screening.job import Job
from molecules.screening.objectives import SIMILARITY, SIMILARITY_SPREAD
from molecules.screening.outputs import Outputs
from molecules.screening.plot import PLOT, Plot
from molecules.screening.profile import Profile
from molecules.screening.screening import Screen
from molecules.tasks import Task, TaskKind
from sciml.files import atomic_path, write_text
from sciml.page import environment

ZERO = 1e-4  # standard deviations; an improvement below is none


@dataclass(frozen=True)
class Row:
    """A hit and what is known of it.

    Attributes:
        rank: in the screen, from 1.
        hit: its prediction.
        profile: its properties, alerts and drawing.
        neighbours: nearest measured molecules; empty if there are none to compare with.
        active: nearest active, if any were given.
        percentiles: (objective,) among a reference set, 0 to 100; empty without one.
    """

    rank: int
    hit: Hit
    profile: Profile
    neighbours: tuple[Neighbour, ...] = ()
    active: Neighbour | None = None
    percentiles: tuple[float, ...] = ()


@dataclass(frozen=True)
class Context:
    """What a reader must know to judge the hits.

    Attributes:
        job: what was done.
        tasks: of the objectives.
        facts: about the model, label -> text: training rows, test scores, ...
        coverage: share of true values that the intervals are meant to hold.
        label_ranges: smallest and largest value measured in the folds of the training table,
            by task.
        kept: hits before a varied choice among them, if one was made.
        reference, measured: names of the tables that hits are compared with; may be empty.
        stripped: whether the model reads molecules without counterions.
    """

    job: Job
    tasks: tuple[Task, ...]
    facts: dict[str, str]
    coverage: float | None = None
    label_ranges: dict[str, tuple[float, float]] | None = None
    kept: int | None = None
    reference: str = ""
    measured: str = ""
    stripped: bool = False

    @property
    def library(self) -> str:
        """Name of the library."""
        names = [Path(file.path).name for file in self.job.files]
        return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more files"

    @property
    def single(self) -> bool:
        """Whether the hits are simply those of the highest or lowest prediction."""
        return len(self.job.objectives) == 1 and self.job.by == "mean"

    @property
    def order(self) -> str:
        """How hits are ranked, in a sentence."""
        parts = [
            f"{self._named(o.name)} ({'low' if o.minimize else 'high'}"
            + (f", weight {o.weight:g})" if o.weight != 1 else ")")
            for o in self.job.objectives
            if o.weight
        ]
        of = {
            "mean": "the prediction",
            "bound": "the worse end of the interval",
            "improvement": "the expected improvement over the best measured value",
        }[self.job.by]
        if self.job.combine == "pareto":
            return (
                f"by {of} of {', '.join(parts)}, in Pareto fronts: all that no other "
                "molecule beats, then all that only those beat, and so on; within each "
                "by the sum in standard deviations"
            )
        together = ", summed in standard deviations of the measured values" if parts[1:] else ""
        if parts[1:] and self.job.actives:
            together += f"; of similarity, in {SIMILARITY_SPREAD:g}, usual in libraries"
        return f"by {of} of {' + '.join(parts)}{together}"

    @property
    def kinds(self) -> set[TaskKind]:
        """Of what the model predicts."""
        return {task.kind for task in self.tasks if self.predicted(task)}

    def predicted(self, task: Task) -> bool:
        """Whether the model says it; else it is the similarity to actives, which is exact."""
        return self.job.actives is None or task.name != SIMILARITY.name

    def _named(self, objective: str) -> str:
        to_actives = self.job.actives and objective == SIMILARITY.name
        return f"{objective} to the nearest active" if to_actives else objective


def write_report(screen: Screen, rows: list[Row], context: Context, outputs: Outputs) -> None:
    """Write the hits as a table, and as a page if one is wanted; each appears when complete.

    Args:
        screen: what was found.
        rows: the hits to show, best first.
        context: for the page's header.
        outputs: the files.
    """
    table = resolved(pd.DataFrame([_cells(row, context) for row in rows]))
    with atomic_path(outputs.csv) as path, table_writer(path) as write:
        write(table, [row.hit.smiles for row in rows])
    if outputs.html is not None:
        write_text(outputs.html, _page(screen, rows, context))


def _cells(row: Row, context: Context) -> dict[str, object]:
    hit = row.hit
    cells: dict[str, object] = {"rank": row.rank, "name": hit.name, "smiles": hit.smiles}
    for i, task in enumerate(context.tasks):
        ends = (hit.value[i], hit.lower[i], hit.upper[i])
        if context.predicted(task):  # the similarity to actives stands beside the nearest
            cells |= {
                f"{task.name}_{part}": value
                for part, value in zip(("pred", "lower", "upper"), ends, strict=True)
            }
        if row.percentiles:
            cells[f"{task.name}_percentile"] = row.percentiles[i]
    if hit.front:
        cells["front"] = hit.front
    if not context.single:
        cells["score"] = hit.score
    cells |= {
        "library_file": context.job.files[hit.file].path,
        "library_row": hit.row,
        "copies": hit.copies,
        "similarity_to_train": hit.similarity,
    }
    if row.active:
        cells |= {
            "nearest_active": row.active.smiles,
            "similarity_to_active": row.active.similarity,
        }
    for number, near in enumerate(row.neighbours, start=1):
        cells |= {
            f"neighbour_{number}": near.smiles,
            f"neighbour_{number}_similarity": near.similarity,
        }
        measured = zip(context.tasks, near.values, strict=True)
        cells |= {
            f"neighbour_{number}_{task.name}": value
            for task, value in measured
            if context.predicted(task)
        }
    cells |= {k: v for k, v in asdict(row.profile).items() if k not in ("alerts", "svg")}
    return {**cells, "alerts": "; ".join(row.profile.alerts)}


def _page(screen: Screen, rows: list[Row], context: Context) -> str:
    drawn = partial(draw, size=SMALL)
    templates = environment("molecules.screening", drawn=drawn, figure=figure)
    return templates.get_template("hits.html").render(
        context=context,
        rows=rows,
        warnings=doubts(rows, context),
        far=FAR,
        knows_training=np.isfinite([row.hit.similarity for row in rows]).any(),
        counts=screen.counts,
        reasons=screen.reasons.most_common(8),
        other_reasons=screen.reasons.total() - sum(n for _, n in screen.reasons.most_common(8)),
        plots=[
            Plot.of(task, histogram, [row.hit.value[i] for row in rows])
            for i, (task, histogram) in enumerate(
                zip(context.tasks, screen.histograms, strict=True)
            )
        ],
        plot=PLOT,
        spans=[_span(rows, i) for i in range(len(context.tasks))],
    )


def doubts(rows: list[Row], context: Context) -> list[str]:
    """What makes the hits as a whole doubtful."""
    warnings = []
    far = sum(row.hit.similarity < FAR for row in rows)
    if far:
        warnings.append(
            f"{far} of {len(rows)} hits resemble no training molecule (similarity below {FAR}): "
            "the model guesses there. Add --min-similarity to pass over such molecules."
        )
    if context.job.by == "improvement" and max(row.hit.score for row in rows) < ZERO:
        warnings.append(
            "No molecule is expected to improve on the best measured value: every improvement is "
            f"below {ZERO:g} standard deviations. Rank by mean or bound instead."
        )
    for i, task in enumerate(context.tasks):
        low, high = (context.label_ranges or {}).get(task.name, (-np.inf, np.inf))
        outside = sum(not low <= row.hit.value[i] <= high for row in rows)
        if outside and task.kind == "regression":
            of = f" of {task.name}" if len(context.tasks) > 1 else ""
            warnings.append(
                f"{outside} of {len(rows)} predictions{of} lie outside the range of all measured "
                f"values, {low:.3g} to {high:.3g}."
            )
    return warnings


def _span(rows: list[Row], objective: int) -> tuple[float, float]:
    """Range of all intervals of an objective, for their drawings."""
    ends = [
        end
        for hit in (row.hit for row in rows)
        for end in (hit.value[objective], hit.lower[objective], hit.upper[objective])
        if np.isfinite(end)
    ]
    return min(ends), max(ends) if max(ends) > min(ends) else min(ends) + 1

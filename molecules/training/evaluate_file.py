"""From a model file and a labelled table to scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from molecules.evaluation.metrics import MANY_TASKS
from molecules.files.recognize import tidy_names
from molecules.files.sources import refuse_to_overwrite
from molecules.files.table import Table
from molecules.prediction.annotate import beside
from molecules.prediction.model_source import ModelSource
from molecules.prediction.writers import table_format, table_writer
from molecules.training.evaluating import LEARNED, SCORED, Evaluated, evaluate
from molecules.training.many_tasks import many_tasks
from molecules.training.preparation import open_table
from molecules.training.records import write_scores
from molecules.training.scores_told import coverage_told, meaning, say, scores_grid
from sciml.files import atomic_path

_NAMED = 3  # rows left out that are told by number


def evaluate_file(
    model: Path | Sequence[Path],
    table: str,
    out: Path,
    rows: Path | None = None,
    targets: Sequence[str] = (),
    smiles: str | None = None,
    include_learned: bool = False,
) -> Evaluated:
    """Score a model on a labelled table, tell it, and write the scores.

    Args:
        model: file that `train` wrote, or several of the same properties.
        table: file with one molecule per row, "-" for standard input, or `demo`.
        out: .csv of the scores: a row for each property and metric.
        rows: the table with predictions and the use of each row; none if None.
        targets, include_learned: see `evaluate`.
        smiles: column with the SMILES; found by name, then by content, if None.

    Raises:
        InputError: an input that cannot be used, or no row to score.
    """
    table_format(out, (".csv",))
    refuse_to_overwrite(table, out)
    if rows is not None:
        table_format(rows)
        refuse_to_overwrite(table, rows)
    predictor = ModelSource.of(model).load()
    source = open_table(table, smiles)
    found = evaluate(predictor, source, targets, include_learned)
    write_scores(out, found.scores)
    if rows is not None:
        _write_rows(rows, source, found)
    show_evaluation(found, source, Console())
    print(f"{out}: scores" + (f"; {rows}: every row" if rows else ""))
    return found


def show_evaluation(found: Evaluated, table: Table, console: Console) -> None:
    """Rows used, scores, and how many values the intervals hold."""
    uses = ", ".join(f"{number:,} {use}" for use, number in found.counts.most_common())
    say(console, f"Rows: {uses}.")
    for line in [*_left_out(found, table), *found.notes]:
        say(console, line)
    if found.nearness is not None:
        say(console, f"Scored rows: {found.nearness}.")
    if len(found.tasks) > MANY_TASKS:
        for line in many_tasks(found.scores, (), found.coverage):
            say(console, line)
    else:
        console.print(scores_grid(found.scores, f"{found.counts[SCORED]:,} rows"))
        for line in coverage_told(found.coverage):
            say(console, line)
    console.print(meaning(found.tasks))


def _left_out(found: Evaluated, table: Table) -> list[str]:
    """A line on the rows that the model learned from, if any are left out."""
    rows = np.flatnonzero([use == LEARNED for use in found.uses]).tolist()
    if not rows:
        return []
    named = ", ".join(f"row {row + 1} ({table.smiles[row]})" for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    return [f"Learned from, and left out: {named}{more}; --include-learned scores them too."]


def _write_rows(out: Path, table: Table, found: Evaluated) -> None:
    frame = beside(table.frame, found.prediction)
    name = tidy_names([*map(str, frame.columns), "use"])[-1]
    with atomic_path(out) as path, table_writer(path) as write:
        write(frame.assign(**{name: found.uses}), table.smiles, table.positions)

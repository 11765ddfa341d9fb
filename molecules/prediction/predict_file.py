"""A table with predictions beside its columns."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from molecules.choices import Device, Precision
from molecules.evaluation.similarity import FAR
from molecules.files.parquet_types import shared_types
from molecules.files.recognize import listing
from molecules.files.sources import refuse_to_overwrite
from molecules.files.table import Table
from molecules.prediction.annotate import annotate, mark_unreadable
from molecules.prediction.calibration import FEWEST_HELD, LEVEL
from molecules.prediction.domain import FARTHEST
from molecules.prediction.ensemble import each
from molecules.prediction.model_source import ModelSource
from molecules.prediction.parallel import along
from molecules.prediction.parallel import workers as start_workers
from molecules.prediction.rows import (
    Content,
    account,
    counted_off,
    positions_unused,
    source_of,
    watched,
)
from molecules.prediction.writers import table_format
from sciml.cli import note, progress

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor
    from molecules.prediction.prediction import Prediction
    from molecules.tasks import Tasks

_SHOWN_TASKS = 12  # columns told one by one
SETS_TOLD = (
    f"_set: classes that are not ruled out. Each is in the set of {LEVEL:.0%} of its own "
    "molecules, so that of uneven classes the more probable one may be missing."
)


def predict_file(
    model: Path | Sequence[Path],
    table: str,
    out: Path,
    smiles: str | None = None,
    workers: int | None = 1,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
) -> Counter[str]:
    """Write a table with predictions beside its columns.

    Args:
        model: file that `train` wrote, or several of the same properties.
        table: file with one molecule per row, "-" for standard input, or `demo`.
        out: .csv, .tsv, .parquet, .xlsx or .sdf.
        smiles: column with the SMILES; found by name, then by content, if None.
        workers: processes; None takes one per core.
        cache: folder that keeps graphs and conformers.
        device, precision: see `ModelSource.of`.

    Returns:
        How many rows have each status.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    table_format(out)
    source = source_of(table)
    refuse_to_overwrite(source, out)
    types = shared_types(source) if out.suffix.lower() == ".parquet" else {}
    model_source = ModelSource.of(model, device, precision)
    tasks = model_source.load().tasks
    with start_workers(model_source.processes(workers)) as pool, progress() as bar:
        tables = watched(source, smiles, bar, "predicting", ahead=True)
        if model_source.load().makes_conformers:
            tables = positions_unused(tables)
        work = partial(predict_rows, model_source, cache)
        far = Counter[bool]()
        predicted = counted_off(bar, along(pool, work, tables, Content.of))
        counts = annotate(_tallied(predicted, far), out, types)
    for line in [*meanings(tasks), *without_intervals(model_source.load())]:
        print(line)
    if len(model_source.paths) > 1:
        print(
            f"mean of {len(model_source.paths)} models; lower and upper are the outermost of theirs"
        )
    print(f"{out}: {counts.total():,} rows, {account(counts)}")
    if far[True]:
        note(
            f"note: {far[True]:,} of {far.total():,} molecules resemble none of the training set "
            f"(similarity_to_train below {FAR}, or distance_to_train above {FARTHEST:g}): the "
            "model guesses there"
        )
    return counts


def meanings(tasks: "Tasks") -> list[str]:
    """What the columns hold: a line for each, or for all that mean the same if there are many."""
    alike: dict[str, list[str]] = {}
    for task in tasks.tasks:
        if task.meaning:
            one = task.meaning if len(tasks) > _SHOWN_TASKS else task.name
            alike.setdefault(one, []).append(f"{task.name}_pred: {task.meaning}")
    told = [
        line + (f" (so are {len(others)} more columns)" if others else "")
        for line, *others in alike.values()
    ]
    return [*told, SETS_TOLD] if tasks.binary.any() else told


def without_intervals(predictor: "AnyPredictor") -> list[str]:
    """A line on the quantities whose intervals have no ends, if there are any."""
    names = [
        task.name
        for number, task in enumerate(predictor.tasks.tasks)
        if task.kind == "regression"
        and any(one.calibrations[number].width is None for one in each(predictor))
    ]
    if not names:
        return []
    return [
        f"no intervals of {listing(names)}: fewer than {FEWEST_HELD} exact values were held out in "
        "training"
    ]


def _tallied(
    predicted: Iterable[tuple[Table, "Prediction"]], far: Counter[bool]
) -> Iterator[tuple[Table, "Prediction"]]:
    """The same; on the way, count the molecules that are far from the training set."""
    for table, prediction in predicted:
        if prediction.similarity is not None and prediction.distance is not None:
            known = np.isfinite(prediction.similarity)
            strange = (prediction.similarity < FAR) | (prediction.distance > FARTHEST)
            far.update(strange[known].tolist())
        yield table, prediction


def predict_rows(model: ModelSource, cache: Path | None, rows: Content) -> "Prediction":
    """What a worker does: predictions for SMILES; structures the file hides say so."""
    prediction = model.load().predict(rows.smiles, cache=cache, positions=rows.positions)
    mark_unreadable(prediction, rows.unreadable)
    return prediction

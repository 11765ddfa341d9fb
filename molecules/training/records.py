"""What a training leaves beside its model: scores, and what became of every row."""

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.evaluation.baselines import Comparison
from molecules.evaluation.coverage import Coverage
from molecules.evaluation.metrics import confusion, in_all
from molecules.files.table import Table
from molecules.prediction.prediction import Prediction
from molecules.training.preparation import Prepared
from sciml.files import atomic_path

Array = NDArray[np.float64]


def write_scores(path: Path, scores: Sequence[Comparison]) -> None:
    """A row for each task, model and metric."""
    names = ("metric", "value", "lower", "upper", "rows", "reason")
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "model", *names])
        for row in scores:
            writer.writerow([row.task, row.model, *(getattr(row.score, n) for n in names)])


def confusion_file(name: str) -> str:
    """The file in a run with the confusion matrix of a property of several classes."""
    plain = re.sub(r"[^\w.-]+", "_", name)
    return f"confusion_{plain}.csv"


def write_confusions(run: Path, truth: Array, predicted: Prediction) -> None:
    """For each property of several classes, how many molecules of each were taken for which.

    Args:
        run: folder to write to.
        truth: (row, task), NaN where unmeasured.
        predicted: for the same rows.
    """
    for name, columns in predicted.tasks.classes.items():
        measured, said = truth[:, columns], predicted.mean[:, columns]
        rows = in_all(measured, said)
        labels = predicted.labels(name)
        counts = pd.DataFrame(confusion(measured[rows], said[rows]), labels, labels)
        with atomic_path(run / confusion_file(name)) as temporary:
            counts.to_csv(temporary, index_label="true \\ predicted")


def write_rows(path: Path, table: Table, ready: Prepared) -> None:
    """Every row of the table, in its order: its fold, or why it is in none."""
    fold = np.full(len(table), "", dtype=object)
    for name, rows in ready.folds.items():
        fold[rows] = name
    reason = [
        why or ("" if name else "no label" if not text else "in no fold")
        for why, name, text in zip(ready.featurized.reason, fold, ready.smiles, strict=True)
    ]
    columns = {
        "row": range(1, len(table) + 1),
        "smiles": table.smiles,
        "fold": fold,
        "status": ready.featurized.status,
        "reason": reason,
    }
    with atomic_path(path) as temporary:
        pd.DataFrame(columns).to_csv(temporary, index=False)


def write_coverage(path: Path, covered: Sequence[Coverage]) -> None:
    """A row for each task and range of similarity to the training set."""
    with atomic_path(path) as temporary:
        pd.DataFrame([asdict(row) for row in covered]).to_csv(temporary, index=False)

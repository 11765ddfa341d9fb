"""What a contestant's process is given, as files that every environment reads.

`table.csv` has columns `smiles`, the tasks, and `split`: train, val, test, or blank for rows
that are not to be used. Labels are blank outside the folds, and in the test fold of all
contestants but this project's, whose training reports on it. `features.npy` holds the
trees' features, row by row; `job.json` the rest.
"""

import json
import resource
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FOLD_NAMES = {"train": "train", "valid": "val", "test": "test"}
Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Job:
    """One model to train on one division of one table.

    Attributes:
        model: contestant.
        settings: of it.
        tasks: column names.
        kinds: of the tasks, `regression` or `binary`; all alike.
        seed: of the model.
        threads: it may use.
        features: file of the trees' features; empty if they are not asked for.
    """

    model: str
    settings: dict[str, Any]
    tasks: list[str]
    kinds: list[str]
    seed: int
    threads: int = 1
    features: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of it.

    Attributes:
        predicted: (test row, task); NaN where the model has none.
        train_seconds, predict_seconds: CPU time of all threads and child processes.
        versions: of what was used.
        told: anything else worth keeping.
    """

    predicted: Array
    train_seconds: float
    predict_seconds: float
    versions: dict[str, str]
    told: dict[str, Any] = field(default_factory=dict)


def write_job(
    folder: Path,
    job: Job,
    smiles: tuple[str, ...],
    labels: Array,
    folds: Mapping[str, Rows],
    withhold: bool,
) -> None:
    """Put a job into a folder.

    Args:
        folder: an empty one.
        job: what to do.
        smiles: one per row.
        labels: (row, task), NaN where unmeasured.
        folds: rows of train, valid and test.
        withhold: leave the labels of the test fold out.
    """
    shown = np.concatenate([rows for fold, rows in folds.items() if fold != "test" or not withhold])
    given = np.full(labels.shape, np.nan)
    given[shown] = labels[shown]
    frame = pd.DataFrame({"smiles": smiles} | dict(zip(job.tasks, given.T, strict=True)))
    frame["split"] = ""
    for fold, rows in folds.items():
        frame.loc[rows, "split"] = FOLD_NAMES[fold]
    frame.to_csv(folder / "table.csv", index=False)
    (folder / "job.json").write_text(json.dumps(asdict(job)))


def read_job(folder: Path) -> tuple[Job, pd.DataFrame]:
    """The job in a folder, and its table."""
    job = Job(**json.loads((folder / "job.json").read_text()))
    frame = pd.read_csv(
        folder / "table.csv",
        keep_default_na=False,
        na_values={task: [""] for task in job.tasks},
    )
    return job, frame


def rows_of(frame: pd.DataFrame, fold: str) -> Rows:
    """Row numbers of a fold."""
    return np.flatnonzero(frame["split"] == FOLD_NAMES[fold])


def cpu_seconds() -> float:
    """CPU time that this process and its finished children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)

"""Cells of the molecular skill benchmark: one model, trained once, predicting one test fold.

A cell is kept as it is made, predictions in `.npy` and the rest in `.json` beside it, under a
name that tells table, split, seed, share of the labels, model, and a digest of all that its
result follows from. So a run that was killed goes on, and a cell of another configuration or
another division is never taken for the same.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from molecules_job import Array

from sciml.files import atomic_path


@dataclass(frozen=True)
class Cell:
    """What is asked.

    Attributes:
        table, split, seed: which folds; the seed is the model's too.
        model: `forest`, `lightgbm`, `chemprop`, `ours`, or `ours:CONFIGURATION`.
        labels: share of the labels of training and validation that it may see.
        identity: digest of settings, folds and labels.
    """

    table: str
    split: str
    seed: int
    model: str
    labels: float
    identity: str

    @property
    def path(self) -> Path:
        """Of its record, below the folder of cells."""
        folds = f"{self.split}-{self.seed}-{self.labels:g}"
        return Path(self.table) / folds / f"{stem(self.model)}-{self.identity}.json"


def stem(model: str) -> str:
    """A model's name in that of a file."""
    return model.replace("/", "_").replace(":", "_")


def identity(settings: Mapping[str, Any], table: str, folds: Mapping[str, Any]) -> str:
    """Digest of what a result follows from.

    Args:
        settings: of the model.
        table: digest of molecules and labels.
        folds: rows of train, valid and test.
    """
    rows = {name: np.asarray(part).tolist() for name, part in folds.items()}
    content = json.dumps([settings, table, rows], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def keep(folder: Path, cell: Cell, predicted: Array, record: Mapping[str, Any]) -> None:
    """Store a finished cell; the record comes last, and says that it is whole."""
    path = folder / cell.path
    with atomic_path(path.with_suffix(".npy")) as temporary:
        np.save(temporary, predicted)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(vars(cell) | dict(record), indent=1))


def is_kept(folder: Path, cell: Cell) -> bool:
    """Whether it need not be made again."""
    return (folder / cell.path).exists()


def read(folder: Path, cell: Cell) -> tuple[Array, dict[str, Any]]:
    """(test row, task) predictions of a finished cell, and its record."""
    path = folder / cell.path
    return np.load(path.with_suffix(".npy")), json.loads(path.read_text())

"""A table made ready for training: labels, graphs, conformers and folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from molecules.evaluation.splits import Split, SplitKind, split, split_by_column, split_by_file
from molecules.features.conformers import conformers
from molecules.features.data import MoleculeData
from molecules.features.features import MAX_ATOMS, Featurized, featurize
from molecules.files.recognize import require_columns, text_cells
from molecules.files.table import Table, demo_activity, read_table
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import Tasks
from sciml.config import Config
from sciml.errors import InputError

DEMO = "demo"

Array = NDArray[np.float64]


class DataConfig(Config):
    """What is done with the table before training.

    Attributes:
        split: how rows are divided into folds, unless they are given.
        fractions: of training, validation and test.
        seed: of the split.
        split_column: column that says train, valid or test; given folds.
        split_file: JSON with row numbers; given folds.
        max_atoms: larger molecules are left out, with a status.
        conformer_seed: of the conformers, for a model that sees them.
        conformer_cache: folder that keeps conformers between runs.
    """

    split: SplitKind = "random"
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    split_column: str | None = None
    split_file: Path | None = None
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    conformer_seed: int = 0
    conformer_cache: Path | None = None


@dataclass(frozen=True)
class Prepared:
    """A table made ready: labels and graphs of its rows, and its folds.

    Attributes:
        smiles: one per row; blank where there is no usable molecule or no label.
        labels: (row, task).
        tasks: what to predict.
        featurized: graphs of the usable rows.
        folds: rows of train, valid and test.
        data: the graphs, labels and conformers by molecule.
    """

    smiles: list[str]
    labels: Array
    tasks: Tasks
    featurized: Featurized
    folds: Split
    data: MoleculeData

    def fold(self, name: str) -> MoleculeData:
        """The molecules of a fold."""
        number = np.full(len(self.smiles), -1)
        number[self.featurized.rows] = np.arange(len(self.featurized.rows))
        return self.data.rows(number[self.folds[name]])

    def measured(self, name: str) -> TrainingSet:
        """SMILES and labels of a fold."""
        rows = self.folds[name]
        return TrainingSet([self.smiles[row] for row in rows], self.labels[rows])


def open_table(table: str | Path, smiles: str | None = None) -> Table:
    """Read a table, or take the one that comes with RDKit."""
    return demo_activity() if str(table) == DEMO else read_table(table, smiles)


def prepare(
    table: Table,
    targets: Sequence[str],
    config: DataConfig,
    with_conformers: bool = False,
    with_fingerprints: bool = False,
) -> Prepared:
    """Read labels, encode molecules, and divide the rows.

    Raises:
        InputError: unknown column, no usable molecule, or folds that cannot be made.
    """
    columns = table.label_columns(targets)
    labels = table.labels(columns).values
    featurized = featurize(table.smiles, config.max_atoms, with_fingerprints)
    if not len(featurized.rows):
        raise InputError(
            f"{table.source} holds no valid molecule in column {table.smiles_column!r} "
            f"(first row: {featurized.reason[0]}); name the column with --smiles"
        )
    usable = np.isfinite(labels).any(axis=1)
    usable &= np.array([status == "ok" for status in featurized.status])
    smiles = [text if use else "" for text, use in zip(table.smiles, usable, strict=True)]
    if not usable.any():
        raise InputError(f"no row of {table.source} has both a valid molecule and a label")
    tasks = Tasks.infer(columns, np.where(usable[:, None], labels, np.nan))
    data = MoleculeData(
        featurized.packed,
        np.arange(len(featurized.rows)),
        labels=labels[featurized.rows],
        fingerprints=featurized.fingerprints,
        positions=_positions(table, featurized, config) if with_conformers else None,
    )
    folds = _split(table, smiles, config)
    return Prepared(smiles, labels, tasks, featurized, folds, data)


def _positions(table: Table, featurized: Featurized, config: DataConfig) -> NDArray[np.float32]:
    smiles = [table.smiles[row] for row in featurized.rows]
    made = conformers(smiles, config.conformer_seed, cache=config.conformer_cache)
    return made.positions


def _split(table: Table, smiles: Sequence[str], config: DataConfig) -> Split:
    given = [s is not None for s in (config.split_column, config.split_file)]
    if all(given):
        raise InputError("data.split_column and data.split_file are both set; give one")
    if config.split_file is not None:
        folds = split_by_file(config.split_file, len(table))
    elif config.split_column is not None:
        require_columns(table.frame, [config.split_column], table.source)
        folds = split_by_column(text_cells(table.frame[config.split_column]))
    else:
        return split(config.split, smiles, config.fractions, config.seed)
    usable = np.array([bool(text) for text in smiles])
    return {name: rows[usable[rows]] for name, rows in folds.items()}

"""A table made ready for training: labels, graphs, conformers and folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from molecules.choices import SplitKind
from molecules.evaluation.folds import divide
from molecules.evaluation.splits import Split
from molecules.features.coordinates import Positions, Source, all_have_their_own, coordinates
from molecules.features.data import MoleculeData
from molecules.features.features import MAX_ATOMS, Featurized
from molecules.features.standardize import Standardization, standardized
from molecules.features.store import stored_featurize
from molecules.files.measured import measured
from molecules.files.recognize import text_cells
from molecules.files.sources import DEMO
from molecules.files.table import Table, demo_activity, read_table
from molecules.prediction.training_set import TrainingSet
from molecules.tasks import TaskOptions, Tasks, strays
from molecules.training.table_told import chosen, not_counted, wild
from sciml.config import Config
from sciml.errors import InputError

Array = NDArray[np.float64]


class DataConfig(Config):
    """What is done with the table before training.

    Attributes:
        split: how rows are divided into folds, unless they are given.
        fractions: of training, validation and test.
        seed: of the split.
        split_column: column that says train, valid or test; given folds.
        split_file: JSON with row numbers; given folds.
        time_column: of dates or years, for the split `time`.
        weights: column that says how much each row counts in training; default all alike.
        tasks: column to learn -> its kind, unit, wanted direction and scale.
        scale: of the quantities of which `tasks` says none; see `TaskOptions`.
        standardize: salts, charges and tautomers; kept in the model and done again to
            what it predicts.
        max_atoms: larger molecules are left out, with a status.
        coordinates: for a model that sees them: `auto` takes the file's own where it places
            every atom (an SDF of three dimensions), and makes conformers otherwise; `made`
            makes them always.
        conformer_seed: of the conformers.
        cache: folder that keeps graphs and conformers, for all that meets these molecules.
    """

    split: SplitKind = "random"
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    split_column: str | None = None
    split_file: Path | None = None
    time_column: str | None = None
    weights: str | None = None
    tasks: dict[str, TaskOptions] = Field({})
    scale: Literal["auto", "linear", "log"] = "auto"
    standardize: Standardization = "off"
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    coordinates: Literal["auto", "made"] = "auto"
    conformer_seed: int = 0
    cache: Path | None = None

    def options(self, columns: Sequence[str]) -> dict[str, TaskOptions]:
        """What is said of these columns, and of others that `tasks` names."""
        said = dict.fromkeys(columns, TaskOptions()) | self.tasks
        scale = {"scale": self.scale}
        return {
            name: one.model_copy(update=scale) if one.scale == "auto" else one
            for name, one in said.items()
        }


@dataclass(frozen=True)
class Prepared:
    """A table made ready: labels and graphs of its rows, and its folds.

    Attributes:
        smiles: one per row, standardized; blank where there is no usable molecule or no
            label.
        labels: (row, task); of a censored measurement the bound.
        exact: (row, task) those that were measured, NaN elsewhere.
        weights: (row,) how much each counts, whatever the unit of the table's weights.
        tasks: what to predict.
        featurized: graphs of the usable rows.
        folds: rows of train, valid and test.
        data: the graphs, labels and conformers by molecule.
        notes: what is to be said of the table, one line each.
        own: row -> positions from the file, where the model is to see those; None elsewhere.
    """

    smiles: list[str]
    labels: Array
    exact: Array
    weights: Array
    tasks: Tasks
    featurized: Featurized
    folds: Split
    data: MoleculeData
    notes: tuple[str, ...]
    own: Positions | None = None

    @property
    def counted(self) -> Array:
        """(row, task) as `exact`, but NaN in rows that do not count, of weight 0."""
        return np.where(self.weights[:, None] > 0, self.exact, np.nan)

    @property
    def used(self) -> Split:
        """The folds without rows of weight 0, but for the test fold, where all rows are scored."""
        return {
            name: rows if name == "test" else rows[self.weights[rows] > 0]
            for name, rows in self.folds.items()
        }

    def rows(self, rows: NDArray[np.int64]) -> MoleculeData:
        """The molecules of some rows of the table."""
        number = np.full(len(self.smiles), -1)
        number[self.featurized.rows] = np.arange(len(self.featurized.rows))
        return self.data.rows(number[rows])

    def bounds(self, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """(row, task) 1 where the true value is at least the label, -1 where at most, else 0.

        Args:
            rows: that hold a molecule.
        """
        if self.data.bounds is None:
            return np.zeros((len(rows), len(self.tasks)), np.int8)
        return self.data.bounds[np.searchsorted(self.featurized.rows, rows)]

    @property
    def coordinates(self) -> Source:
        """Where positions come from."""
        return "made" if self.own is None else "own"

    def own_of(self, rows: NDArray[np.int64]) -> Positions | None:
        """Positions from the file by number among these rows; None where they are made."""
        if self.own is None:
            return None
        return {i: self.own[row] for i, row in enumerate(rows.tolist())}

    @property
    def known(self) -> NDArray[np.int64]:
        """Rows of the training and the validation fold."""
        return np.sort(np.concatenate([self.folds["train"], self.folds["valid"]]))

    def measured(self, rows: NDArray[np.int64]) -> TrainingSet:
        """SMILES of some rows, and what was measured on them; a bound is no measurement."""
        return TrainingSet([self.smiles[row] for row in rows], self.exact[rows])


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
        InputError: unknown column, no usable molecule or label, or folds that cannot be
            made.
    """
    columns = table.label_columns(targets)
    smiles = standardized(table.smiles, config.standardize)
    featurized = stored_featurize(smiles, config.max_atoms, with_fingerprints, config.cache)
    if not len(featurized.rows):
        raise InputError(
            f"{table.source} holds no valid molecule in column {table.smiles_column!r} "
            f"(first row: {featurized.reason[0]}); name the column with --smiles"
        )
    valid = np.array([status == "ok" for status in featurized.status])
    tasks, labels = measured(
        table, columns, config.options(columns), valid, set(columns) - set(targets)
    )
    _require_one_kind(tasks, np.where(valid[:, None], labels.exact, np.nan), config.tasks)
    usable = valid & np.isfinite(labels.values).any(axis=1)
    weights = _weights(table, config.weights, usable)
    kept = [text if use else "" for text, use in zip(smiles, usable, strict=True)]
    rows = featurized.rows
    own, told = _own(table, featurized, config) if with_conformers else (None, ())
    data = MoleculeData(
        featurized.packed,
        np.arange(len(rows)),
        labels=labels.values[rows],
        fingerprints=featurized.fingerprints,
        positions=_positions(smiles, featurized, own, config) if with_conformers else None,
        bounds=labels.bounds[rows] if labels.bounds.any() else None,
        weights=weights[rows] if config.weights else None,
    )
    folds = divide(
        table,
        kept,
        config.split,
        config.fractions,
        config.seed,
        column=config.split_column,
        file=config.split_file,
        time_column=config.time_column,
    )
    passed_over = filter(None, [table.not_meant(targets)])
    counts = usable & (weights > 0)
    counts[folds["test"]] = usable[folds["test"]]  # there all are scored
    notes = (
        chosen(table, tasks, usable),
        *passed_over,
        *told,
        *labels.report(),
        *wild(tasks, np.where(counts[:, None], labels.exact, np.nan)),
        *not_counted(weights, folds),
    )
    return Prepared(
        kept, labels.values, labels.exact, weights, tasks, featurized, folds, data, notes, own
    )


def _require_one_kind(tasks: Tasks, exact: Array, options: Mapping[str, TaskOptions]) -> None:
    """Refuse to guess whether a column of 0 and 1 with a few other numbers is a quantity."""
    for task, values in zip(tasks.tasks, exact.T, strict=True):
        odd, said = strays(values), options.get(task.name, TaskOptions()).kind
        if task.kind == "regression" and said == "auto" and odd.size:
            raise InputError(
                f"column {task.name!r} holds 0 and 1, and {values[odd[0]]:g} in row "
                f"{odd[0] + 1} (such numbers: {odd.size} of {np.isfinite(values).sum():,}): "
                "correct them for a yes/no property, or give "
                f"--data.tasks '{{{task.name}: {{kind: regression}}}}' for a quantity"
            )


def _weights(table: Table, column: str | None, usable: NDArray[np.bool_]) -> Array:
    """(row,) how much each row counts, one in the mean of those that do.

    NaN only where nothing is learned from it.
    """
    if column is None:
        return np.ones(len(table))
    weights = table.labels([column]).exact[:, 0]
    bad = np.flatnonzero(usable & ~(weights >= 0))
    if bad.size:
        cell = text_cells(table.frame[column])[bad[0]]
        raise InputError(
            f"column {column!r} holds {cell!r} in row {bad[0] + 1}; expected a weight of 0 or more"
        )
    if not weights[usable].any():
        raise InputError(f"all weights in column {column!r} are zero; expected some above")
    return weights / weights[usable & (weights > 0)].mean()


def _own(
    table: Table, featurized: Featurized, config: DataConfig
) -> tuple[Positions | None, tuple[str, ...]]:
    """Positions of the file if they are to be used, and a line that says what is."""
    placed = len(table.positions)
    wanted = config.coordinates == "auto" and config.standardize == "off"
    if wanted and all_have_their_own(featurized, table.positions):
        return table.positions, ("positions of atoms: those of the file",)
    why = f"; the file's own, of {placed:,} of {len(table):,} rows, are not used" if placed else ""
    return None, (f"positions of atoms: conformers by ETKDG and MMFF{why}",)


def _positions(
    smiles: Sequence[str], featurized: Featurized, own: Positions | None, config: DataConfig
) -> NDArray[np.float32]:
    return coordinates(smiles, featurized, own, config.conformer_seed, config.cache).positions

"""Hits among molecules that are known: measured ones, actives, approved drugs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.similarity import Fingerprints, fingerprints
from molecules.evaluation.splits import canonical_smiles
from molecules.files.known_labels import known_labels
from molecules.files.recognize import name_column, text_cells
from molecules.files.table import Table, read_table
from molecules.prediction.training_set import TrainingSet, each_once
from molecules.screening.diversity import tanimoto
from molecules.screening.options import HitOptions
from molecules.screening.screening import Screener
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor

NEIGHBOURS = 3

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Neighbour:
    """A known molecule near a hit.

    Attributes:
        similarity: Tanimoto, Morgan fingerprints of radius 2, 0 to 1.
        smiles: canonical.
        name: as its table has it; may be empty.
        values: (objective,) mean of its measured values, in the unit of the task; NaN where
            unmeasured.
    """

    similarity: float
    smiles: str
    name: str
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Known:
    """Known molecules, each once, as the model tells them apart.

    Attributes:
        smiles, names: one per molecule, as they were read or learned.
        bits: their fingerprints, in the form that the model reads.
        values: (molecule, objective) mean of its measured values, NaN where unmeasured.
    """

    smiles: list[str]
    names: list[str]
    bits: Fingerprints
    values: Array

    @classmethod
    def read(cls, path: Path, predictor: "AnyPredictor", columns: Sequence[int] = ()) -> Self:
        """Read a table of molecules.

        Args:
            path: any table that `predict` reads.
            predictor: the model.
            columns: those of its tasks whose measured values to read; a bound is none.

        Raises:
            InputError: it cannot be read, lacks a column, or holds no molecule.
        """
        table = read_table(path)
        values = np.empty((len(table), 0))
        usable: NDArray[np.bool_] = np.ones(len(table), bool)
        if columns:
            values = known_labels(table, predictor.tasks, columns).exact
            usable = np.isfinite(values).any(axis=1).astype(bool)
        smiles = canonical_smiles(table.smiles)
        rows = [row for row, text in enumerate(smiles) if text and usable[row]]
        if not rows:
            raise InputError(f"{path} holds no molecule" + (" with a label" if columns else ""))
        read = predictor.standardized([smiles[row] for row in rows])
        once, values = each_once(read, values[rows])
        bits, rows = fingerprints([read[one] for one in once]), [rows[one] for one in once]
        names = _names(table)
        return cls([smiles[row] or "" for row in rows], [names[row] for row in rows], bits, values)

    @classmethod
    def learned(cls, trained: TrainingSet, columns: Sequence[int]) -> Self:
        """What a model has learned from, with the values of some of its tasks."""
        trained = trained.distinct
        values = trained.labels[:, list(columns)]
        rows = np.flatnonzero(np.isfinite(values).any(axis=1)).tolist()
        smiles = [trained.smiles[row] for row in rows]
        return cls(smiles, [""] * len(rows), trained.fingerprints[rows], values[rows])

    def near(self, bits: Fingerprints, number: int = NEIGHBOURS) -> list[Neighbour]:
        """The molecules most similar to the one with fingerprint (1, 256), nearest first."""
        (similarity,) = tanimoto(bits, self.bits)
        rows = np.argsort(-similarity, kind="stable")[:number].tolist()
        written = canonical_smiles([self.smiles[row] for row in rows])
        return [
            Neighbour(
                float(similarity[row]),
                text or self.smiles[row],
                self.names[row],
                tuple(self.values[row].tolist()),
            )
            for row, text in zip(rows, written, strict=True)
        ]


@dataclass(frozen=True)
class Company:
    """All that hits are compared with.

    Attributes:
        measured: molecules with measured values: those given, else those that the model
            has learned from, where its file keeps them; None if no value counts here.
        measured_in: where they stand, for the reader.
        actives: molecules known to be active, if given.
        reference: (molecule, objective) ascending predictions of a reference set, if given;
            of the same model, so that like is compared with like.
    """

    measured: Known | None = None
    measured_in: str = ""
    actives: Known | None = None
    reference: Array | None = None

    @classmethod
    def read(cls, options: HitOptions, screener: Screener) -> Self:
        """Read the tables that a user names.

        Raises:
            InputError: one cannot be read, or holds no molecule of use.
        """
        ranked_by = screener.job.actives
        actives = options.actives or (Path(ranked_by.path) if ranked_by else None)
        return cls(
            *_measured(options.measured, screener),
            Known.read(actives, screener.predictor) if actives else None,
            _predicted(options.reference, screener) if options.reference else None,
        )

    def percentiles(self, values: Sequence[float]) -> tuple[float, ...]:
        """Share of the reference set with a lower prediction, (objective,) in percent."""
        if self.reference is None:
            return ()
        ends = [
            np.searchsorted(column, value, side)
            for column, value in zip(self.reference.T, values, strict=True)
            for side in ("left", "right")
        ]
        middle = np.array(ends).reshape(-1, 2).mean(axis=1)
        return tuple((100 * middle / len(self.reference)).tolist())


def _measured(path: Path | None, screener: Screener) -> tuple[Known | None, str]:
    columns = [c for c, own in zip(screener.columns, screener.predicted, strict=True) if own]
    if path is not None:
        known = Known.read(path, screener.predictor, columns)
        return _beside_similarity(known, screener), path.name
    trained = screener.predictor.training_set
    learned = None if trained is None else Known.learned(trained, columns)
    if learned is None or not learned.smiles:
        return None, ""
    return _beside_similarity(learned, screener), "the training set"


def _beside_similarity(known: Known, screener: Screener) -> Known:
    """With a column without values for each objective that nobody measures."""
    values = np.full((len(known.values), len(screener.columns)), np.nan)
    values[:, screener.predicted] = known.values
    return replace(known, values=values)


def _predicted(path: Path, screener: Screener) -> Array:
    table = read_table(path)
    predicted = screener.predict(table.smiles, table.positions).mean[:, screener.columns]
    predicted = predicted[np.isfinite(predicted).all(axis=1)]
    if not len(predicted):
        raise InputError(f"{path} holds no molecule that can be predicted")
    return np.sort(predicted, axis=0)


def _names(table: Table) -> list[str]:
    column = name_column(table.frame, table.smiles_column)
    return text_cells(table.frame[column]) if column else [""] * len(table)

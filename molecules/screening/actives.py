"""Similarity to known actives: a property to rank by, beside those a model predicts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from molecules.evaluation.similarity import Fingerprints, fingerprints, nearest
from molecules.files.table import read_table
from molecules.screening.job import LibraryFile
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.ensemble import AnyPredictor
    from molecules.prediction.prediction import Prediction


@dataclass(frozen=True)
class Actives:
    """Molecules that are known to be active.

    Attributes:
        bits: their fingerprints, in the form that the model reads.
    """

    bits: Fingerprints

    @classmethod
    def read(cls, file: LibraryFile, predictor: "AnyPredictor") -> Self:
        """Read a table of molecules.

        Args:
            file: the table.
            predictor: standardizes them, as it does what it predicts.

        Raises:
            InputError: it cannot be read, has changed, or holds no molecule.
        """
        if not file.same(LibraryFile.of(file.path)):
            raise InputError(f"{file.path} is not the file of actives that the job began with")
        bits = fingerprints(predictor.standardized(read_table(Path(file.path)).smiles))
        bits = bits[bits.any(axis=1)]
        if not len(bits):
            raise InputError(f"{file.path} holds no molecule")
        return cls(bits)

    def beside(self, prediction: "Prediction", smiles: Sequence[str]) -> "Prediction":
        """Predictions with one more column: Tanimoto similarity to the nearest active.

        Both ends of its interval are the value; NaN where the status is not `ok`.

        Args:
            prediction: of a part.
            smiles: one per row, standardized: rows that are one hit are equally similar.
        """
        known = [
            text if status == "ok" else ""
            for text, status in zip(smiles, prediction.status, strict=True)
        ]
        near = nearest(fingerprints(known), self.bits)[:, None]
        return replace(
            prediction,
            mean=np.hstack([prediction.mean, near]),
            lower=np.hstack([prediction.lower, near]),
            upper=np.hstack([prediction.upper, near]),
        )

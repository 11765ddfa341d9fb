"""The molecules a model has learned from and their measured values, in its file.

They answer "what was measured on something like this?". Whoever gets the file can read
them: `keep_molecules: false` in the configuration of a training leaves them out.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from molecules import compressed
from molecules.evaluation.similarity import MOST_KEPT, Fingerprints, fingerprints
from molecules.evaluation.splits import canonical_smiles
from sciml.errors import InputError

KEY = "training_molecules"
_LARGEST_TEXT = 2**30  # bytes; a model file that claims more is damaged

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingSet:
    """Measured molecules.

    Attributes:
        smiles: one per molecule.
        labels: (molecule, task), NaN where unmeasured.
    """

    smiles: Sequence[str]
    labels: Array

    def __len__(self) -> int:
        return len(self.smiles)

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """Packed fingerprints, (molecule, 256)."""
        return fingerprints(self.smiles)

    @cached_property
    def distinct(self) -> "TrainingSet":
        """Each molecule once, as it is first written, with the mean of its measured values."""
        rows, labels = each_once(self.smiles, self.labels)
        return TrainingSet([self.smiles[row] for row in rows], labels)

    def to_metadata(self, seed: int = 0) -> dict[str, Any]:
        """Plain data for a model file; a random part if there are very many."""
        rows = np.arange(len(self))
        if len(rows) > MOST_KEPT:
            rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_KEPT, replace=False))
        smiles = [self.smiles[row] for row in rows.tolist()]
        labels = [[x if isfinite(x) else None for x in row] for row in self.labels[rows].tolist()]
        content = json.dumps({"smiles": smiles, "labels": labels})
        return {KEY: compressed.to_text(content.encode("utf-8", "surrogatepass"))}

    @classmethod
    def read(cls, metadata: dict[str, Any]) -> Self | None:
        """The training set in the metadata of a model file; None if it was left out.

        Raises:
            InputError: it is damaged.
        """
        if KEY not in metadata:
            return None
        try:
            text = compressed.from_text(metadata[KEY], _LARGEST_TEXT)
            content = json.loads(text.decode("utf-8", "surrogatepass"))
            labels = np.array(content["labels"], np.float64)
            return cls(content["smiles"], labels.reshape(len(content["smiles"]), -1))
        except (ValueError, KeyError) as error:
            raise InputError(
                "the training molecules in the model file are damaged; train again"
            ) from error


def each_once(smiles: Sequence[str], values: Array) -> tuple[list[int], Array]:
    """Rows of one molecule put together: those of the same canonical SMILES.

    Args:
        smiles: one per row; a text that is no molecule is like none but itself.
        values: (row, task) measured, NaN where unmeasured.

    Returns:
        The first row of each molecule, ascending, and (molecule, task) the mean of its
        measured values, NaN where there is none.
    """
    numbers: dict[str, int] = {}
    canonical = zip(canonical_smiles(smiles), smiles, strict=True)
    keys = [known or text for known, text in canonical]
    group = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    sums, counts = np.zeros((2, len(numbers), values.shape[1]))
    np.add.at(sums, group, np.nan_to_num(values))
    np.add.at(counts, group, np.isfinite(values))
    mean = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return np.unique(group, return_index=True)[1].tolist(), mean

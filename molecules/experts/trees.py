"""Boosted decision trees (LightGBM: Ke et al. 2017) on Morgan counts and descriptors."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from molecules.compressed import decompressed
from molecules.experts.inputs import Inputs
from molecules.experts.units import Units
from molecules.tasks import Tasks
from sciml.errors import InputError

if TYPE_CHECKING:
    import lightgbm

ROUNDS = 400
SETTINGS: Mapping[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 31,
    "min_data_in_leaf": 3,
    "min_data_in_bin": 1,
    "extra_trees": True,  # a random threshold a feature, the best of them: less to overfit
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_pre_filter": False,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
_FEW = 10  # molecules of which no share is drawn for a tree
_LARGEST_TEXT = 2**30  # bytes; a model file that claims more is damaged

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trees:
    """One boosted model for each property.

    Attributes:
        texts: of each property, LightGBM's own form, which holds numbers only.
        units: of what the leaves say.
    """

    texts: Sequence[str]
    units: Units

    @classmethod
    def fit(
        cls,
        inputs: Inputs,
        labels: Array,
        weights: Array,
        tasks: Tasks,
        seed: int,
        threads: int = 1,
    ) -> Self:
        """Learn.

        Args:
            inputs: of the molecules.
            labels: (molecule, task), NaN where unmeasured.
            weights: (molecule,) how much each counts.
            tasks: kinds of the properties.
            seed: of the thresholds, rows and features that are drawn.
            threads: to work with; the trees do not depend on it.
        """
        import lightgbm

        table, units = _table(inputs), Units.of(labels, weights, tasks.binary)
        labels, texts = units.learned(labels), []
        for task, binary in enumerate(tasks.binary):
            rows = np.flatnonzero(np.isfinite(labels[:, task]) & (weights > 0))
            y = labels[rows, task]
            objective = "binary" if binary and len(np.unique(y)) > 1 else "regression"
            settings = {**SETTINGS, "objective": objective, "seed": seed, "num_threads": threads}
            if len(rows) < _FEW:
                settings["bagging_freq"] = 0
            weight = weights[rows]
            if not len(rows):  # a fold may have no label of a sparse property
                rows, y, weight = np.zeros(1, np.int64), np.zeros(1), np.ones(1)
            data = lightgbm.Dataset(table[rows], y, weight=weight, params=settings)
            texts.append(lightgbm.train(settings, data, ROUNDS).model_to_string())
        return cls(texts, units)

    def predict(self, inputs: Inputs) -> Array:
        """(molecule, task) on the scale of the labels, or the probability of 1."""
        table = _table(inputs)
        told = [np.asarray(model.predict(table, num_threads=1)) for model in self._models]
        return self.units.told(np.stack(told, axis=1).astype(np.float64))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Each text as bytes, compressed, and units, for a model file."""
        packed = [zlib.compress(text.encode("ascii")) for text in self.texts]
        texts = {f"text_{i}": np.frombuffer(data, np.uint8) for i, data in enumerate(packed)}
        return texts | self.units._asdict()

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave.

        Raises:
            InputError: they are damaged.
        """
        tasks = sum(name.startswith("text_") for name in arrays)
        texts = [_text(arrays[f"text_{i}"].tobytes()) for i in range(tasks)]
        return cls(texts, Units.of_arrays(arrays, tasks))

    @cached_property
    def _models(self) -> "list[lightgbm.Booster]":
        import lightgbm

        return [lightgbm.Booster(model_str=text) for text in self.texts]


def _table(inputs: Inputs) -> NDArray[np.float32]:
    """(molecule, feature): LightGBM takes NaN for unknown."""
    return np.concatenate([inputs.counts.astype(np.float32), inputs.descriptors], axis=1)


def _text(packed: bytes) -> str:
    try:
        return decompressed(packed, _LARGEST_TEXT).decode("ascii")
    except ValueError as error:
        raise InputError(f"the trees in the model file are damaged ({error})") from error

"""Property models as scikit-learn estimators, for its pipelines, searches and validation.

X is a column of SMILES: a list, an array, a pandas Series, or a table of one column. All
else (intervals, nearness, files) is told by the fitted attribute `predictor_`.
"""

import contextlib
import io
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from molecules.files.table import Table
from molecules.prediction.reading import sees_conformers
from molecules.tasks import Task, TaskKind, TaskOptions, Tasks
from molecules.training.experiment import (
    DEFAULT_CONFIG,
    ExperimentConfig,
    fit_predictor,
    reads_fingerprints,
)
from molecules.training.networks import with_shipped_weights
from molecules.training.preparation import prepare
from sciml.config import load_config, named_config
from sciml.errors import InputError

SMILES = "smiles"


class _MoleculeEstimator(BaseEstimator):
    """What both estimators share.

    Args:
        config: name of a shipped configuration, or a YAML file.
        overrides: keys of the configuration to set, such as `("training.epochs=10",)`.
        folds: networks, each trained without one fold of the rows; None as the
            configuration says.
        validation: share of the rows held out by a configuration of one fold.
        random_state: of that share and of the training.
        verbose: whether the training tells its progress.

    Attributes:
        predictor_: the trained `PropertyPredictor`.
        n_features_in_: 1, the column of SMILES.
    """

    def __init__(
        self,
        config: str = DEFAULT_CONFIG,
        overrides: Sequence[str] = (),
        folds: int | None = None,
        validation: float = 0.1,
        random_state: Any = 0,
        verbose: bool = False,
    ) -> None:
        self.config = config
        self.overrides = overrides
        self.folds = folds
        self.validation = validation
        self.random_state = random_state
        self.verbose = verbose

    def _train(
        self, smiles: list[str], labels: NDArray[np.float64], kind: TaskKind, of: str = ""
    ) -> Self:
        """Train on labels (row, task); with `of`, tasks are the classes of that property."""
        numbers = range(labels.shape[1])
        names = [f"{of}={i}" if of else f"y{i}" for i in numbers] if len(numbers) > 1 else ["y"]
        frame = pd.DataFrame({SMILES: smiles, **dict(zip(names, labels.T, strict=True))})
        config = with_shipped_weights(self._config(len(smiles)))
        seen = sees_conformers(config.model), reads_fingerprints(config)
        options = {"tasks": {name: TaskOptions(kind=kind) for name in names}}
        data = config.data.model_copy(update=options)
        ready = prepare(Table(frame, SMILES, "X"), names, data, *seen)
        scales = [task.scale for task in ready.tasks.tasks]
        tasks = [
            Task(name=name, kind=kind, of=of, scale=scale)
            for name, scale in zip(names, scales, strict=True)
        ]
        ready = replace(ready, tasks=Tasks(tasks=tuple(tasks)))
        unusable = len(smiles) - len(ready.featurized.rows)
        if unusable:
            first = next(i for i, status in enumerate(ready.featurized.status) if status != "ok")
            warnings.warn(
                f"{unusable} rows hold no usable molecule and are not learned from; "
                f"row {first}: {ready.featurized.reason[first]}",
                stacklevel=3,
            )
        quiet = contextlib.nullcontext() if self.verbose else _quiet()
        own = torch.random.fork_rng([])  # the caller's random numbers go on as if nothing were
        with tempfile.TemporaryDirectory() as run, quiet, own:
            self.predictor_ = fit_predictor(ready, config, Path(run))
        self.n_features_in_ = 1
        return self

    def _config(self, rows: int) -> ExperimentConfig:
        if not 0 <= self.validation < 1:
            raise InputError(f"validation is {self.validation}; expected a share from 0 to below 1")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        share = self.validation if rows * self.validation >= 1 else 0.0
        chosen = [
            "data.split=random",
            f"data.fractions=[{1 - share}, {share}, 0.0]",
            f"data.seed={seed}",
            f"training.seed={seed}",
            *([] if self.folds is None else [f"folds={self.folds}"]),
        ]
        path = named_config("molecules", self.config)
        return load_config(ExperimentConfig, path, [*chosen, *self.overrides])

    def _mean(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        return self.predictor_.predict(column_of_smiles(X), domain=False).mean

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


class MoleculeRegressor(RegressorMixin, _MoleculeEstimator):
    """Measured properties of molecules, one or several.

    Example:
        >>> model = MoleculeRegressor(overrides=("training.epochs=10",))
        >>> model.fit(table["smiles"], table["logS"]).predict(["CCO"])  # doctest: +SKIP

    Args:
        config, overrides, folds, validation, random_state, verbose: see
            `_MoleculeEstimator`.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on SMILES and measured values (row,) or (row, task), NaN where unmeasured.

        Raises:
            InputError: lengths that differ, infinite values, or nothing to learn from.
        """
        smiles = column_of_smiles(X)
        labels = np.asarray(y, dtype=np.float64)
        if np.isinf(labels).any():
            raise InputError("y holds infinite values; expected numbers, or NaN where unmeasured")
        self._single = labels.ndim == 1
        return self._train(smiles, _as_rows(labels, len(smiles)), "regression")

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Values (row,) or (row, task); NaN where there is no usable molecule."""
        mean = self._mean(X)
        return mean[:, 0] if self._single else mean

    def predict_interval(self, X: Any) -> NDArray[np.float64]:
        """Ends of the 90 % intervals, (row, 2) or (row, task, 2), infinite where unbounded."""
        check_is_fitted(self)
        told = self.predictor_.predict(column_of_smiles(X), domain=False)
        ends = np.stack([told.lower, told.upper], axis=-1)
        return ends[:, 0] if self._single else ends

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class MoleculeClassifier(ClassifierMixin, _MoleculeEstimator):
    """A yes/no property of molecules, or one of several exclusive classes; labels of any kind.

    Args:
        config, overrides, folds, validation, random_state, verbose: see
            `_MoleculeEstimator`.

    Attributes:
        classes_: the labels, sorted.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on SMILES and labels (row,) of two classes or more.

        Raises:
            ValueError: a single class, or lengths that differ.
        """
        smiles = column_of_smiles(X)
        given = column_or_1d(y, warn=True)
        check_classification_targets(given)
        self.classes_, numbers = np.unique(given, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y has {len(self.classes_)} class; expected at least 2 classes")
        if len(self.classes_) == 2:
            return self._train(smiles, _as_rows(numbers.astype(np.float64), len(smiles)), "binary")
        one_hot = np.eye(len(self.classes_))[numbers]
        return self._train(smiles, _as_rows(one_hot, len(smiles)), "binary", of="y")

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(row, class) probabilities; NaN where there is no usable molecule."""
        chances = self._mean(X)
        return np.column_stack([1 - chances, chances]) if len(self.classes_) == 2 else chances

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row.

        Raises:
            InputError: a row holds no usable molecule, which no label can tell.
        """
        probability = self.predict_proba(X)
        (absent,) = np.nonzero(np.isnan(probability[:, 0]))
        if absent.size:
            raise InputError(
                f"{absent.size} rows hold no usable molecule, the first is row {absent[0]}; "
                "predict_proba gives NaN for such rows"
            )
        return self.classes_[probability.argmax(axis=1)]


def column_of_smiles(X: Any) -> list[str]:
    """The rows of X as text; blank where it holds none.

    Raises:
        InputError: X is not a single column, or holds something else than text.
    """
    if isinstance(X, str):
        raise InputError("X is one text; expected a list of SMILES")
    cells = np.asarray(X, dtype=object)
    if cells.ndim == 2 and cells.shape[1] == 1:
        cells = cells[:, 0]
    if cells.ndim != 1:
        raise InputError(f"X has shape {cells.shape}; expected one column of SMILES")
    cells = np.where(pd.isna(cells), "", cells)
    odd = next((cell for cell in cells if not isinstance(cell, str)), None)
    if odd is not None:
        raise InputError(f"X holds {odd!r}; expected SMILES as text")
    return cells.tolist()


def _as_rows(labels: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Labels as (row, task)."""
    if rows < 2:
        raise InputError(f"X has {rows} sample{'s' * (rows != 1)}; expected at least 2 molecules")
    if len(labels) != rows:
        raise InputError(f"X has {rows} rows and y {len(labels)}; expected one label per molecule")
    return labels.reshape(rows, -1)


@contextlib.contextmanager
def _quiet() -> Any:
    with contextlib.redirect_stderr(io.StringIO()):
        yield

"""The vectors of a pre-trained encoder as a scikit-learn transformer, for models of one's own."""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from molecules.estimators import column_of_smiles
from molecules.models.shipped import weights_path
from molecules.prediction.embedder import Embedder
from molecules.prediction.model_source import ModelSource


class MoleculeEmbedding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Molecules to vectors; there is nothing to fit.

    A row that holds no usable molecule is NaN throughout, so that rows keep their places.

    Args:
        checkpoint: `base`, which ships, or a file that `molecules pretrain` wrote.
    """

    def __init__(self, checkpoint: str = "base") -> None:
        self.checkpoint = checkpoint

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the checkpoint.

        Raises:
            InputError: X is no column of text, or there is no such checkpoint.
        """
        column_of_smiles(X)
        self.n_features_in_ = 1
        self._n_features_out = self._embedder.embed([]).vectors.shape[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """(row, channel).

        Args:
            X: a column of SMILES: a list, an array, a pandas Series, or a table of one column.

        Raises:
            InputError: as `fit`.
        """
        return self._embedder.embed(column_of_smiles(X)).vectors

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @property
    def _embedder(self) -> Embedder:
        """Of the file as it is now; kept from one call to the next while that stays the same."""
        return ModelSource.of(weights_path(Path(self.checkpoint))).load_embedder()

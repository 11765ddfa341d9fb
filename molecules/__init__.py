"""Molecular properties: SMILES tables, 2-D graphs and 3-D conformers, screening."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from molecules.embedding import MoleculeEmbedding
    from molecules.estimators import MoleculeClassifier, MoleculeRegressor
    from molecules.prediction.embedder import Embedder
    from molecules.prediction.ensemble import Ensemble
    from molecules.prediction.predictor import PropertyPredictor

__all__ = [
    "Embedder",
    "Ensemble",
    "MoleculeClassifier",
    "MoleculeEmbedding",
    "MoleculeRegressor",
    "PropertyPredictor",
]

_HOME = {
    "Embedder": "molecules.prediction.embedder",
    "Ensemble": "molecules.prediction.ensemble",
    "MoleculeClassifier": "molecules.estimators",
    "MoleculeEmbedding": "molecules.embedding",
    "MoleculeRegressor": "molecules.estimators",
    "PropertyPredictor": "molecules.prediction.predictor",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is asked for: `--help` must not pay for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'molecules' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return __all__

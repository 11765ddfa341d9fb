"""Where a model's knowledge ends: how far a molecule is from those it has learned from.

Two measures, both against the training set and kept in the model file. The Tanimoto
similarity to the nearest training molecule is the same for every model; the distance in
the encoder's own vectors tells what this model holds for alike (Janet et al. 2019,
Chem. Sci. 10, 7913).
"""

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from molecules.evaluation.similarity import Fingerprints, from_text, nearest, to_text
from sciml.config import Config, parse_config
from sciml.errors import InputError

if TYPE_CHECKING:
    from scipy.spatial import KDTree

AXES = 16  # principal axes of the vectors that are kept
SAMPLE = 20_000  # training molecules whose vectors are computed
POINTS = 4000  # training molecules whose vectors are kept
LEAST = 1e-3  # of the spread of vectors, that neighbours are apart
NEIGHBOURS = 5
_PART = 4096  # vectors centred at once
FARTHEST = 3.0  # distance beyond which a molecule is a stranger, 1 being usual within the set

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Domain:
    """A training set as far as nearness needs it.

    Attributes:
        known: fingerprints of training molecules.
        latent: the vectors of some of them.
    """

    known: Fingerprints
    latent: "LatentSpace"

    @classmethod
    def fit(cls, known: Fingerprints, vectors: Array) -> Self:
        """Learn from fingerprints (row, 256) and encoder vectors (row, dim) of training rows.

        The vectors may be those of fewer rows, see `sampled`.
        """
        return cls(known, LatentSpace.fit(vectors))

    @classmethod
    def read(cls, metadata: dict[str, Any]) -> "Domain | None":
        """The domain in the metadata of a model file; None if that tells none.

        Raises:
            InputError: it is damaged.
        """
        if "training_fingerprints" not in metadata or "training_vectors" not in metadata:
            return None
        known = from_text(metadata["training_fingerprints"])
        latent = parse_config(LatentSpace, metadata["training_vectors"], "the model file")
        return cls(known, latent)

    def to_metadata(self) -> dict[str, Any]:
        """Plain data for a model file."""
        vectors = self.latent.model_dump(mode="json")
        return {"training_fingerprints": to_text(self.known), "training_vectors": vectors}

    def similarity(self, query: Fingerprints) -> Array:
        """(row,) Tanimoto similarity to the nearest training molecule, 0 to 1."""
        return nearest(query, self.known)


class LatentSpace(Config):
    """Training molecules in the space of an encoder's vectors, as plain data.

    A vector is kept as its components along the principal axes of the training set, and
    its distance from the space these span.

    Attributes:
        dim: length of a vector.
        centre, axes, points: float32 as base64: (dim,), (axis, dim), (point, axis + 1).
        typical: median distance of a training molecule to its neighbours, which are
            other training molecules.
    """

    dim: int = Field(gt=0)
    centre: str
    axes: str
    points: str
    typical: float

    @classmethod
    def fit(cls, vectors: Array, seed: int = 0) -> Self:
        """Choose axes and points from training vectors (row, dim)."""
        centre = vectors.mean(axis=0)
        axes = _principal_axes(vectors, centre)
        if len(vectors) > POINTS:
            kept = np.random.default_rng(seed).choice(len(vectors), POINTS, replace=False)
            vectors = vectors[np.sort(kept)]
        points = _components(vectors, centre, axes)
        made = cls(
            dim=vectors.shape[1],
            centre=_text(centre),
            axes=_text(axes),
            points=_text(points),
            typical=1.0,
        )
        others = made._to_neighbours(vectors, itself=True)
        least = LEAST * float(np.sqrt(vectors.var(axis=0).sum()))
        return made.model_copy(update={"typical": max(float(np.median(others)), least) or 1.0})

    def distance(self, vectors: Array) -> Array:
        """Mean distance to the nearest training molecules: vectors (row, dim) -> (row,).

        In units of `typical`: training molecules are about 1 from each other.
        """
        return self._to_neighbours(vectors) / self.typical

    def _to_neighbours(self, vectors: Array, itself: bool = False) -> Array:
        centre, axes, tree = self._read
        count = min(NEIGHBOURS, tree.n - itself)
        if count < 1:
            return np.zeros(len(vectors))  # a single training molecule has no neighbour
        ranks = np.arange(1, count + 1) + itself
        distances, _ = tree.query(_components(vectors, centre, axes), ranks)
        return distances.mean(axis=1)

    @cached_property
    def _read(self) -> "tuple[Array, Array, KDTree]":
        from scipy.spatial import KDTree

        axes = _array(self.axes, self.dim)
        points = _array(self.points, len(axes) + 1)
        return _array(self.centre, self.dim)[0], axes, KDTree(points)


def sampled(rows: NDArray[np.int64], seed: int = 0) -> NDArray[np.int64]:
    """Training rows whose vectors tell where all are: all rows, of very many a random part."""
    if len(rows) <= SAMPLE:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))


def _principal_axes(vectors: Array, centre: Array) -> Array:
    """(axis, dim) of vectors (row, dim).

    They are those of the triangle of a QR decomposition, which is made in parts.
    """
    triangle = np.empty((0, vectors.shape[1]))
    for start in range(0, len(vectors), _PART):
        part = vectors[start : start + _PART] - centre
        above = np.concatenate([triangle, part])
        triangle = np.asarray(np.linalg.qr(above, mode="r"))  # which numpy's stubs hold for a pair
    return np.linalg.svd(triangle, full_matrices=False)[2][:AXES]


def _components(vectors: Array, centre: Array, axes: Array) -> Array:
    """(row, dim) -> (row, axis + 1): along the axes, and away from them."""
    centred = vectors - centre
    along = centred @ axes.T
    away = np.linalg.norm(centred - along @ axes, axis=1, keepdims=True)
    return np.concatenate([along, away], axis=1)


def _text(array: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode("ascii")


def _array(text: str, columns: int) -> Array:
    try:
        flat = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
        return flat.reshape(-1, columns).astype(np.float64)
    except (binascii.Error, ValueError) as error:
        raise InputError("the vectors in the model file are damaged; train again") from error

"""How near a molecule is to those a model has learned from.

Binary Morgan fingerprints (radius 2, 2,048 bits), packed eight bits to a byte, small
enough to travel with a model: some 100 bytes a molecule.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molecules import compressed
from molecules.evaluation.splits import parse
from sciml.errors import InputError

BITS = 2048
FAR, NEAR = 0.3, 0.9  # below: a stranger to the training set; from here on: almost in it
MOST_KEPT = 50_000  # training molecules that travel with a model

Fingerprints = NDArray[np.uint8]  # (row, BITS / 8)


def fingerprints(smiles: Iterable[str]) -> Fingerprints:
    """Packed fingerprints, (row, 256); all zero where there is no molecule."""
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
    absent = np.zeros(BITS, np.uint8)
    packed = [
        np.packbits(absent if molecule is None else generator.GetFingerprintAsNumPy(molecule))
        for molecule in parse(smiles)
    ]
    return np.array(packed, np.uint8).reshape(-1, BITS // 8)


class _Known:
    """Fingerprints by word, so that those words alone are read in which a query has bits.

    Args:
        known: (row, 256), none of them empty.
    """

    def __init__(self, known: Fingerprints) -> None:
        self.words = np.ascontiguousarray(_words(known).T)  # (word, row)
        self.sizes = np.bitwise_count(self.words).sum(axis=0, dtype=np.int64)

    def similarities(self, query: NDArray[np.uint64]) -> NDArray[np.float64]:
        """(row,) to a fingerprint (word,) that is not empty."""
        common = np.zeros(len(self.sizes), np.uint16)
        for word in np.flatnonzero(query):
            common += np.bitwise_count(self.words[word] & query[word])
        return common / (self.sizes + np.bitwise_count(query).sum(dtype=np.int64) - common)


def nearest(query: Fingerprints, known: Fingerprints) -> NDArray[np.float64]:
    """Tanimoto similarity of each row of `query` to the nearest row of `known`.

    |a and b| / |a or b|, in 0 to 1; NaN for an empty fingerprint or an empty `known`.
    """
    similarity = np.full(len(query), np.nan)
    filled = _filled(known)
    if filled.any():
        to = _Known(known[filled])
        for row in np.flatnonzero(_filled(query)):
            similarity[row] = to.similarities(_words(query)[row]).max()
    return similarity


def similarities(query: Fingerprints, known: Fingerprints) -> NDArray[np.float64]:
    """Tanimoto similarity of one fingerprint (256,) to each row of `known`; NaN for empty ones."""
    similarity = np.full(len(known), np.nan)
    filled = _filled(known)
    if query.any():
        similarity[filled] = _Known(known[filled]).similarities(_words(query))
    return similarity


def _words(fingerprints: Fingerprints) -> NDArray[np.uint64]:
    return np.ascontiguousarray(fingerprints).view(np.uint64)


def _filled(fingerprints: Fingerprints) -> NDArray[np.bool_]:
    """(row,) whether it has a bit."""
    return np.asarray(_words(fingerprints).any(axis=1))


def similarity_to_train(train: Iterable[str], others: Iterable[str]) -> NDArray[np.float64]:
    """Tanimoto similarity of each molecule to the nearest one of the training set.

    Args:
        train: SMILES of the training set.
        others: SMILES to compare.

    Returns:
        (row,) in 0 to 1; NaN where `others` holds no molecule, or `train` none.
    """
    return nearest(fingerprints(others), fingerprints(train))


@dataclass(frozen=True)
class Nearness:
    """How near the molecules of a fold are to the training set.

    Attributes:
        median: Tanimoto similarity to the nearest training molecule.
        far, near: shares of molecules below `FAR`, and from `NEAR` on.
    """

    median: float
    far: float
    near: float

    @classmethod
    def of(cls, similarity: NDArray[np.float64]) -> Self:
        """Summary of what `nearest` found; NaN for no molecule."""
        known = similarity[np.isfinite(similarity)]
        if not known.size:
            return cls(np.nan, np.nan, np.nan)
        return cls(
            float(np.median(known)), float((known < FAR).mean()), float((known >= NEAR).mean())
        )

    def __str__(self) -> str:
        return (
            f"similarity to the nearest training molecule {self.median:.2f} in the median, "
            f"{self.far:.0%} below {FAR}, {self.near:.0%} from {NEAR} on"
        )


def to_text(known: Fingerprints, seed: int = 0) -> str:
    """Fingerprints as text for a model's metadata; a random part if there are very many."""
    if len(known) > MOST_KEPT:
        known = known[np.random.default_rng(seed).choice(len(known), MOST_KEPT, replace=False)]
    return compressed.to_text(known.tobytes())


def from_text(text: str) -> Fingerprints:
    """Inverse of `to_text`.

    Raises:
        InputError: the text is something else, or holds more than `MOST_KEPT`.
    """
    try:
        content = compressed.from_text(text, MOST_KEPT * BITS // 8)
        return np.frombuffer(content, np.uint8).reshape(-1, BITS // 8)
    except ValueError as error:
        raise InputError("the fingerprints in the model file are damaged; train again") from error

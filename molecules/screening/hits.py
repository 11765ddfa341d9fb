"""The best distinct molecules seen so far; here, those of the highest score."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hit:
    """A molecule among the best.

    Attributes:
        file: which of the library's files, from 0, holds it first.
        row: of that file, counted from 1.
        name: as the library has it; may be empty.
        smiles: canonical.
        key: what the model reads of it, see `identities`: rows of the same key are one hit.
        score: larger is better.
        goods: (objective,) what the score is made of, larger is better.
        value, lower, upper: (objective,) prediction and interval in the unit of the task.
        similarity: to the nearest training molecule, 0 to 1; NaN if unknown.
        copies: rows of the library that hold this molecule.
        front: Pareto front, from 1, where hits are ranked by fronts.
    """

    file: int
    row: int
    name: str
    smiles: str
    key: str
    score: float
    goods: tuple[float, ...]
    value: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    similarity: float = np.nan
    copies: int = 1
    front: int = 0

    @property
    def bounded(self) -> bool:
        """Whether every interval has two ends."""
        return bool(np.isfinite([*self.lower, *self.upper]).all())

    @property
    def rank_key(self) -> tuple[float, str]:
        """Smaller is better: by score, then by key, wherever in the library it is."""
        return -self.score, self.key

    def seen_again(self, other: "Hit") -> "Hit":
        """The same molecule at its first place, with all its copies."""
        first = min(self, other, key=lambda hit: (hit.file, hit.row))
        return replace(first, copies=self.copies + other.copies)


class Best(Protocol):
    """Keeps the best molecules; what is kept does not depend on the order they come in."""

    def floor(self) -> Array:
        """What is known of the best, for `chance`."""

    def chance(self, scores: Array, goods: Array, floor: Array) -> NDArray[np.bool_]:
        """(row,) whether a molecule may be among the best; NaN is not.

        Args:
            scores: (row,).
            goods: (row, objective).
            floor: of this, or of what was found in other parts of the library.
        """

    def add(self, hits: Iterable[Hit]) -> None:
        """Keep molecules that are good enough; count again those that are known."""

    def kept(self) -> list[Hit]:
        """All that is kept, in an order of its own."""

    def ranked(self) -> list[Hit]:
        """Best first."""


class TopHits:
    """The molecules of the highest score.

    Args:
        size: how many to keep.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._hits: dict[str, Hit] = {}
        self._floor = -np.inf

    def floor(self) -> Array:
        """Score of the worst one, once there are enough."""
        return np.array(self._floor)

    def chance(self, scores: Array, goods: Array, floor: Array) -> NDArray[np.bool_]:
        """(row,) whether it scores as good as the floor: a molecule may fill several rows."""
        return scores >= floor

    def add(self, hits: Iterable[Hit]) -> None:
        """Add, then drop what is worse than the best `size`."""
        for hit in hits:
            known = self._hits.get(hit.key)
            self._hits[hit.key] = known.seen_again(hit) if known else hit
            if len(self._hits) > 2 * self.size + 64:
                self._prune()
        self._prune()

    def kept(self) -> list[Hit]:
        """Best first."""
        return self.ranked()

    def ranked(self) -> list[Hit]:
        """Best first."""
        return sorted(self._hits.values(), key=lambda hit: hit.rank_key)

    def _prune(self) -> None:
        if len(self._hits) >= self.size:
            kept = heapq.nsmallest(self.size, self._hits.values(), key=lambda hit: hit.rank_key)
            self._hits = {hit.key: hit for hit in kept}
            self._floor = kept[-1].score

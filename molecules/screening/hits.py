"""The best distinct molecules seen so far: those of the highest score, or the Pareto front."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Combine = Literal["sum", "pareto"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Hit:
    """A molecule among the best.

    Attributes:
        file: which of the library's files, from 0, holds it first.
        row: of that file, counted from 1.
        name: as the library has it; may be empty.
        smiles: canonical.
        score: larger is better.
        goods: (objective,) what the score is made of, larger is better.
        value, lower, upper: (objective,) prediction and interval in the unit of the task.
        similarity: to the nearest training molecule, 0 to 1; NaN if unknown.
        copies: rows of the library that hold this molecule.
    """

    file: int
    row: int
    name: str
    smiles: str
    score: float
    goods: tuple[float, ...]
    value: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    similarity: float = np.nan
    copies: int = 1

    @property
    def bounded(self) -> bool:
        """Whether every interval has two ends."""
        return bool(np.isfinite([*self.lower, *self.upper]).all())

    @property
    def rank_key(self) -> tuple[float, str]:
        """Smaller is better: by score, then by SMILES, wherever in the library it is."""
        return -self.score, self.smiles

    def seen_again(self, other: "Hit") -> "Hit":
        """The same molecule at its first place, with all its copies."""
        first = min(self, other, key=lambda hit: (hit.file, hit.row))
        return replace(first, copies=self.copies + other.copies)


class Best(Protocol):
    """Keeps the best molecules; what is kept does not depend on the order they come in."""

    def floor(self) -> float:
        """A molecule with a lower score has no chance."""

    def candidates(self, scores: Array, goods: Array, floor: float) -> NDArray[np.int64]:
        """Rows that may be among the best, best first; NaN is not."""

    def add(self, hits: Iterable[Hit]) -> None:
        """Keep molecules that are good enough; count again those that are known."""

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

    def floor(self) -> float:
        """Score of the worst one, once there are enough."""
        return self._floor

    def candidates(self, scores: Array, goods: Array, floor: float) -> NDArray[np.int64]:
        """Every row as good as `floor`: a molecule may fill several."""
        order = np.argsort(-scores, kind="stable")
        return order[scores[order] >= floor]

    def add(self, hits: Iterable[Hit]) -> None:
        """Add, then drop what is worse than the best `size`."""
        for hit in hits:
            known = self._hits.get(hit.smiles)
            self._hits[hit.smiles] = known.seen_again(hit) if known else hit
            if len(self._hits) > 2 * self.size + 64:
                self._prune()
        self._prune()

    def ranked(self) -> list[Hit]:
        """Best first."""
        return sorted(self._hits.values(), key=lambda hit: hit.rank_key)

    def _prune(self) -> None:
        if len(self._hits) >= self.size:
            kept = heapq.nsmallest(self.size, self._hits.values(), key=lambda hit: hit.rank_key)
            self._hits = {hit.smiles: hit for hit in kept}
            self._floor = kept[-1].score


class ParetoFront:
    """The molecules that no other equals in every objective and beats in one.

    The front of n molecules with independent objectives holds some (ln n)^(d - 1) / (d - 1)!
    of them, so all of it is kept (Bentley et al. 1978, J. ACM 25, 536).
    """

    def __init__(self) -> None:
        self._hits: dict[str, Hit] = {}

    def floor(self) -> float:
        """None: a low sum may hide the best of one objective."""
        return -np.inf

    def candidates(self, scores: Array, goods: Array, floor: float) -> NDArray[np.int64]:
        """Rows that no other row beats."""
        order = np.argsort(-scores, kind="stable")
        kept: list[int] = []
        for row in order[np.isfinite(scores[order])]:
            if not beaten(goods[row], goods[kept]):
                kept.append(int(row))
        return np.array(kept, np.int64)

    def add(self, hits: Iterable[Hit]) -> None:
        """Add those that none beats, and drop those that they beat."""
        for hit in hits:
            known = self._hits.get(hit.smiles)
            if known:
                self._hits[hit.smiles] = known.seen_again(hit)
                continue
            goods = np.array([other.goods for other in self._hits.values()])
            if beaten(np.array(hit.goods), goods.reshape(-1, len(hit.goods))):
                continue
            for other in list(self._hits.values()):
                if beaten(np.array(other.goods), np.array([hit.goods])):
                    del self._hits[other.smiles]
            self._hits[hit.smiles] = hit

    def ranked(self) -> list[Hit]:
        """By score."""
        return sorted(self._hits.values(), key=lambda hit: hit.rank_key)


def beaten(goods: Array, others: Array) -> bool:
    """Whether one of `others` (row, objective) is nowhere worse than `goods`, and once better."""
    nowhere_worse = (others >= goods).all(axis=1)
    return bool((nowhere_worse & (others > goods).any(axis=1)).any())


def best(combine: Combine, size: int) -> Best:
    """What keeps the best molecules."""
    return ParetoFront() if combine == "pareto" else TopHits(size)

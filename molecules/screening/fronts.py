"""Pareto fronts of a library that is seen once, in parts.

One molecule beats another if it is nowhere worse and somewhere better. The first front
holds those that none beats, the second those that only the first beats, and so on
(non-dominated sorting: Deb et al. 2002, IEEE Trans. Evol. Comput. 6, 182, section III).

To keep the first fronts seen so far would not do: a later molecule may push all but one of
them back, and what that one beats forward among them. It takes, for the best k, the
molecules that fewer than k others beat (k-skyband: Papadias et al. 2005, ACM Trans.
Database Syst. 30, 41). Beating is transitive, so

- what k molecules beat stands behind all of them, whatever else comes: it may go;
- what beats a kept molecule is beaten by fewer: it is kept too, so that fronts within
  what is kept are those of the whole library, whatever its order;
- of molecules that are equal in all objectives only the first k by key can be among the
  best k: the others may go.

Of n molecules with two independent objectives that is k (1 + ln(n / k)) molecules, 1,000
for 100 of a million, and more with more objectives: memory grows with a power of ln n.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from molecules.screening.hits import Hit

_PAIRS = 1 << 21  # compared at once; bounds the memory

Array = NDArray[np.float64]


class ParetoFronts:
    """The molecules that fewer than `size` others beat.

    Args:
        size: how many are wanted in the end.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._hits: dict[str, Hit] = {}
        self._goods: Array | None = None  # (molecule, objective), as `_hits`
        self._beaten = np.empty(0, np.int64)  # how many beat each

    def floor(self) -> Array:
        """(molecule, objective): not too many of these may beat a molecule."""
        return np.empty((0, 0)) if self._goods is None else self._goods

    def chance(self, scores: Array, goods: Array, floor: Array) -> NDArray[np.bool_]:
        """(row,) whether fewer than `size` molecules of the floor beat it."""
        return np.isfinite(scores) & (how_many_beat(goods, floor) < self.size)

    def add(self, hits: Iterable[Hit]) -> None:
        """Add those that few enough beat, and drop those that too many beat now."""
        for hit in hits:
            known = self._hits.get(hit.key)
            if known:
                self._hits[hit.key] = known.seen_again(hit)
                continue
            goods = np.array([hit.goods])
            beaten = how_many_beat(goods, self.floor())
            if beaten < self.size:
                self._insert(hit, goods, beaten)

    def kept(self) -> list[Hit]:
        """By score."""
        return sorted(self._hits.values(), key=lambda hit: hit.rank_key)

    def ranked(self) -> list[Hit]:
        """Front by front, each by score, with its number."""
        fronts = front_numbers(self.floor()).tolist()
        numbered = zip(self._hits.values(), fronts, strict=True)
        found = [replace(hit, front=front) for hit, front in numbered]
        return sorted(found, key=lambda hit: (hit.front, hit.rank_key))

    def _insert(self, hit: Hit, goods: Array, beaten: NDArray[np.int64]) -> None:
        others = goods[:0] if self._goods is None else self._goods
        self._hits[hit.key] = hit
        self._beaten = np.append(self._beaten + how_many_beat(others, goods), beaten)
        self._goods = np.append(others, goods, axis=0)
        stay = self._beaten < self.size
        equal = np.flatnonzero((self._goods == goods).all(axis=1))
        if len(equal) > self.size:
            stay[max(equal.tolist(), key=list(self._hits).__getitem__)] = False
        if not stay.all():
            pairs = zip(self._hits.items(), stay, strict=True)
            self._hits = {key: other for (key, other), good in pairs if good}
            self._beaten, self._goods = self._beaten[stay], self._goods[stay]


def how_many_beat(goods: Array, others: Array) -> NDArray[np.int64]:
    """(row,) how many of `others` (other, objective) beat each of `goods` (row, objective)."""
    counts = np.zeros(len(goods), np.int64)
    if not len(others):
        return counts
    step = max(1, _PAIRS // len(others))
    for first in range(0, len(goods), step):
        part = goods[first : first + step]
        nowhere_worse = np.ones((len(part), len(others)), bool)
        somewhere_better = np.zeros_like(nowhere_worse)
        for mine, theirs in zip(part.T, others.T, strict=True):
            nowhere_worse &= theirs >= mine[:, None]
            somewhere_better |= theirs > mine[:, None]
        counts[first : first + step] = (nowhere_worse & somewhere_better).sum(axis=1)
    return counts


def front_numbers(goods: Array) -> NDArray[np.int64]:
    """(row,) front of each of `goods` (row, objective), from 1.

    It is one more than the last front among those that beat it, which come before it in
    descending lexical order.
    """
    fronts = np.zeros(len(goods), np.int64)
    order = np.lexsort(-goods.T[::-1]) if len(goods) else fronts
    for place, row in enumerate(order):
        before = order[:place]
        others = goods[before]
        beats = (others >= goods[row]).all(axis=1) & (others > goods[row]).any(axis=1)
        fronts[row] = 1 + fronts[before[beats]].max(initial=0)
    return fronts

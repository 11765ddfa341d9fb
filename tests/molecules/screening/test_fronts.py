"""Pareto fronts of a stream are those of the whole library."""

import numpy as np
import pytest
from numpy.typing import NDArray

from molecules.screening.fronts import ParetoFronts, front_numbers, how_many_beat
from molecules.screening.hits import Hit

Array = NDArray[np.float64]


def make_hits(goods: Array, names: list[str] | None = None) -> list[Hit]:
    names = names or [f"m{i:05d}" for i in range(len(goods))]
    return [
        Hit(0, row, "", name, name, float(good.sum()), tuple(good.tolist()), (), (), ())
        for row, (good, name) in enumerate(zip(goods, names, strict=True))
    ]


def peeled(goods: Array) -> NDArray[np.int64]:
    """Fronts by their definition: take away all that nothing left beats, again and again."""
    fronts = np.zeros(len(goods), np.int64)
    front = 0
    while (fronts == 0).any():
        front += 1
        left = np.flatnonzero(fronts == 0)
        fronts[left[how_many_beat(goods[left], goods[left]) == 0]] = front
    return fronts


def best_of_all(goods: Array, top: int) -> list[tuple[str, int]]:
    fronts, hits = peeled(goods), make_hits(goods)
    order = sorted(range(len(goods)), key=lambda i: (fronts[i], hits[i].rank_key))
    return [(hits[i].smiles, int(fronts[i])) for i in order[:top]]


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("levels", [4, 1000])
@pytest.mark.parametrize("top", [1, 7, 40, 500])
def test_the_best_are_those_of_sorting_everything(objectives: int, levels: int, top: int) -> None:
    draws = np.random.default_rng(objectives + levels + top)
    goods = draws.integers(0, levels, (300, objectives)).astype(float)
    hits, expected = make_hits(goods), best_of_all(goods, top)
    for _ in range(3):
        whole = ParetoFronts(top)
        for part in np.array_split(draws.permutation(300), 7):  # shards, in any order
            found = ParetoFronts(top)
            rows = part[found.chance(goods[part].sum(axis=1), goods[part], whole.floor())]
            found.add(hits[row] for row in rows)
            whole.add(found.kept())
        assert [(hit.smiles, hit.front) for hit in whole.ranked()[:top]] == expected
        assert len(whole.ranked()) >= min(top, 300)


def test_a_later_molecule_pushes_a_front_back_and_what_stood_behind_it_forward() -> None:
    """Why the first front alone, though as large as asked for, is not enough."""
    front = [[float(i), float(9 - i)] for i in range(10)]
    behind = [9.0 - 0.5, -1.0]  # beaten by the last of the front only
    late = [8.5, 9.5]  # beats all of the front but the last, and not what stands behind
    goods = np.array([*front, behind, late])
    found = ParetoFronts(3)
    found.add(make_hits(goods[:11]))
    assert [hit.front for hit in found.ranked()[:10]] == [1] * 10
    found.add(make_hits(goods)[11:])
    assert [(hit.smiles, hit.front) for hit in found.ranked()[:3]] == best_of_all(goods, 3)
    assert {hit.smiles for hit in found.ranked() if hit.front == 2} >= {"m00010"}


def test_front_numbers_are_those_of_peeling() -> None:
    goods = np.random.default_rng(0).integers(0, 5, (200, 3)).astype(float)
    np.testing.assert_array_equal(front_numbers(goods), peeled(goods))
    assert front_numbers(np.empty((0, 0))).tolist() == []


def test_copies_are_counted_and_equals_do_not_beat_each_other() -> None:
    goods = np.array([[1.0, 1.0]] * 4 + [[2.0, 2.0]])
    found = ParetoFronts(2)
    found.add(make_hits(goods, ["a", "b", "a", "a", "c"]))
    told = [(hit.smiles, hit.front, hit.copies) for hit in found.ranked()]
    assert told == [("c", 1, 1), ("a", 2, 3), ("b", 2, 1)]


def test_of_equals_only_as_many_as_are_wanted_are_kept() -> None:
    """Those first by key, in whatever order they come."""
    hits = make_hits(np.array([[0.0, 0.0]] * 300 + [[1.0, -1.0]] * 3))
    for order in (range(303), np.random.default_rng(0).permutation(303).tolist()):
        found = ParetoFronts(5)
        for row in order:
            found.add([hits[row], hits[row]])
        told = {(hit.smiles, hit.copies) for hit in found.kept()}
        assert told == {(f"m{i:05d}", 2) for i in (0, 1, 2, 3, 4, 300, 301, 302)}


def test_how_many_are_kept_is_the_closed_form() -> None:
    """Of n with two independent objectives k + k (H_n - H_k): the i-th by one is kept with
    probability min(1, k / i)."""
    draws, n, k, kept = np.random.default_rng(0), 400, 5, []
    for _ in range(60):
        found = ParetoFronts(k)
        found.add(make_hits(draws.uniform(size=(n, 2))))
        kept.append(len(found.kept()))
    expected = k + k * (1 / np.arange(k + 1, n + 1)).sum()
    assert np.mean(kept) == pytest.approx(expected, rel=0.05)


def test_what_is_not_finite_has_no_chance() -> None:
    goods = np.array([[1.0, np.nan], [1.0, 1.0]])
    chance = ParetoFronts(1).chance(goods.sum(axis=1), goods, np.empty((0, 0)))
    assert chance.tolist() == [False, True]

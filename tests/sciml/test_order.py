"""The order of training: complete, reproducible, well mixed, and sparing with reads."""

from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import pytest
from torch.utils.data import BatchSampler, DistributedSampler

from sciml.order import LANES, by_runs, runs_in_use, shuffled


class Stored:
    """As many samples as runs are given."""

    def __init__(self, runs):
        self.runs = runs

    def __len__(self):
        return 7 if self.runs is None else len(self.runs)


def runs(samples, length):
    return np.arange(samples) // length


def irregular():
    """Runs of one to nine samples, their numbers with gaps and not in order."""
    draw = np.random.default_rng(3)
    return np.repeat(7 * draw.permutation(300), draw.integers(1, 10, 300))


def order(source, processes=1, rank=0, seed=0, epoch=0):
    sampler = shuffled(source, processes, rank, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


STORES = [runs(1, 8), runs(15, 4), runs(100, 4), runs(5001, 8), runs(999, 100), irregular()]


@pytest.mark.parametrize("stored", STORES, ids=len)
def test_an_epoch_has_every_sample_once(stored):
    assert sorted(order(Stored(stored))) == list(range(len(stored)))


def test_the_order_depends_on_seed_and_epoch_alone():
    source = Stored(runs(500, 8))
    orders = [order(source, seed=s, epoch=e) for s in (0, 1) for e in (0, 1, 2)]
    assert orders == [order(source, seed=s, epoch=e) for s in (0, 1) for e in (0, 1, 2)]
    assert all(orders[i] != orders[j] for i in range(6) for j in range(i))


def test_an_epoch_begins_with_other_runs_than_the_one_before():
    source = Stored(runs(8000, 8))
    first = [{sample // 8 for sample in order(source, epoch=e)[:100]} for e in range(20)]
    assert all(len(a & b) < len(a) / 2 for a, b in pairwise(first))
    assert len(set().union(*first)) > 300  # of 1000 runs; 20 times 24 are drawn


@pytest.mark.parametrize("processes", [2, 3, 8, 24])
@pytest.mark.parametrize("samples", [960, 1000])
def test_processes_see_together_the_batches_of_one(processes, samples):
    source, size = Stored(runs(samples, 8)), 48
    alone = list(BatchSampler(order(source, seed=5, epoch=2), size, drop_last=True))
    parts = [order(source, processes, rank, 5, 2) for rank in range(processes)]
    shares = [list(BatchSampler(part, size // processes, drop_last=True)) for part in parts]
    together = [sorted(chain(*batch)) for batch in zip(*shares, strict=True)]
    assert together[: len(alone)] == [sorted(batch) for batch in alone]  # `fit` takes no more


@pytest.mark.parametrize("length", [2, 8, 48])
def test_samples_in_a_row_come_from_as_many_runs(length):
    stored = runs(24000, length)
    drawn = stored[by_runs(stored, np.random.default_rng(0))]
    windows = np.lib.stride_tricks.sliding_window_view(drawn, LANES)
    assert all(len(set(window)) == LANES for window in windows.tolist())


def reads(drawn, kept):
    """How often a run is read where only those used last are kept."""
    read = lru_cache(kept)(lambda run: run)
    for run in drawn.tolist():
        read(run)
    return read.cache_info().misses


@pytest.mark.parametrize("length", [2, 8, 48])
def test_a_run_is_read_about_once(length):
    stored = runs(24000, length)
    count, kept = 24000 // length, runs_in_use(length)
    drawn = stored[by_runs(stored, np.random.default_rng(0))]
    assert count <= reads(drawn, kept) < 1.1 * count + LANES  # lanes cut runs at their ends
    free = np.random.default_rng(0).permutation(stored)
    assert reads(free, kept) > 0.7 * length * count * (1 - kept / count)


@pytest.mark.parametrize("processes", [2, 8])
def test_each_process_has_runs_of_its_own(processes):
    stored = runs(24000, 8)
    own = [set(stored[order(Stored(stored), processes, r)]) for r in range(processes)]
    assert sum(map(len, own)) < len(set(stored)) + LANES


def test_in_memory_the_order_is_free():
    for source in (Stored(None), [0] * 7):
        sampler = shuffled(source, 1, 0, 4)
        sampler.set_epoch(3)
        free = DistributedSampler(source, 1, 0, seed=4)
        free.set_epoch(3)
        assert list(sampler) == list(free)

"""Batches made ahead are the same batches, in order; nothing is left running."""

import threading

import pytest
from torch.utils.data import DataLoader

from sciml.prefetch import AHEAD, PrefetchingLoader


class Numbers:
    def __init__(self, bad=None):
        self.bad, self.asked = bad, []

    def __len__(self):
        return 20

    def __getitems__(self, indices):
        if self.bad in indices:
            raise OSError("no such chunk")
        self.asked.append(indices)
        return list(indices)


def loader(kind, source):
    return kind(source, batch_size=3, shuffle=False, collate_fn=lambda batch: batch)


def test_the_same_batches_in_the_same_order():
    assert list(loader(PrefetchingLoader, Numbers())) == list(loader(DataLoader, Numbers()))
    assert len(loader(PrefetchingLoader, Numbers())) == 7


def test_some_are_made_ahead_and_no_thread_is_left():
    source, threads = Numbers(), threading.active_count()
    batches = iter(loader(PrefetchingLoader, source))
    assert next(batches) == [0, 1, 2]
    batches.close()
    assert 1 <= len(source.asked) <= 1 + AHEAD
    assert threading.active_count() == threads


def test_an_error_arrives_with_its_batch():
    batches = iter(loader(PrefetchingLoader, Numbers(bad=4)))
    assert next(batches) == [0, 1, 2]
    with pytest.raises(OSError, match="no such chunk"):
        next(batches)

"""Batches shared out among processes: every sample once, and none waits for another."""

from itertools import chain

import pytest

from sciml.batches import batch_share, in_order
from sciml.config import load_config
from sciml.errors import InputError
from sciml.training import TrainingConfig


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("share", [1, 2, 5])
def test_validation_has_every_sample_once(processes: int, share: int) -> None:
    size = processes * share
    for samples in range(processes, 4 * size + 2):
        parts = [in_order(samples, size, processes, rank) for rank in range(processes)]
        assert sorted(chain(*chain(*parts))) == list(range(samples))
        for together in zip(*parts, strict=True):  # as many batches in each
            assert all(1 <= len(batch) <= share + 1 for batch in together)


def test_one_process_takes_whole_batches() -> None:
    assert in_order(8, 3, 1, 0) == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_processes_share_the_batches_of_one() -> None:
    alone = in_order(20, 6, 1, 0)
    parts = [in_order(20, 6, 2, rank) for rank in range(2)]
    assert [sorted(chain(*batch)) for batch in zip(*parts, strict=True)] == alone


@pytest.mark.parametrize(
    ("size", "processes", "words"),
    [(32, 3, "is 32, which 3 processes .* 30 or 33,"), (1, 2, "is 1, which 2 processes .* to 2,")],
)
def test_a_batch_is_not_made_smaller_or_larger(size: int, processes: int, words: str) -> None:
    assert batch_share(processes * size, processes) == size
    with pytest.raises(InputError, match=words):
        batch_share(size, processes)


def test_a_batch_that_processes_cannot_share_is_refused_before_anything_is_written() -> None:
    with pytest.raises(InputError, match="batch_size is 32, which 3 processes cannot share evenly"):
        load_config(TrainingConfig, overrides=["strategy=ddp", "devices=3"])
    assert load_config(TrainingConfig, overrides=["devices=3", "batch_size=33"]).devices == 3

"""How the C library lays out large blocks."""

import pytest

from sciml.heap import SCATTERED, Heap

MIB = 2**20


def test_large_blocks_are_mapped_and_given_back():
    heap = Heap()
    for _ in range(3):
        heap.take(1, 40 * MIB)
        heap.give(1)
        heap.take(2, 64 * MIB)
        heap.give(2)
    assert heap.resident == 0
    assert heap.peak == 64 * MIB


def in_heap():
    """A heap whose first block, given back, lets blocks of up to 8 MiB into the heap."""
    heap = Heap()
    heap.take(0, 8 * MIB)
    heap.give(0)
    return heap


def test_the_first_mapped_block_given_back_opens_the_heap():
    heap = in_heap()
    assert heap.resident == 0
    heap.take(1, 4 * MIB)
    assert heap.resident == pytest.approx(SCATTERED * 4 * MIB)
    heap.give(1)
    assert heap.resident == pytest.approx(SCATTERED * 4 * MIB)  # below the trim threshold


def test_a_gap_serves_a_smaller_block_but_not_one_of_its_own_size():
    heap = in_heap()
    for key in (1, 2, 3):
        heap.take(key, 4 * MIB)
    heap.give(2)
    heap.take(4, 3 * MIB)
    assert heap.resident == pytest.approx(SCATTERED * 12 * MIB)
    heap.give(4)
    heap.take(5, 4 * MIB)
    assert heap.resident == pytest.approx(SCATTERED * 16 * MIB)


def test_gaps_merge_and_a_free_end_goes_back():
    heap = in_heap()
    for key in range(1, 7):
        heap.take(key, 4 * MIB)
    heap.give(2)
    heap.give(4)
    heap.give(3)  # one gap of 12 MiB
    heap.take(7, 7 * MIB)
    assert heap.resident == pytest.approx(SCATTERED * 24 * MIB)
    for key in (1, 5, 6, 7):
        heap.give(key)
    assert heap.resident == 0

"""Every value is counted once, in the bar that holds it."""

from itertools import pairwise

import numpy as np

from molecules.screening.histogram import Histogram

rng = np.random.default_rng(0)


def test_histogram_counts_everything_over_a_growing_range() -> None:
    histogram = Histogram()
    values = np.concatenate([rng.normal(size=500), [-300.0, 1000.0], np.full(50, 3.0)])
    for part in np.array_split(values, 9):
        histogram.add(part)
    assert histogram.counts.sum() == len(values)
    edges, counts = histogram.occupied(64)
    assert len(counts) <= 64
    assert counts.sum() == len(values)
    assert edges[0] <= -300
    assert edges[-1] > 1000
    inside = [np.sum((values >= a) & (values < b)) for a, b in pairwise(edges)]
    np.testing.assert_array_equal(counts, inside)


def test_order_and_parts_do_not_matter() -> None:
    values = np.concatenate([rng.normal(-5, 2, 300), [1e-3, 7e4, -30.0, 0.0, 1e-12]])
    whole = Histogram()
    whole.add(values)
    for _ in range(5):
        merged = Histogram()
        for part in np.array_split(rng.permutation(values), 7):
            one = Histogram()
            one.add(part)
            merged.merge(one)
        assert (merged.exponent, merged.first) == (whole.exponent, whole.first)
        np.testing.assert_array_equal(merged.counts, whole.counts)
        assert len(merged.counts) <= 512


def test_histogram_of_one_value() -> None:
    histogram = Histogram()
    histogram.add(np.array([]))
    histogram.add(np.full(3, 7.0))
    edges, counts = histogram.occupied(64)
    assert counts.tolist() == [3]
    assert edges[0] <= 7 < edges[1]

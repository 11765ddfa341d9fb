"""The analytic mountains are where they should be, and only there."""

import numpy as np
import pytest

from weather.simulation.orography import surface_height

LAT = np.arange(90, -90.1, -2.5)
LON = np.arange(0, 360, 2.5)


def height_at(lat: float, lon: float) -> float:
    return float(surface_height("earthlike", np.array([lat]), np.array([lon]), 0)[0, 0])


def test_the_great_ranges_stand_where_they_do_on_earth() -> None:
    assert height_at(34, 88) > 4000
    assert height_at(72, -40) > 2500
    assert height_at(-20, -68) > 2500
    assert abs(height_at(0, -160)) < 1  # the Pacific
    assert height_at(34, 88) == pytest.approx(height_at(34, 88 - 360))


def test_flat_is_flat_and_random_follows_its_seed() -> None:
    assert not surface_height("flat", LAT, LON, 0).any()
    first, again, other = (surface_height("random", LAT, LON, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 500
    assert 500 < first.max() < 10000

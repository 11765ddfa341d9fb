"""Regions: which cells belong, what a grid covers, land and sea."""

import numpy as np
import pytest

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.verification.regions import BOXES, DOMAIN, GLOBAL, NAMES, regions

LAT, LON = np.linspace(89, -89, 90), np.arange(0, 360, 2.0)
GLOBE = LatLonGrid(lat=tuple(LAT), lon=tuple(LON))
LAND = np.random.default_rng(0).uniform(0, 1, GLOBE.shape)


def test_shares_of_the_globe() -> None:
    found = regions(GLOBE, LAND)
    share = {name: weights.sum() / found[GLOBAL].sum() for name, weights in found.items()}
    assert next(iter(share)) == GLOBAL
    assert share["tropics"] == pytest.approx(np.sin(np.radians(20)), rel=0.01)
    north = (1 - np.sin(np.radians(20))) / 2
    assert share["northern-hemisphere"] == pytest.approx(north, rel=0.02)
    assert share["southern-hemisphere"] == pytest.approx(share["northern-hemisphere"])
    assert share["land"] + share["sea"] == pytest.approx(1)


def test_a_box_across_greenwich() -> None:
    europe = regions(GLOBE, chosen=["europe"])["europe"] > 0
    assert LON[europe.any(0)].tolist() == [*np.arange(0, 43, 2), *np.arange(348, 360, 2)]
    assert LAT[europe.any(1)].tolist() == [lat for lat in LAT if 35 <= lat <= 75]


def test_all_are_those_of_weatherbench() -> None:
    found = regions(GLOBE, LAND, ["all"])
    assert set(found) == set(NAMES)
    np.testing.assert_allclose(found["tropics-land"], found["tropics"] * LAND)
    assert set(regions(GLOBE, None, ["all"])) == {GLOBAL, *BOXES}


def test_all_may_stand_beside_others() -> None:
    for chosen in (["europe", "all"], ["all", "europe"]):
        assert set(regions(GLOBE, None, chosen)) == {GLOBAL, *BOXES}
    small = LatLonGrid(lat=tuple(np.arange(60, 29, -1.5)), lon=tuple(np.arange(-20, 15, 1.5)))
    with pytest.raises(InputError, match="does not cover the region europe"):
        regions(small, None, ["europe", "all"])


def test_longitudes_from_minus_180() -> None:
    turned = LatLonGrid(lat=tuple(LAT), lon=tuple(np.arange(-180, 180, 2.0)))
    one, other = (regions(grid, None, ["all"]) for grid in (GLOBE, turned))
    for name, weights in one.items():
        np.testing.assert_array_equal(np.roll(other[name], -90, axis=1), weights)


def test_a_limited_area_has_what_it_covers() -> None:
    area = LatLonGrid(lat=tuple(np.arange(80, 20, -1.5)), lon=tuple(np.arange(-30, 60, 1.5)))
    assert set(regions(area, None, ["all"])) == {"domain", "europe"}
    small = LatLonGrid(lat=tuple(np.arange(60, 29, -1.5)), lon=tuple(np.arange(-20, 15, 1.5)))
    assert set(regions(small)) == {"domain"}
    with pytest.raises(InputError, match="does not cover the region europe"):
        regions(small, None, ["europe"])


def test_a_band_around_the_globe_is_a_limited_area() -> None:
    """It is no globe, and has the regions that its latitudes cover."""
    north = LatLonGrid(lat=tuple(np.arange(80, 19, -2.0)), lon=tuple(LON))
    found = regions(north, None, ["all"])
    assert set(found) == {DOMAIN, "europe", "north-america", "north-atlantic", "north-pacific",
                          "east-asia"}  # fmt: skip
    assert set(regions(north)) == {DOMAIN}
    with pytest.raises(InputError, match="does not cover the region tropics"):
        regions(north, None, ["tropics"])
    tropics = LatLonGrid(lat=tuple(np.arange(40, -41, -2.0)), lon=tuple(LON))
    assert set(regions(tropics)) == {DOMAIN, "tropics"}


@pytest.mark.parametrize(
    "lat",
    [
        np.linspace(90, -90, 61),
        np.linspace(88.5, -88.5, 60),  # half a row off the poles
        np.linspace(87, -87, 59),  # the pole rows left out
        np.degrees(np.arcsin(np.polynomial.legendre.leggauss(32)[0][::-1])),
    ],
)
def test_a_globe_needs_no_rows_on_the_poles(lat: np.ndarray) -> None:
    grid = LatLonGrid(lat=tuple(lat), lon=tuple(LON))
    assert set(regions(grid, None, ["all"])) == {GLOBAL, *BOXES}


def test_what_cannot_be_scored_is_said() -> None:
    with pytest.raises(InputError, match="no region 'europa'; did you mean 'europe'"):
        regions(GLOBE, None, ["europa"])
    with pytest.raises(InputError, match="needs a land-sea mask"):
        regions(GLOBE, None, ["sea"])

"""NaN: a mask, levels under the ground, or holes that come and go."""

import numpy as np
import pytest
import xarray as xr

from weather.checking.preflight import inspect

LEVELS = np.array([700.0, 850.0, 1000.0])
LAT, LON = np.linspace(50, 40, 6), np.linspace(0, 14, 8)


@pytest.fixture
def mountains():
    """t on three levels, NaN under a ground of up to 3000 m."""
    height = np.linspace(-50, 2800, 48).reshape(6, 8)
    pressure = 1013.25 * np.exp(-height / 8000)
    rng = np.random.default_rng(0)
    t = 280 + rng.normal(size=(3, 3, 6, 8))
    t = np.where(LEVELS[:, None, None] > pressure, np.nan, t)
    return xr.Dataset(
        {
            "t": (("time", "level", "lat", "lon"), t, {"units": "K"}),
            "sp": (("time", "lat", "lon"), np.tile(100 * pressure, (3, 1, 1)), {"units": "Pa"}),
            "z_surface": (("lat", "lon"), 9.80665 * height, {"units": "m2 s-2"}),
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(3) * np.timedelta64(1, "D"),
            "level": LEVELS,
            "lat": LAT,
            "lon": LON,
        },
    )


def of_temperature(dataset):
    (finding,) = (f for f in inspect(dataset, ["t"]).findings if f.subject == "t")
    return finding


def filled(field):
    """Each column filled downwards."""
    values = field.values.copy()
    for level in range(1, len(LEVELS)):
        above, here = values[:, level - 1], values[:, level]
        values[:, level] = np.where(np.isnan(here), above, here)
    return field.copy(data=values)


@pytest.mark.parametrize("known", [["sp", "z_surface"], ["z_surface"], []])
def test_levels_under_the_ground_are_recognized(known, mountains):
    finding = of_temperature(mountains[["t", *known]])
    assert finding.severity == "warning"
    assert finding.came.startswith("at 1000 hPa is NaN")
    assert finding.came.endswith("below ground")


def test_ground_that_moves_with_the_pressure(mountains):
    lower = mountains.sp.isel(time=1) * 0.95
    mountains["sp"][1] = lower
    mountains["t"][1] = mountains.t[1].where(mountains.level * 100 <= lower)
    finding = of_temperature(mountains)
    assert finding.severity == "refused"
    assert "below ground" in finding.came


def test_holes_at_the_top_are_not_the_ground(mountains):
    t = filled(mountains.t)
    mountains["t"] = t.where((t.level > 700) | (t.lat > 45))
    finding = of_temperature(mountains)
    assert "the same at all sampled times" in finding.came
    assert finding.severity == "warning"


def test_filling_as_advised_mends_it(mountains):
    mountains["t"] = filled(mountains.t)
    assert inspect(mountains, ["t"]).severity == "ok"


def test_holes_that_come_and_go_are_refused(mountains):
    mountains["t"] = filled(mountains.t)
    mountains["t"][2, 0, 3, 3] = np.nan
    finding = of_temperature(mountains)
    assert finding.severity == "refused"
    assert "change with time" in finding.came


def test_nothing_but_nan_is_refused(mountains):
    mountains["sp"] = mountains.sp * np.nan
    (finding,) = inspect(mountains, ["sp"]).of("refused")
    assert "nothing but NaN" in finding.text


def test_a_model_takes_nan_only_where_it_has_a_mask(mountains):
    (refused,) = inspect(mountains, ["t"], masked=()).of("refused")
    assert "below ground" in refused.text
    assert inspect(mountains, ["t"], masked=("t",)).severity == "ok"


def test_a_field_on_fewer_levels_than_others(mountains):
    mountains["t"] = filled(mountains.t).where(mountains.level > 700)
    assert of_temperature(mountains).came == "has no values at 700 hPa"
    mountains["t"] = mountains.t.where(mountains.level > 850)
    assert of_temperature(mountains).came == "has values at 1000 hPa only"

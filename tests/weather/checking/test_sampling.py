"""The numbers of fields: those of each alone, whatever is read and summarized together."""

import numpy as np
import pytest
import xarray as xr

from weather.checking import sampling
from weather.checking.sampling import summarize
from weather.grid import LatLonGrid

GRID = LatLonGrid(lat=(60.0, 50.0, 42.0), lon=(0.0, 10.0, 20.0, 30.0))
TIMES = np.datetime64("2001-01-01", "ns") + np.arange(300) * np.timedelta64(1, "D")
NUMBERS = ("mean", "plain", "low", "high", "low_at", "high_at", "missing", "zonal")


@pytest.fixture
def field():
    """With holes, a level without values at one time, an infinite value."""
    values = np.random.default_rng(0).standard_normal((300, 2, 3, 4)).astype(np.float32)
    values[:, 1, 0, :2] = np.nan
    values[5, 0] = np.nan
    values[7, 0, 2, 3] = np.inf
    axes = {"time": TIMES, "level": [500.0, 850.0], "lat": list(GRID.lat), "lon": list(GRID.lon)}
    return xr.DataArray(values, axes, ("time", "level", "lat", "lon"), "t")


def test_numbers_are_those_of_each_field(field):
    made, weights = summarize(field, range(300), GRID), GRID.area_weights()[:, None]
    for time, level in ((0, 0), (3, 1), (7, 0), (299, 1)):
        values = field.values[time, level].astype(np.float64)
        known = np.isfinite(values)
        filled, area = np.where(known, values, 0), weights * known
        expected = {
            "mean": (filled * area).sum() / area.sum(),
            "plain": values[known].mean(),
            "low": values[known].min(),
            "high": values[known].max(),
            "missing": 1 - known.mean(),
            "zonal": np.sqrt((filled.mean(1) ** 2 * weights[:, 0]).mean()),
        }
        for name, number in expected.items():
            assert getattr(made, name)[time, level] == pytest.approx(number, rel=1e-12, abs=1e-15)
        row, column = np.unravel_index(np.nanargmin(np.where(known, values, np.nan)), (3, 4))
        assert made.low_at[time, level].tolist() == [GRID.lat[row], GRID.lon[column]]
    assert made.missing[5, 0] == 1
    assert np.isnan(
        [made.mean[5, 0], made.low[5, 0], made.zonal[5, 0], made.high_at[5, 0, 0]]
    ).all()
    assert made.mask_varies
    assert not made.frozen


@pytest.mark.parametrize("memory", [1, 48, 2**20])
def test_what_is_read_together_changes_nothing(memory, field, monkeypatch):
    expected = summarize(field, range(300), GRID)
    monkeypatch.setattr(sampling, "_BLOCK", memory)
    monkeypatch.setattr(sampling, "_PIECE", memory)
    made = summarize(field.chunk(time=7), range(300), GRID)
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(made, name), getattr(expected, name))
    assert (made.frozen, made.mask_varies) == (False, True)
    still = field.copy(data=np.broadcast_to(field.values[0], field.shape))
    assert summarize(still, range(300), GRID).frozen


def test_small_fields_are_summarized_together(field, monkeypatch):
    calls, numbers = [], sampling._numbers
    monkeypatch.setattr(sampling, "_numbers", lambda *a: calls.append(1) or numbers(*a))
    summarize(field, range(300), GRID)
    assert len(calls) == 1

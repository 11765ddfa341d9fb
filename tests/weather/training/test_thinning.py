"""Fewer times: moments as they are, accumulations as sums over what lies between."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.training.prepare import Preparation, prepare
from weather.training.source import Choice
from weather.training.thinning import thin

HOURS = 48


@pytest.fixture(params=["read whole", "in blocks"])
def hourly(request):
    """Rain of the hour before each time, and a pressure, on two cells."""
    random = np.random.default_rng(0)
    dims, times = ("time", "lat", "lon"), np.datetime64("2001-01-01T01", "ns")
    shape = (HOURS, 1, 2)
    dataset = xr.Dataset(
        {
            "tp": (dims, random.random(shape, np.float32), {"units": "m"}),
            "msl": (dims, random.random(shape, np.float32), {"units": "Pa"}),
        },
        {"time": times + np.arange(HOURS) * np.timedelta64(1, "h"), "lat": [0.0], "lon": [0.0, 9]},
    )
    return dataset if request.param == "read whole" else dataset.chunk({"time": 7})


@pytest.mark.parametrize("every", [3, 6, 24])
def test_no_rain_is_lost(hourly, every):
    kept = thin(hourly, None, None, every)
    blocks = hourly["tp"].values.reshape(HOURS // every, every, 1, 2)
    np.testing.assert_allclose(kept.dataset["tp"].values, blocks.sum(axis=1), rtol=1e-6)
    xr.testing.assert_equal(kept.dataset["msl"], hourly["msl"][every - 1 :: every])
    assert kept.sums == {"tp": every}
    assert kept.notes == (f"tp: sums over the {every} h up to each time",)


def test_sums_reach_back_beyond_the_start(hourly):
    kept = thin(hourly, "2001-01-02", None, 6)
    whole = thin(hourly, None, None, 6).dataset.sel(time=slice("2001-01-02", None))
    xr.testing.assert_allclose(kept.dataset, whole)


def test_an_interval_that_is_not_whole_is_left_out_and_told(hourly):
    torn = hourly.isel(time=[*range(2, 20), *range(21, HOURS)])  # 3 h to 20 h, 22 h to 48 h
    kept = thin(torn, None, None, 6)
    hours = kept.dataset["time"].dt.hour + 24 * (kept.dataset["time"].dt.day - 1)
    assert hours.values.tolist() == [12, 18, 30, 36, 42, 48]
    assert kept.notes[1].startswith("2 times left out, from 2001-01-01T06:00 on")
    with pytest.raises(InputError, match="tp: no 24 h of the data are whole"):
        thin(hourly.isel(time=slice(2, 30)), None, None, 24)


def test_what_is_kept_whole_or_is_of_a_moment_is_as_it_was(hourly):
    for every in (None, 1):
        kept = thin(hourly, None, None, every)
        xr.testing.assert_equal(kept.dataset, hourly)
        assert not kept.sums
        assert len(kept.notes) == (every == 1)
    moments = thin(hourly[["msl"]], None, None, 6)
    xr.testing.assert_equal(moments.dataset, hourly[["msl"]][{"time": slice(5, None, 6)}])
    assert not moments.notes


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("ssrd", {"units": "W m-2"}),
        ("e", {"units": "hPa"}),
        ("tp", {"units": "m", "cell_methods": "time: mean"}),
        ("tp", {}),
    ],
)
def test_a_field_of_another_unit_or_a_mean_is_not_summed(hourly, name, attributes):
    other = hourly[["tp"]].rename(tp=name)
    other[name].attrs = attributes
    kept = thin(other, None, None, 6)
    xr.testing.assert_equal(kept.dataset, other[{"time": slice(5, None, 6)}])


def test_a_running_total_is_taken_at_the_end_of_its_day(hourly):
    hours = hourly["tp"]
    days = [hours[:24].cumsum("time"), hours[24:].cumsum("time")]
    running = hourly.assign(tp=xr.concat(days, "time").assign_attrs(hours.attrs))
    kept = thin(running, None, None, 24)
    xr.testing.assert_allclose(kept.dataset["tp"], thin(hourly, None, None, 24).dataset["tp"])
    assert kept.notes == ("tp: a running total of each day, taken at its end",)
    with pytest.raises(InputError, match=r"tp is a running total .* --every 24h"):
        thin(running, None, None, 6)


def test_each_stretch_is_summed_by_its_own_step(hourly):
    threes = hourly.isel(time=slice(2, 24, 3))  # 3 h to 24 h, every 3 h
    mixed = xr.concat([threes, hourly.isel(time=slice(24, None))], "time", join="outer")
    kept = thin(mixed, None, None, 6).dataset["tp"].values
    late = hourly["tp"].values[24:].reshape(4, 6, 1, 2).sum(axis=1)
    early = threes["tp"].values.reshape(4, 2, 1, 2).sum(axis=1)
    np.testing.assert_allclose(kept, np.concatenate([early, late]), rtol=1e-6)


def test_a_gap_as_long_as_the_interval_is_no_step(hourly):
    torn = hourly.isel(time=[*range(12), *range(17, HOURS)])  # 12 h, then 18 h
    hours = thin(torn, None, None, 6).dataset["time"].dt.hour.values.tolist()
    assert hours == [6, 12, 0, 6, 12, 18, 0]


def test_a_store_has_the_rain_of_its_file(waves, tmp_path):
    some = waves[["msl"]].isel(time=slice(24))
    rain = (
        abs(some["msl"] / some["msl"].mean())
        .rename("precip")
        .assign_attrs(units="m", long_name="Rain", cell_methods="time: sum")
    )  # under a name of its own: the file says that it accumulates
    path, store = tmp_path / "rain.nc", tmp_path / "rain.zarr"
    xr.Dataset({"precip": rain, "msl": some["msl"]}).to_netcdf(path)
    made = prepare([str(path)], [], Preparation(choice=Choice(every=12)), store)
    assert "precip: sums over the 12 h up to each time" in made.notes
    found, given = open_reanalysis(store), open_reanalysis(path)
    pairs = given["precip"][1:-1].values.reshape(11, 2, *given["precip"].shape[1:]).sum(axis=1)
    np.testing.assert_allclose(found["precip"].values, pairs, rtol=1e-6)
    with xr.open_zarr(store) as raw:
        assert raw["precip"].attrs["cell_methods"] == "time: sum"
        assert "precip (sums of 2 times)" in raw.attrs["history"]

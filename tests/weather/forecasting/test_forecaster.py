"""Forecasts from a trained model, and what stops them."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.planner import plan

START = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]


def test_several_initial_times_are_as_each_alone(forecaster, waves_file):
    dataset = open_reanalysis(waves_file)
    together = forecaster.forecast(dataset, START, 4)
    assert dict(together.sizes) == {
        "time": 2, "lead_time": 4, "latitude": 8, "longitude": 16, "level": 2
    }  # fmt: skip
    alone = forecaster.forecast(dataset, START[1:], 4)
    np.testing.assert_allclose(together.msl[1], alone.msl[0], rtol=1e-6)
    assert together.valid_time.values[1, 3] == np.datetime64("2001-01-06T12")


def test_static_fields_come_from_the_model_file(forecaster, waves, waves_file, tmp_path):
    waves.drop_vars("z_surface").to_netcdf(tmp_path / "bare.nc")
    bare = forecaster.forecast(open_reanalysis(tmp_path / "bare.nc"), START, 1)
    assert bare.equals(forecaster.forecast(open_reanalysis(waves_file), START, 1))


def other_grid(data):
    return data.isel(latitude=slice(6))


def no_temperature(data):
    return data.drop_vars("t")


def one_level(data):
    return data.isel(level=[0])


def gap(data):
    return data.isel(time=[0, 1, 2, 3, 4, 5, 6, 8, 18])  # without the history's 2001-01-02T18


def hectopascals_called_pascals(data):
    return data.assign(msl=(data.msl / 100).assign_attrs(units="Pa"))


def kilopascals_called_pascals(data):
    return data.assign(msl=(data.msl / 1000).assign_attrs(units="Pa"))


def another_climate(data):
    return data.assign(t=(data.t - 90).assign_attrs(units="K"))


def missing_values(data):
    return data.assign(z=data.z.where(data.latitude > 0).assign_attrs(data.z.attrs))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_grid, "6 x 16 cells.* made for 8 x 16 cells"),
        (no_temperature, "no variable 't'"),
        (one_level, "no level 850 hPa"),
        (gap, "no analysis at 2001-01-02T18:00"),
        (kilopascals_called_pascals, "msl averages 101 Pa, as stated; expected 93000..107000 Pa"),
        (another_climate, "t500 averages 160.*check its unit and source"),
        (missing_values, "z at 500 hPa is NaN"),
    ],
)
def test_analyses_that_do_not_fit(spoil, message, forecaster, waves, tmp_path):
    spoil(waves).to_netcdf(tmp_path / "data.nc")
    dataset = open_reanalysis(tmp_path / "data.nc")
    with pytest.raises(InputError, match=message):
        write_forecast(
            forecaster, dataset, START[:1], plan([21600], [43200]), tmp_path / "out" / "f.nc"
        )
    assert not list((tmp_path / "out").iterdir())


def test_data_sets_as_xarray_opens_them(forecaster, waves_file):
    expected = forecaster.forecast(open_reanalysis(waves_file), START, 1)
    raw = xr.open_dataset(waves_file)
    for given in (raw, raw.isel(latitude=slice(None, None, -1)), open_reanalysis(raw)):
        np.testing.assert_array_equal(forecaster.forecast(given, START, 1).msl, expected.msl)


def test_times_are_taken_as_users_write_them(forecaster, waves_file):
    dataset = open_reanalysis(waves_file)
    expected = forecaster.forecast(dataset, START[:1], 1)
    stamp = pd.Timestamp(START[0])
    dates = [stamp, stamp.to_pydatetime(), stamp.tz_localize("UTC").tz_convert("Asia/Tokyo")]
    several = [pd.DatetimeIndex([stamp]), xr.DataArray(START[:1]), np.array(START[0])]
    texts = [str(START[0]), [str(START[0])], f"{stamp:%Y%m%dT%H}", f"{stamp:%Y-%m-%dT%HZ}"]
    for one in (START[0], *dates, *several, *texts):
        assert forecaster.forecast(dataset, one, 1).equals(expected)
    wrongs = [("yesterday", "cannot read the time 'yesterday'"), ([], "no initial time")]
    wrongs += [(None, "None is no time"), (20260208, "20260208 is no time"), (pd.NaT, "NaT is no")]
    for wrong, words in wrongs:
        with pytest.raises(InputError, match=words):
            forecaster.forecast(dataset, wrong, 1)
    with pytest.raises(InputError, match="a forecast of 0 steps"):
        forecaster.forecast(dataset, START, 0)


def test_a_wrong_unit_is_corrected_and_told(forecaster, waves, waves_file, tmp_path):
    hectopascals_called_pascals(waves).to_netcdf(tmp_path / "data.nc")
    dataset = open_reanalysis(tmp_path / "data.nc")
    told = []
    corrected = forecaster.checked(dataset, START, told.append)
    assert told == [
        "corrected: msl averages 1010 Pa, as stated; expected 93000..107000 Pa: "
        "taken as hPa and converted"
    ]
    write_forecast(forecaster, dataset, START, plan([21600], [21600]), tmp_path / "out.nc")
    assert corrected.attrs["history"].endswith(told[0].removeprefix("corrected: "))
    expected = forecaster.forecast(open_reanalysis(waves_file), START, 1)
    forecast = forecaster.forecast(dataset, START, 1)
    np.testing.assert_allclose(forecast.msl, expected.msl, rtol=1e-6)


def test_lead_times_are_whole_steps(forecaster):
    assert forecaster.steps(240) == 40
    for hours in (7, 0, -6):
        with pytest.raises(InputError, match="steps by 6 h"):
            forecaster.steps(hours)


def test_long_rollouts_keep_only_what_is_needed(forecaster, waves_file):
    state = forecaster.initial(open_reanalysis(waves_file), START)
    states = forecaster.rollout(state, 50)
    assert next(states).times == 1
    *_, last = states
    assert (last.time[:, 0] - state.time[:, -1] == 50 * 21600).all()


def test_training_statistics_by_channel(forecaster):
    normal = forecaster.normal()
    assert list(normal) == ["msl", "z500", "z850", "t500", "t850"]
    mean, std = normal["z850"]
    assert mean == pytest.approx(14000, rel=0.01)
    assert 0 < std < 1000


def test_a_model_file_has_a_hash_of_its_bytes(forecaster, tmp_path):
    forecaster.save(tmp_path / "m.safetensors")
    loaded = type(forecaster).load(tmp_path / "m.safetensors", "cpu")
    content = (tmp_path / "m.safetensors").read_bytes()
    assert loaded.sha256 == hashlib.sha256(content).hexdigest()
    assert loaded.name == "m.safetensors"
    assert len(forecaster.sha256) == 64
    assert list(loaded.steppers()) == [21600]

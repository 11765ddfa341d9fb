"""Forecasts from a trained model, in memory and in files, and what stops them."""

import numpy as np
import pytest
import torch
import xarray as xr

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.forecaster import Forecaster, ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables, measure, open_fields, samples

START = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]


@pytest.fixture(scope="module")
def forecaster(waves_file):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("insolation",))
    fields = open_fields(dataset, variables, memory=1)
    backbone = TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
    config = ForecasterConfig(
        model=ModelConfig(history=2, backbone=backbone),
        variables=variables,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=6,
    )
    torch.manual_seed(0)
    model = config.build()
    model.statistics.set(measure(samples(fields, (fields.times[0], fields.times[-1]), 21600, 2)))
    return Forecaster(model, config, {})


def test_several_initial_times_are_as_each_alone(forecaster, waves_file):
    dataset = open_reanalysis(waves_file)
    together = forecaster.forecast(dataset, START, 4)
    assert dict(together.sizes) == {
        "time": 2, "lead_time": 4, "latitude": 8, "longitude": 16, "level": 2
    }  # fmt: skip
    alone = forecaster.forecast(dataset, START[1:], 4)
    np.testing.assert_allclose(together.msl[1], alone.msl[0], rtol=1e-6)
    assert together.valid_time.values[1, 3] == np.datetime64("2001-01-06T12")


def test_the_file_holds_the_forecast(forecaster, waves_file, tmp_path):
    dataset = open_reanalysis(waves_file)
    calls = []
    path = tmp_path / "forecast.nc"
    write_forecast(forecaster, dataset, START, 3, path, lambda: calls.append(1), batch=1)
    assert len(calls) == 6
    expected = forecaster.forecast(dataset, START, 3)
    with xr.open_dataset(path, decode_timedelta=True) as written:
        for name in ("msl", "z", "t"):
            np.testing.assert_allclose(written[name], expected[name], rtol=1e-6)
            assert written[name].attrs["units"] == expected[name].attrs["units"]
        for name in ("time", "lead_time", "valid_time", "level", "latitude", "longitude"):
            np.testing.assert_array_equal(written[name], expected[name])


def test_nothing_half_written_stays(forecaster, waves_file, tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_forecast(
            forecaster, open_reanalysis(waves_file), START, 3, tmp_path / "forecast.nc", stop
        )
    assert not list(tmp_path.iterdir())


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
        write_forecast(forecaster, dataset, START[:1], 2, tmp_path / "out.nc")
    assert not (tmp_path / "out.nc").exists()


def test_a_wrong_unit_is_corrected_and_told(forecaster, waves, waves_file, tmp_path):
    hectopascals_called_pascals(waves).to_netcdf(tmp_path / "data.nc")
    dataset = open_reanalysis(tmp_path / "data.nc")
    told = []
    corrected = forecaster.checked(dataset, START, told.append)
    assert told == [
        "corrected: msl averages 1010 Pa, as stated; expected 93000..107000 Pa: "
        "taken as hPa and converted"
    ]
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

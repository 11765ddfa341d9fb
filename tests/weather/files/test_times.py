"""Forecasts by valid time where that is clear; refused where it is not."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.checking.preflight import inspect
from weather.files.layout import Layout
from weather.files.reanalysis import open_reanalysis
from weather.verification.sample import check_truth

HOUR = np.timedelta64(1, "h")


@pytest.fixture
def few(waves):
    return waves[["msl"]].isel(time=slice(4))


@pytest.fixture
def opened(tmp_path):
    def open_written(dataset):
        dataset.to_netcdf(tmp_path / "data.nc")
        return open_reanalysis(tmp_path / "data.nc")

    return open_written


def runs(data, starts, leads):
    """Runs of a forecast model: (run, lead) of the analyses that they come true as."""
    first = data.time.values[0]
    valid = [[first + (s + lead) * HOUR for lead in leads] for s in starts]
    parts = [
        data.sel(time=times).rename(time="step").assign_coords(step=np.array(leads) * HOUR)
        for times in valid
    ]
    joined = xr.concat(parts, "time", data_vars="all")
    return joined.assign_coords(time=first + np.array(starts) * HOUR)


def test_a_single_lead_time_is_read_at_its_valid_time(few, opened):
    late = few.assign_coords(time=few.time.values - 72 * HOUR, step=72 * HOUR)
    dataset = opened(late)
    assert (dataset.time.values == few.time.values).all()
    assert dataset.attrs["history"] == "data.nc: forecasts of 72 h, by valid time"


def test_forecasts_are_told_from_analyses(few, opened):
    late = few.assign_coords(time=few.time.values - 72 * HOUR, step=72 * HOUR)
    (warning,) = inspect(opened(late)).lines("warning")
    assert "time holds valid times of forecasts, data.nc: forecasts of 72 h; expected" in warning
    assert not inspect(opened(few.assign_coords(step=0 * HOUR))).lines("warning")
    forecast = few.expand_dims(lead_time=[0 * HOUR]).assign_coords(
        valid_time=(("lead_time", "time"), few.time.values[None])
    )
    check_truth(forecast, opened(late))
    with pytest.raises(InputError, match=r"no analysis .*made by weather forecast"):
        check_truth(forecast, opened(late.assign_attrs(model_sha256="1")))


def test_one_run_is_read_by_valid_time(few, opened):
    dataset = opened(runs(few, [0], [0, 6, 12, 18]))
    np.testing.assert_allclose(dataset.msl, few.msl)
    assert (dataset.time.values == few.time.values).all()
    assert "forecasts of 0 to 18 h" in dataset.attrs["history"]


def test_runs_that_follow_one_another(few, opened):
    dataset = opened(runs(few, [0, 12], [0, 6]).transpose("step", "latitude", "longitude", "time"))
    np.testing.assert_allclose(dataset.msl, few.msl)
    assert Layout.of(dataset).fields["msl"].dims in (
        ("time", "lat", "lon"),
        ("lat", "lon", "time"),
    )


def test_steps_of_zero_are_analyses(few, opened):
    dataset = opened(runs(few, [0, 6, 12, 18], [0]))
    np.testing.assert_allclose(dataset.msl, few.msl)
    assert "history" not in dataset.attrs


def test_leads_in_hours(few, opened):
    numbers = runs(few, [0], [0, 6, 12, 18]).rename(step="prediction_timedelta")
    numbers = numbers.assign_coords(
        prediction_timedelta=("prediction_timedelta", [0, 6, 12, 18], {"units": "hours"})
    )
    assert (opened(numbers).time.values == few.time.values).all()


def test_a_file_of_weatherbench_2_with_the_standard_name_of_time(few, opened):
    forecast = runs(few, [0], [6, 12]).rename(step="prediction_timedelta")
    forecast.time.attrs["standard_name"] = "time"
    assert opened(forecast).time.values[0] == few.time.values[1]


def test_runs_that_overlap_are_refused(few, opened):
    with pytest.raises(InputError, match="holds forecasts, several for one time"):
        opened(runs(few, [0, 6], [0, 6, 12]))


def test_the_axis_of_the_data_store_is_kept_beside_its_reference_time(few, opened):
    data = few.rename(time="valid_time").assign_coords(
        forecast_reference_time=few.time.values[0],
        forecast_period=("valid_time", np.arange(4) * 6.0, {"units": "hours"}),
    )
    dataset = opened(data)
    assert (dataset.time.values == few.time.values).all()
    assert Layout.of(dataset).dims["time"] == "valid_time"


def test_another_calendar_is_named(few, opened):
    other = few.convert_calendar("noleap", use_cftime=True)
    with pytest.raises(InputError, match="another calendar"):
        opened(other)

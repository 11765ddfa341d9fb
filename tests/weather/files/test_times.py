"""Forecasts by valid time where that is clear; refused where it is not."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.checking.preflight import inspect
from weather.files.forecasts import open_forecast
from weather.files.layout import Layout
from weather.files.reanalysis import open_reanalysis
from weather.files.time_units import with_dates
from weather.verification.sample import check_truth

HOUR = np.timedelta64(1, "h")


@pytest.fixture
def few(waves):
    return waves[["msl"]].isel(time=slice(4))


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


def gfs(few, **attributes):
    """A field that is noted as a forecast by the program that wrote it."""
    return few.assign(msl=few.msl.assign_attrs(attributes))


def on_axis(few, **attributes):
    return few.assign_coords(time=few.time.assign_attrs(attributes))


INITIAL = "2000-12-31T18:00"  # the first time is the next midnight
WGRIB2 = "forecasts or accumulated (including analysis), reference date is fixed"
ORIGINS = {
    "a scalar initial time": lambda few: few.assign_coords(
        forecast_reference_time=np.datetime64(INITIAL, "ns")
    ),
    "THREDDS": lambda few: few.assign_coords(reftime1=("time", few.time.values - 6 * HOUR)),
    "an attribute of the file": lambda few: few.assign_attrs(init_time=INITIAL),
    "NOMADS": lambda few: few.assign_attrs(
        title="GFS 0.25 deg starting from 18Z31dec2000, downloaded Dec 31 22:46 UTC"
    ),
    "NOMADS beside a base date": lambda few: few.assign_attrs(
        reference_time="1970-01-01", title="GFS starting from 18Z31dec2000"
    ),
    "wgrib2": lambda few: on_axis(
        few, reference_time=978285600.0, reference_time_description=WGRIB2
    ),
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_initial_time_tells_lead_times(origin, few, opened):
    dataset = opened(ORIGINS[origin](few))
    assert (dataset.time.values == few.time.values).all()
    span = "6" if origin == "THREDDS" else "6 to 24"
    assert dataset.attrs["history"].endswith(f"data.nc: forecasts of {span} h, by valid time")


NOTES = {
    "msl has GRIB type fc": lambda few: gfs(few, GRIB_dataType="fc", GRIB_stepType="instant"),
    "msl has forecast_time 6 hours": lambda few: gfs(
        few, forecast_time=6, forecast_time_units="hours"
    ),
    "msl is '6-hour Forecast'": lambda few: gfs(few, product_description="6-hour Forecast"),
    "msl is '6-Hourly Forecast of Pressure'": lambda few: gfs(
        few, long_name="6-Hourly Forecast of Pressure"
    ),
    "msl is '4xDaily Forecast Pressure'": lambda few: gfs(
        few, long_name="4xDaily Forecast Pressure"
    ),
    "msl is 'mean Daily Forecast of Pressure'": lambda few: gfs(
        few, long_name="mean Daily Forecast of Pressure"
    ),
    "msl has GRIB type cf": lambda few: gfs(
        few, GRIB_dataType="cf", GRIB_stepType="instant"
    ).assign_attrs(initialization_time="2024-01-01"),
    "forecast_hour without a unit": lambda few: few.assign(
        forecast_hour=("time", np.arange(few.time.size))
    ),
    "leadTime without a unit": lambda few: few.assign_coords(leadTime=6),
    "model_sha256 in its attributes": lambda few: few.assign_attrs(model_sha256="1"),
}


@pytest.mark.parametrize("note", NOTES)
def test_a_note_tells_forecasts_of_unknown_lead_time(note, few, opened):
    (warning,) = inspect(opened(NOTES[note](few))).lines("warning")
    assert f"data.nc: forecasts of unknown lead time ({note})" in warning


@pytest.mark.parametrize("analyses", [
    lambda few: few.assign_coords(reftime=("time", few.time.values)),
    lambda few: few.assign_attrs(init_time="cold start", title="GFS analysis"),
    lambda few: gfs(few, GRIB_dataType="fc", GRIB_stepType="instant").assign_coords(
        reference_time=("time", few.time.values)
    ),
    lambda few: gfs(few, GRIB_dataType="fc", GRIB_stepType="accum"),
    lambda few: gfs(few, forecast_time=0, forecast_time_units="hours"),
    lambda few: few.rename(msl="lsm").assign(
        msl=few.msl, lsm=few.msl.rename("lsm").assign_attrs(
            GRIB_dataType="fc", GRIB_stepType="instant", units="1") * 0
    ),
    lambda few: on_axis(few, reference_time=978285600.0,
                        reference_time_description="analyses, reference date is variable"),
    lambda few: few.assign_coords(leadTime=0),
    lambda few: few.assign(step=("time", np.arange(few.time.size))),
    lambda few: few.assign_attrs(initialization_time="1979-01-01"),
    lambda few: few.assign_attrs(title="starting from 00Z32foo2020"),
    lambda few: on_axis(few, reference_time="x", reference_time_description=WGRIB2),
    lambda few: on_axis(few, reference_time=np.inf, reference_time_description=WGRIB2),
    lambda few: on_axis(few, reference_time=1e300, reference_time_description=WGRIB2),
    lambda few: gfs(few, long_name="Forecast albedo"),
    lambda few: gfs(few, long_name="Forecast surface roughness"),
    lambda few: gfs(few, GRIB_dataType="an").assign(
        gust=few.msl.assign_attrs(GRIB_dataType="fc", GRIB_stepType="instant")
    ),
])  # fmt: skip
def test_analyses_are_not_taken_for_forecasts(analyses, few, opened):
    assert "forecasts" not in opened(analyses(few)).attrs.get("history", "")


def test_what_ncl_makes_of_grib(few, opened):
    forecast = runs(few, [0], [0, 6, 12, 18]).rename(step="forecast_time0")
    forecast = forecast.rename(time="initial_time0_hours").assign_coords(
        forecast_time0=("forecast_time0", [0, 6, 12, 18], {"units": "hours"})
    )
    dataset = opened(forecast)
    assert (dataset.time.values == few.time.values).all()
    assert "forecasts of 0 to 18 h" in dataset.attrs["history"]


def test_an_own_forecast_without_its_lead_times_is_no_truth(few, opened):
    """As CDO leaves it: attributes stay, coordinates beside the axes go."""
    forecast = few.expand_dims(lead_time=[0 * HOUR]).assign_coords(
        valid_time=(("lead_time", "time"), few.time.values[None])
    )
    with pytest.raises(InputError, match=r"no analysis .*unknown lead time .*by weather forecast"):
        check_truth(forecast, opened(few.assign_attrs(model_sha256="1")))


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


@pytest.mark.parametrize(
    ("unit", "of_an_hour"),
    [("h", 1), ("hr", 1), ("Hours", 1), ("hour", 1), ("d", 1 / 24), ("day", 1 / 24), ("min", 60),
     ("minutes", 60), ("s", 3600), ("second", 3600), ("milliseconds", 3_600_000),
     ("microsecond", 3_600_000_000), ("nanoseconds", 3_600_000_000_000)],
)  # fmt: skip
def test_leads_in_units_of_udunits(few, opened, unit, of_an_hour):
    leads = ("step", np.arange(4) * 6 * of_an_hour, {"units": unit})
    numbers = runs(few, [0], [0, 6, 12, 18]).assign_coords(step=leads)
    assert (opened(numbers).time.values == few.time.values).all()


@pytest.mark.parametrize(
    ("attributes", "reason"), [({}, "has no unit"), ({"units": "months"}, "comes in 'months'")]
)
def test_leads_without_a_usable_unit_are_named(few, opened, attributes, reason):
    leads = ("step", [0, 6, 12, 18], attributes)
    numbers = runs(few, [0], [0, 6, 12, 18]).assign_coords(step=leads)
    with pytest.raises(InputError, match=f"holds forecasts: step {reason}; expected hours"):
        opened(numbers)


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
    with pytest.raises(InputError, match="another calendar, noleap; expected the standard one"):
        opened(other)


@pytest.mark.parametrize("calendar", ["standard", "proleptic_gregorian"])
def test_dates_of_cftime_are_read_where_they_can_be_counted(calendar, few, tmp_path):
    foreign = few.convert_calendar(calendar, use_cftime=True)
    assert foreign.time.dtype == object
    xr.testing.assert_equal(open_reanalysis(foreign), open_reanalysis(few))
    alone = foreign.isel(time=0, drop=True).expand_dims(time=foreign.time[:1], step=[6 * HOUR])
    valid = few.time.values[:1] + 6 * HOUR
    assert open_reanalysis(alone).time.values == valid
    assert open_forecast(alone).valid_time.values == valid
    both = alone.assign_coords(valid_time=(("time", "step"), foreign.time.values[1:2, None]))
    assert open_reanalysis(both).time.values == valid


def test_dates_of_cftime_that_are_missing_stay_so(few):
    foreign = few.convert_calendar("standard", use_cftime=True)
    seen = foreign.time.values.copy()
    seen[1] = np.nan
    told = with_dates(foreign.assign_coords(seen=("time", seen)))
    assert np.isnat(told["seen"].values).tolist() == [False, True, False, False]


def test_dates_of_two_calendars_are_refused(few):
    other = few.convert_calendar("noleap", use_cftime=True)
    mixed = few.convert_calendar("standard", use_cftime=True).time.values.copy()
    mixed[-1] = other.time.values[-1]
    with pytest.raises(InputError, match="another calendar, noleap"):
        open_reanalysis(few.assign_coords(time=mixed))


@pytest.mark.parametrize("year", [1600, 2300])
def test_years_that_cannot_be_counted_are_named(year, few, opened):
    days = ("time", np.arange(few.time.size), {"units": f"days since {year}-02-27"})
    with pytest.raises(InputError, match=f"^data.nc has times of {year}: years go from 1678 to"):
        opened(few.assign_coords(time=days))


CDO = "day as %Y%m%d.%f"


def test_the_absolute_form_of_cdo_is_read(few, opened, tmp_path):
    days = [20010101.0, 20010101.25, 20010101.5, 20010101.75]
    dataset = opened(few.assign_coords(time=("time", days, {"units": CDO})))
    assert (dataset.time.values == few.time.values).all()
    run = few.rename(time="lead_time").assign_coords(
        lead_time=np.arange(4) * 6 * HOUR, reftime=((), 20010101.0, {"units": CDO})
    )
    run.to_netcdf(tmp_path / "run.nc")
    assert open_forecast(tmp_path / "run.nc").time.values == few.time.values[:1]


@pytest.mark.parametrize(
    ("times", "attributes", "reason"),
    [
        ([0, 6, 12, 18], {}, "times are numbers without a unit; give time the attribute units"),
        (["2001-01-01", "b", "c", "d"], {}, "times are text, such as '2001-01-01'; expected dates"),
        ([0.0, 1, 2, 3], {"units": "months since 2001-01-01"}, "come in 'months since 2001-01-01'"),
        ([0.0, 1, 2, 3], {"units": "month as %Y%m.%f"}, r"come in 'month as %Y%m\.%f'; write them"),
        ([20010101.0, 20011301.0, 1, 2], {"units": CDO}, "times come in 'day as .*cdo setreftime"),
        (np.float32([20010101, 20010102, 20010103, 20010104]), {"units": CDO}, "come in 'day as"),
    ],
)  # fmt: skip
def test_times_that_are_no_dates_are_named(times, attributes, reason, few, opened):
    with pytest.raises(InputError, match=f"^data.nc: .*{reason}"):
        opened(few.assign_coords(time=("time", times, attributes)))

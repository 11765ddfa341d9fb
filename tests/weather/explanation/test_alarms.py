"""Alarms: at the nominal rate in the same climate, and exactly where an excursion is."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.explanation.alarm_file import write_alarms
from weather.explanation.alarms import alarms, farthest_moment, findings
from weather.explanation.known_range import SeasonalRange, TrainingRange

LAT, LON = np.linspace(70, -70, 8), np.arange(0.0, 360.0, 22.5)
START = np.datetime64("2010-01-03T00", "ns")
LEADS = np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]")


def analyses(years=10, holes=False):
    """Independent normal values, daily at 00 UTC, with a seasonal cycle of 20 K."""
    time = np.arange(f"{2010 - years}-01-01", "2010-01-01", dtype="datetime64[D]").astype(
        "datetime64[ns]"
    )
    random = np.random.default_rng(0)
    shape = (len(time), 2, len(LAT), len(LON))
    season = 20 * np.cos(2 * np.pi * (time - time[0]) / np.timedelta64(1, "D") / 365.25)
    t = 280 + season[:, None, None, None] + random.standard_normal(shape).astype(np.float32)
    msl = 1e5 + 500 * random.standard_normal(shape[:1] + shape[2:]).astype(np.float32)
    if holes:
        msl[:, 0, 0] = np.nan
    return xr.Dataset(
        {"t": (("time", "level", "lat", "lon"), t), "msl": (("time", "lat", "lon"), msl)},
        {"time": time, "level": [500.0, 850.0], "lat": LAT, "lon": LON},
    )


def forecast(seed=1, members=0):
    """Drawn from the same climate, of January."""
    random = np.random.default_rng(seed)
    extra = (members,) if members else ()
    names = ("time", "lead_time", *(("member",) if members else ()))
    shape = (1, 2, *extra)
    t = 300 + random.standard_normal((*shape, 2, len(LAT), len(LON))).astype(np.float32)
    msl = 1e5 + 500 * random.standard_normal((*shape, len(LAT), len(LON))).astype(np.float32)
    made = xr.Dataset(
        {"t": ((*names, "level", "lat", "lon"), t), "msl": ((*names, "lat", "lon"), msl)},
        {"time": [START], "lead_time": LEADS, "level": [500.0, 850.0], "lat": LAT, "lon": LON},
    )
    return made.assign_coords(valid_time=made["time"] + made["lead_time"])


def test_the_same_climate_leaves_the_range_at_the_nominal_rate():
    past = analyses()
    one = forecast(members=40)
    found = alarms(one, SeasonalRange(past, one))
    assert found.attrs["range"] == "of the season in 9 years of analyses"  # and two in part
    nominal = 2 / (10 * 31 + 1)
    assert float(found["outside"].mean()) == pytest.approx(nominal, rel=0.15)
    # 1,280 independent values of each of 3 fields and 2 times estimate the chance
    assert float(found["chance"].mean()) == pytest.approx(2 / (9 * 31 + 1), rel=0.4)
    alone = forecast()
    assert len(findings(alarms(alone, SeasonalRange(past, alone)))) == 1


def test_a_july_in_january_is_alarming_everywhere():
    past, one = analyses(), forecast()
    cold = one.assign(t=one["t"] - 40)
    found = alarms(cold, SeasonalRange(past, cold))
    assert (found["outside_area"].sel(channel=["t500", "t850"]) == 1).all()
    assert (found["excess"] < -20).all()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_planted_excursion_is_found_exactly_there(lazy, monkeypatch, tmp_path):
    past = analyses(holes=True)
    if lazy:
        past = past.chunk(time=500)
        monkeypatch.setattr("weather.explanation.known_range._WHOLE", 0)
    one = forecast().copy(deep=True)
    one["t"][0, 1, 1, 2, 5] = 315.0
    one["msl"][0, 0, 0, 0] = np.nan
    known = SeasonalRange(past, one)
    found = alarms(one, known)
    plain = alarms(forecast(), known)
    changed = (found["excess"] != plain["excess"]) & found["excess"].notnull()
    assert [index.tolist() for index in changed.values.nonzero()] == [[0], [1], [2], [5]]
    there = found.isel(time=0, lead_time=1, lat=2, lon=5)
    season = past["t"].sel(level=850.0).isel(lat=2, lon=5, time=known_places(past))
    expected = (315.0 - float(season.max())) / float(season.std())
    assert float(there["excess"]) == pytest.approx(expected, rel=1e-4)
    assert found["channel"].values[int(there["farthest"])] == "t850"
    assert float(there["outside"]) == pytest.approx(1 / 3)
    line = findings(found)[-1]
    assert "alarm: t850 near 30.0 N, 112.5 E" in line
    assert "2010-01-05 00 UTC (+48 h), the first alarm of this forecast at +48 h" in line
    write_alarms(found, tmp_path / "alarm.nc", "a test")
    with xr.open_dataset(tmp_path / "alarm.nc", decode_timedelta=True) as written:
        np.testing.assert_array_equal(written["excess"].values, found["excess"].values)
        assert written["farthest"].attrs["flag_meanings"] == "inside t500 t850 msl"
        assert written["valid_time"].values[0, 1] == START + LEADS[1]


def test_parts_of_seasons_are_no_years():
    """Around New Year, of four calendar years three seasons are whole; their parts widen it."""
    past, one = analyses(years=4), forecast()
    known = SeasonalRange(past, one)
    assert known.years == 3
    found = alarms(one, known)
    assert "so few years" in findings(found)[1]
    bounds = known.bounds(known.fields(one)[1], one["valid_time"].values[0])
    season = past["t"].sel(level=850.0).isel(time=known_places(past))
    np.testing.assert_array_equal(bounds.high[1], season.max("time").astype(np.float32))


def test_years_of_fewer_hours_are_years():
    past = analyses(years=4)
    hours = np.arange(-2, 3).astype("timedelta64[h]")
    last = past.isel(time=slice(-380, None))
    finer = [last.assign_coords(time=last["time"].values + hour) for hour in hours]
    mixed = xr.concat([past.isel(time=slice(None, -380)), *finer], "time").sortby("time")
    assert SeasonalRange(mixed, forecast()).years == SeasonalRange(past, forecast()).years == 3


def known_places(past):
    """Analyses within 15 days of 5 January."""
    day = past["time"].dt.dayofyear
    apart = abs(day - 5)
    return np.flatnonzero(np.minimum(apart, 365.25 - apart) <= 15)


def test_the_forecast_does_not_widen_its_own_range():
    past = analyses()
    one = forecast()
    one["t"][:] = 400.0
    own = one.isel(time=0).drop_vars(["time", "valid_time"]).rename(lead_time="time")
    own = own.assign_coords(time=one["valid_time"].values[0])
    found = alarms(one, SeasonalRange(xr.concat([past, own], "time"), one))
    assert (found["outside_area"].sel(channel="t850") == 1).all()


def test_a_missing_analysis_is_as_if_it_were_not_there():
    """A whole field or part of one, in a year that has other analyses of the season."""
    past, one = analyses(), forecast()
    hot = one.assign(msl=one["msl"] + 8000)
    lost = np.flatnonzero(past["time"].values == np.datetime64("2003-01-05"))
    expected = alarms(hot, SeasonalRange(past.drop_isel(time=lost), hot))
    holed = past.assign(msl=past["msl"].copy(), t=past["t"].copy())
    holed["msl"][lost] = np.nan
    holed["t"][lost] = np.nan
    found = alarms(hot, SeasonalRange(holed, hot))
    assert (found["outside_area"].sel(channel="msl") == 1).all()
    assert "alarm: msl" in findings(found)[-1]
    for name in ("outside", "excess", "outside_area", "largest_excess"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    part = past.assign(msl=past["msl"].copy())
    part["msl"][lost, :4] = np.nan
    whole, halved = (alarms(hot, SeasonalRange(data, hot)) for data in (past, part))
    assert (halved["outside_area"].sel(channel="msl") == 1).all()
    below = {"lat": slice(4, None)}
    xr.testing.assert_equal(whole["excess"].isel(below), halved["excess"].isel(below))


def test_a_field_without_a_known_range_is_named_and_not_called_safe(tmp_path):
    past, one = analyses(), forecast()
    empty = past.assign(msl=past["msl"] * np.nan)
    found = alarms(one, SeasonalRange(empty, one))
    for name in ("outside_area", "largest_excess"):
        assert found[name].sel(channel="msl").isnull().all()
        assert found[name].sel(channel="t850").notnull().all()
    assert "not compared: msl: no cell has" in findings(found)[1]
    alone = alarms(one[["msl"]], SeasonalRange(empty, one))
    assert len(findings(alone)) == 1
    assert "not compared: msl" in findings(alone)[0]
    farthest_moment(alone)
    write_alarms(alone, tmp_path / "alarm.nc", "a test")


def test_the_range_of_training_data():
    known = TrainingRange({"t850": (280.0, 10.0)})
    one = forecast()
    one["t"][0, 0, 1, 3, 4] = 370.0
    found = alarms(one, known)
    assert found["channel"].values.tolist() == ["t850"]
    assert int((found["excess"] != 0).sum()) == 1
    assert float(found["excess"][0, 0, 3, 4]) == pytest.approx(4.0)
    assert "alarm: t850" in findings(found)[-1]


def test_what_cannot_be_compared():
    past, one = analyses(), forecast()
    with pytest.raises(InputError, match="regrid one to the other"):
        SeasonalRange(past.isel(lon=slice(8)), one)
    later = one.assign_coords(time=one["time"] + np.timedelta64(12, "h"))
    later = later.assign_coords(valid_time=later["time"] + later["lead_time"])
    with pytest.raises(InputError, match=r"0 analyses within 15 days and 3 hours of .* 12 UTC"):
        SeasonalRange(past, later)
    with pytest.raises(InputError, match="no field of the forecast has a range"):
        alarms(one, TrainingRange({"q500": (0.0, 1.0)}))
    few = alarms(one, SeasonalRange(analyses(years=2), one))
    assert "so few years" in findings(few)[1]

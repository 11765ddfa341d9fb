"""Forecast files of other centres: GRIB with its lead times, a run in a file for each of them."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.forecasts import open_either, open_forecast
from weather.files.history import history
from weather.files.reanalysis import open_reanalysis
from weather.files.sources import open_source

GFS = "gfs_2p5deg_26levels_20111008T00_f072.grib2"
ECMWF = "ecmwf_fc_10deg_6levels_20240603-20240604.grib"
ANALYSIS = "ecmwf_an_1deg_t_z_500_850_20070101T12.grib"
HOUR = np.timedelta64(1, "h")


@pytest.fixture
def snapshots(shared_data: Path) -> Path:
    pytest.importorskip("cfgrib")
    return shared_data / "weather" / "snapshots"


def test_a_grib_state_knows_its_run(snapshots: Path) -> None:
    forecast, state = open_forecast(snapshots / GFS), open_reanalysis(snapshots / GFS)
    assert forecast["time"].values == np.datetime64("2011-10-08")
    assert (forecast["lead_time"].values / HOUR).tolist() == [72]
    assert forecast["valid_time"].values.ravel() == state["time"].values
    for name in ("msl", "u10", "t", "r"):
        alone = forecast[name].isel(time=0, lead_time=0)
        np.testing.assert_array_equal(alone.values, state[name].squeeze("time").values)
    assert forecast["lsm"].dims == forecast["z_surface"].dims == ("lat", "lon")


def test_runs_and_steps_of_one_grib_file(snapshots: Path) -> None:
    import cfgrib

    forecast = open_forecast(snapshots / ECMWF)
    assert (forecast.sizes["time"], forecast["lead_time"].values.tolist()) == (4, [0, 6 * 3600e9])
    raw = cfgrib.open_dataset(snapshots / ECMWF, backend_kwargs={"indexpath": ""})
    own = raw["t"].isel(time=2, step=1).sel(isobaricInhPa=850)
    found = forecast["t"].isel(time=2, lead_time=1).sel(level=850)
    np.testing.assert_array_equal(found.sortby("lat"), own.sortby("latitude"))


def test_zero_hours_are_an_analysis(snapshots: Path) -> None:
    assert "lead_time" not in open_either(snapshots / ANALYSIS).dims
    with pytest.raises(InputError, match="cannot read memory"):  # read as analyses are
        open_either("memory://forecast.grib")


def test_a_grib_file_is_indexed_once(snapshots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counted(name: str) -> list[xr.Dataset]:
        opened.append(name)
        return open_source(name)

    monkeypatch.setattr("weather.files.forecasts.open_source", counted)
    monkeypatch.setattr("weather.files.reanalysis.open_source", counted)
    assert open_either(snapshots / ECMWF).sizes["lead_time"] == 2
    assert "lead_time" not in open_either(snapshots / ANALYSIS).dims
    assert opened == [str(snapshots / ECMWF), str(snapshots / ANALYSIS)]


def a_run(start: str, *hours: int) -> xr.Dataset:
    """t2m that is 10 times the lead time in hours, of one run."""
    lat, lon = np.linspace(80, -80, 5), np.arange(0, 360, 45.0)
    values = 10.0 * np.array(hours)[None, :, None, None] * np.ones((1, len(hours), 5, 8))
    return xr.Dataset(
        {"t2m": (("time", "lead_time", "latitude", "longitude"), 200 + values, {"units": "K"})},
        {"time": [np.datetime64(start, "ns")], "lead_time": np.array(hours) * HOUR.astype("m8[ns]"),
         "latitude": lat, "longitude": lon},
    )  # fmt: skip


def test_a_data_set_is_read_as_its_file(tmp_path: Path) -> None:
    """As `Forecaster.forecast` returns it, and once more as it was read."""
    run = a_run("2001-01-01", 6, 12)
    run.to_netcdf(tmp_path / "run.nc")
    forecast = open_forecast(run)
    assert forecast.equals(open_forecast(tmp_path / "run.nc"))
    assert open_forecast(forecast).equals(forecast)
    with pytest.raises(InputError, match="the data set holds no forecast: no lead time"):
        open_forecast(run.isel(lead_time=0, drop=True))


@pytest.mark.parametrize("unit", ["h", "hr", "hour", "hours", "day", "d", None, "months"])
def test_units_of_lead_times(tmp_path: Path, unit: str | None) -> None:
    """Those of UDUNITS are read; numbers without one are named, and nothing is guessed."""
    run = a_run("2001-01-01", 6, 12)
    leads = np.array([6, 12]) / (24 if unit in ("day", "d") else 1)
    attributes = {} if unit is None else {"units": unit}
    run.assign_coords(lead_time=("lead_time", leads, attributes)).to_netcdf(tmp_path / "run.nc")
    if unit in (None, "months"):
        told = "has no unit" if unit is None else "comes in 'months'"
        with pytest.raises(InputError, match=f"no forecast: lead_time {told}; expected hours"):
            open_forecast(tmp_path / "run.nc")
        return
    forecast = open_forecast(tmp_path / "run.nc")
    assert (forecast["lead_time"].values / HOUR).tolist() == [6, 12]
    assert open_either(tmp_path / "run.nc").equals(forecast)


def test_one_file_for_each_lead_time(tmp_path: Path) -> None:
    files = []
    for start in ("2001-01-02", "2001-01-01"):
        for hour in (12, 0, 6):
            files.append(tmp_path / f"{start}_{hour}.nc")
            part = a_run(start, hour)
            rain = {} if hour == 0 else {"tp": part["t2m"].assign_attrs(units="m") * 0 + hour}
            part.assign(rain).to_netcdf(files[-1])
    forecast = open_forecast(files)
    assert (forecast["lead_time"].values / HOUR).tolist() == [0, 6, 12]
    assert str(forecast["time"].values[0])[:10] == "2001-01-01"
    by_lead = forecast["t2m"].isel(lat=0, lon=0).values
    np.testing.assert_allclose(by_lead, [[200, 260, 320]] * 2)
    rain = forecast["tp"].isel(lat=0, lon=0).values
    np.testing.assert_allclose(rain, [[np.nan, 6, 12]] * 2)  # there is none at the start
    assert open_forecast(tmp_path / "*.nc").equals(forecast)
    assert open_either(files).equals(forecast)  # the first of a run alone is an analysis
    with pytest.raises(InputError, match="from 2001-01-01T00:00 have different lead times"):
        open_forecast(files[:-1])
    with pytest.raises(InputError, match="an initial time comes twice"):
        open_forecast([files[0], files[0]])


@pytest.mark.parametrize("hours", [(48, 72, 24), (72, 48, 24)])
def test_lead_times_of_any_order_ascend(tmp_path: Path, hours: tuple[int, ...]) -> None:
    """In one file, and where the file of another run has them in another order."""
    a_run("2001-01-01", *hours).to_netcdf(tmp_path / "0.nc")
    a_run("2001-01-02", 24, 48, 72).to_netcdf(tmp_path / "1.nc")
    forecast = open_forecast(tmp_path / "*.nc")
    assert (forecast["lead_time"].values / HOUR).tolist() == [24, 48, 72]
    np.testing.assert_allclose(forecast["t2m"].isel(lat=0, lon=0), [[440, 680, 920]] * 2)
    assert open_either(tmp_path / "0.nc").equals(forecast.isel(time=[0]))


def test_a_lead_time_that_comes_twice_is_refused(tmp_path: Path) -> None:
    a_run("2001-01-01", 24, 6, 24).to_netcdf(tmp_path / "run.nc")
    with pytest.raises(InputError, match="lead time 24 h comes twice; keep one of them"):
        open_forecast(tmp_path / "run.nc")


def test_lead_times_by_other_names(tmp_path: Path) -> None:
    """NCL's of GRIB, and the short ones of hand-made files."""
    made = a_run("2001-01-01", 6, 12)
    for number, (lead, start) in enumerate(
        [("forecast_time0", "initial_time0_hours"), ("leadtime", "reftime")]
    ):
        file = tmp_path / f"{number}.nc"
        made.rename(lead_time=lead, time=start).to_netcdf(file)
        assert (open_forecast(file)["lead_time"].values / HOUR).tolist() == [6, 12]


@pytest.mark.parametrize("hours", [(6, 12, 24), (12,), ()])
@pytest.mark.parametrize("along", [True, False])
def test_one_initial_time_beside_valid_times(
    tmp_path: Path, hours: tuple[int, ...], along: bool
) -> None:
    """As MET Norway has it, also without an axis: lead times are what lies between."""
    start = np.datetime64("2001-01-01", "ns")
    made = a_run("2001-01-01", *(hours or (6,))).isel(time=0, drop=True)
    made = made.assign_coords(lead_time=start + made["lead_time"].values)
    made = made.rename(lead_time="time")
    made = made if hours else made.isel(time=0)
    initial = {"standard_name": "forecast_reference_time"}
    one = ("run", [start], initial) if along else ((), start, initial)
    made.assign_coords(run=one).to_netcdf(tmp_path / "run.nc")
    forecast = open_either(tmp_path / "run.nc")
    assert (forecast["lead_time"].values / HOUR).tolist() == list(hours or (6,))
    assert forecast["time"].values.tolist() == [start.astype(int)]
    expected = [[200 + 10 * hour for hour in hours or (6,)]]
    np.testing.assert_allclose(forecast["t2m"].isel(lat=0, lon=0), expected)


@pytest.mark.parametrize("start", ["1970-01-01", "2001-01-01T06", "2002-01-01"])
def test_a_reference_that_is_no_initial_time(tmp_path: Path, start: str) -> None:
    """A base date, the time of the analysis itself, or one after it."""
    analysis = a_run("2001-01-01", 0).isel(lead_time=0, drop=True)
    analysis = analysis.assign_coords(time=analysis.time + 6 * HOUR)
    reference = ((), np.datetime64(start, "ns"))
    analysis.assign_coords(reference_time=reference).to_netcdf(tmp_path / "an.nc")
    assert "lead_time" not in open_either(tmp_path / "an.nc").dims


def test_forecasts_do_not_stand_beside_analyses(tmp_path: Path) -> None:
    files = [tmp_path / "forecast.nc", tmp_path / "analyses.nc", tmp_path / "static.nc"]
    made = a_run("2001-01-01", 6, 12)
    made.to_netcdf(files[0])
    still = made.isel(time=0, lead_time=0, drop=True)
    still.expand_dims(time=made.time + 18 * HOUR).to_netcdf(files[1])
    xr.zeros_like(still.rename(t2m="lsm")).drop_attrs().to_netcdf(files[2])
    with pytest.raises(InputError, match=r"forecast.nc holds forecasts, .*analyses.nc states no"):
        open_either(files[:2])
    assert "lead_time" not in open_either(files[1:]).dims
    assert open_either([files[0], files[2]]).sizes["time"] == 2


def test_forecasts_by_initial_time_do_not_stand_beside_analyses(tmp_path: Path) -> None:
    """Nor those whose initial time is an attribute; a run's first file, of 0 h, is one of it."""
    files = [tmp_path / f"{name}.nc" for name in ("first", "later", "analyses")]
    made = a_run("2001-01-01", 0).isel(lead_time=0, drop=True)
    for file, hours in zip(files, (0, 6, 12), strict=True):
        initial = {} if file == files[2] else {"init_time": "2001-01-01T00"}
        made.assign_coords(time=made.time + hours * HOUR).assign_attrs(initial).to_netcdf(file)
    assert open_either(files[:2]).sizes["time"] == 2
    with pytest.raises(InputError, match=r"later.nc holds forecasts, .*analyses.nc states no"):
        open_either(files)


def an_ensemble(start: str, members: list[int]) -> xr.Dataset:
    return a_run(start, 6, 12).expand_dims(number=members)


@pytest.mark.parametrize("members", [[1, 2], [7, 8, 9], []])
def test_runs_of_other_members_are_refused(members: list[int], tmp_path: Path) -> None:
    """They are not cut to those in common, or repeated where a run has no members."""
    an_ensemble("2001-01-01", [1, 2, 3]).to_netcdf(tmp_path / "0.nc")
    other = an_ensemble("2001-01-02", members) if members else a_run("2001-01-02", 6, 12)
    other.to_netcdf(tmp_path / "1.nc")
    number = len({1, 2, 3} ^ set(members))
    told = rf"1.nc and .*0.nc have different members \({number} in one alone\)"
    with pytest.raises(InputError, match=told):
        open_forecast([tmp_path / "0.nc", tmp_path / "1.nc"])


def test_levels_that_not_all_runs_have_are_told(tmp_path: Path) -> None:
    for day, levels in ((1, [500, 700, 850]), (2, [500, 850]), (3, [1000])):
        run = a_run(f"2001-01-0{day}", 6, 12).rename(t2m="t").expand_dims(level=levels)
        run.assign_coords(level=("level", levels, {"units": "hPa"})).to_netcdf(
            tmp_path / f"{day}.nc"
        )
    forecast = open_forecast([tmp_path / "1.nc", tmp_path / "2.nc"])
    assert forecast["level"].values.tolist() == [500, 850]
    assert history(forecast) == ["left out 700 hPa, which not all files have"]
    with pytest.raises(InputError, match="no level in common; evaluate them apart"):
        open_forecast(tmp_path / "*.nc")

"""Rain since the start is the same forecast as its sums between lead times, and scored so."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from weather.files.accumulations import HOURS, known_hours
from weather.files.forecasts import open_forecast
from weather.verification.totals import increments

LEADS = np.array([6, 12, 18, 24])
DAYS = range(16, 26)


@pytest.fixture(scope="module")
def hourly() -> xr.Dataset:
    """ERA5's, of the hour before each time."""
    times = pd.date_range("2020-01-01", periods=30 * 24, freq="h")
    rain = np.random.default_rng(0).gamma(0.3, 1e-3, (len(times), 8, 8)).astype(np.float32)
    axes = {"time": times, "latitude": np.arange(60, 40, -2.5), "longitude": np.arange(0, 20, 2.5)}
    return xr.Dataset({"tp": (("time", "latitude", "longitude"), rain, {"units": "m"})}, axes)


@pytest.fixture(scope="module")
def sums(hourly) -> xr.Dataset:
    """A perfect forecast of every day, of the 6 h up to each lead time."""
    six = hourly["tp"].rolling(time=6).sum().assign_attrs({"units": "m", HOURS: "6"})
    initial = pd.to_datetime([f"2020-01-{day}" for day in DAYS])
    leads = pd.to_timedelta(LEADS, "h")
    valid = xr.DataArray(
        initial.values[:, None] + leads.values,
        {"time": initial, "lead_time": leads},
        ("time", "lead_time"),
    )
    return six.sel(time=valid).drop_vars("time").assign_coords(valid.coords).to_dataset(name="tp")


def since_start(sums: xr.Dataset) -> xr.Dataset:
    """As ECMWF gives it, with a zero at the start."""
    total = sums["tp"].cumsum("lead_time").assign_coords(sums["tp"].coords)
    leads = np.concatenate([np.timedelta64(0), sums["lead_time"]], axis=None)
    total = total.reindex(lead_time=leads, fill_value=0)
    return total.drop_attrs(deep=False).assign_attrs(units="m").to_dataset(name="tp")


def test_totals_are_the_sums_between_lead_times(sums):
    total, lines = open_forecast(since_start(sums)), []
    whole = increments("forecast", total, lines.append)
    assert lines == ["forecast: tp: sums over the 6 h up to each time, of totals since the start"]
    assert known_hours(whole) == {"tp": 6}
    assert whole["tp"][:, 0].isnull().all()
    later = increments("forecast", total.isel(lead_time=slice(1, None)))
    for made in (whole.isel(lead_time=slice(1, None)), later):
        np.testing.assert_allclose(made["tp"], sums["tp"], atol=1e-8)


@pytest.mark.parametrize(
    "change",
    [
        lambda sums: sums,
        lambda sums: sums.assign(tp=sums["tp"].drop_attrs(deep=False).assign_attrs(units="m")),
        lambda sums: since_start(sums).isel(lead_time=[1, 2, 4]),
        lambda sums: since_start(sums).isel(lead_time=[1]),
        lambda sums: since_start(sums).isel(latitude=[0, 1], longitude=[0, 1], time=[0]),
    ],
    ids=["stated", "not growing", "uneven", "one lead time", "too few"],
)
def test_what_is_not_certain_stays(sums, change):
    forecast = open_forecast(change(sums))
    assert increments("forecast", forecast).identical(forecast)


def test_a_perfect_forecast_since_its_start_has_no_error(call, hourly, sums, tmp_path, capsys):
    hourly.to_netcdf(tmp_path / "truth.nc")
    sums.to_netcdf(tmp_path / "sums.nc")
    since_start(sums).to_netcdf(tmp_path / "total.nc")
    options = ("--truth", tmp_path / "truth.nc", "--out", tmp_path / "card")
    against = ("--against", tmp_path / "sums.nc")
    assert call("evaluate", tmp_path / "total.nc", *options, *against) == 0
    line = "forecast: tp: sums over the 6 h up to each time, of totals since the start"
    assert line in " ".join(capsys.readouterr().out.split())
    scores = pd.read_csv(tmp_path / "card" / "scores.csv").query("metric == 'rmse'")
    errors = scores.dropna(subset="value").groupby("system")["value"].max()
    assert errors["forecast"] < 1e-7
    assert errors["sums"] < 1e-7
    assert errors["climatology"] > 1e-4

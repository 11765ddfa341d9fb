"""Truth and climatology are what they are said to be, or are corrected, or refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.checking.sampling import summarize
from weather.files.reanalysis import open_reanalysis
from weather.verification.checked import MOST, checked, found

INITIAL = [360, 370, 380]


@pytest.fixture(scope="module")
def folder(hundred_days: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Analyses of msl, the same in hPa without a unit and with fill values, and forecasts."""
    folder = tmp_path_factory.mktemp("checked")
    one = hundred_days[["msl"]].astype(np.float32)
    one.to_netcdf(folder / "truth.nc")
    bare = one / 100
    bare["msl"].attrs = {}
    bare.to_netcdf(folder / "hpa.nc")
    filled = one.copy(deep=True)
    filled["msl"][:, :2] = -9999.0
    filled.to_netcdf(folder / "filled.nc", encoding={"msl": {"_FillValue": None}})
    fields = one["msl"].values[np.array(INITIAL)[:, None] + [1, 2]][:, :, None]
    fields = fields + np.array([-50.0, 80.0])[:, None, None]
    xr.Dataset(
        {"msl": (("time", "lead_time", "number", "latitude", "longitude"), fields)},
        {"time": one["time"].values[INITIAL], "number": [0, 1],
         "lead_time": np.array([6, 12], "timedelta64[h]").astype("timedelta64[ns]"),
         "latitude": one["latitude"], "longitude": one["longitude"]},
    ).to_netcdf(folder / "forecast.nc")  # fmt: skip
    return folder


@pytest.fixture(autouse=True)
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def test_a_certain_unit_is_corrected_and_said(call, capsys):
    for name in ("truth", "hpa"):
        options = ("--truth", f"{name}.nc", "--out", name)
        assert call("evaluate", "forecast.nc", *options) == 0
    said = capsys.readouterr()
    for what in ("truth", "climatology"):
        line = f"{what}: corrected: msl averages 1010, no unit stated"
        assert line in said.err
        assert line in said.out.replace("\n", " ")
        assert line in Path("hpa/scorecard.html").read_text()
    scores = [pd.read_csv(f"{name}/scores.csv") for name in ("truth", "hpa")]
    pd.testing.assert_frame_equal(*scores, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "command",
    [
        "evaluate forecast.nc --truth filled.nc --out never",
        "evaluate forecast.nc --truth truth.nc --climatology-from filled.nc --out never",
        "calibrate forecast.nc --truth filled.nc --out never.json",
        "alarm forecast.nc --climatology-from filled.nc --out never.nc",
    ],
)
def test_fill_values_are_refused(command, call, one_line):
    assert call(*command.split()) == 2
    what = "climatology" if "climatology" in command else "truth"
    assert f"error: {what}: msl reaches -9999 at 78.75 N 0 E, 2001-0" in one_line()
    assert not list(Path().glob("never*"))


def test_nothing_is_said_of_what_is_missing_or_not_scored(waves):
    """Holes that change, levels and fields that the forecast lacks, gaps in time."""
    msl = waves["msl"].copy()
    msl[3], msl[::2, 0] = np.nan, np.nan
    z, t = waves["z"].copy(), waves["t"] * 1000
    z[:, 0] = -9999.0
    truth = waves.assign(msl=msl, z=z, t=t).isel(time=[*range(20), *range(30, 60)])
    truth = open_reanalysis(truth)
    forecast = open_reanalysis(waves[["msl", "z"]].sel(level=[850]))
    lines: list[str] = []
    assert not found(checked("truth", truth, forecast, lines.append))
    assert lines == []
    with pytest.raises(InputError, match="truth: z reaches -9999"):
        checked("truth", truth, open_reanalysis(waves[["msl", "z"]]))


def test_few_times_are_read(hundred_days, monkeypatch):
    read = []

    def counted(field, positions, grid):
        read.append(len(positions))
        return summarize(field, positions, grid)

    monkeypatch.setattr("weather.checking.field_check.summarize", counted)
    analyses = open_reanalysis(hundred_days[["msl"]])
    checked("truth", analyses, analyses)
    some = slice(analyses["time"][10], analyses["time"][19])
    checked("truth", analyses, analyses, period=some)
    assert read == [MOST, 10]


def test_anomalies_beside_anomalies_are_scored() -> None:
    lat, lon = np.linspace(60, -60, 5), np.arange(0.0, 360, 30)
    times = pd.date_range("2001-01-01", periods=8, freq="6h")
    values = np.random.default_rng(0).normal(size=(8, 5, 12)).astype(np.float32)
    axes = {"time": times, "lat": lat, "lon": lon}
    truth = xr.Dataset({"t2m": (("time", "lat", "lon"), values, {"units": "K"})}, axes)
    forecast = truth.expand_dims(lead_time=[np.timedelta64(6, "h")], axis=1)
    lines: list[str] = []
    xr.testing.assert_equal(checked("truth", truth, forecast, lines.append), truth)
    assert "K as an anomaly" in lines[0]
    assert "the forecast is alike" in lines[0]
    with pytest.raises(InputError, match="truth: t2m"):
        checked("truth", truth, forecast + 288)

"""Analyses of several members are refused in one line, wherever single ones are wanted."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr


@pytest.fixture(scope="module")
def folder(hundred_days: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Analyses of two members in `truth.nc`, of the first alone in `one.nc`, and forecasts."""
    folder = tmp_path_factory.mktemp("members")
    one = hundred_days[["msl"]]
    one.to_netcdf(folder / "one.nc")
    xr.concat([one, one + 10], "number").assign_coords(number=[0, 1]).to_netcdf(folder / "truth.nc")
    index = np.array([380, 390])[:, None] + [0, 1]
    fields = one["msl"].values[index][:, :, None] + np.array([-50.0, 80.0])[:, None, None]
    forecast = xr.Dataset(
        {"msl": (("time", "lead_time", "number", "latitude", "longitude"), fields)},
        {"time": one["time"].values[[380, 390]], "number": [0, 1],
         "lead_time": np.array([0, 6], "timedelta64[h]").astype("timedelta64[ns]"),
         "latitude": one["latitude"], "longitude": one["longitude"]},
    )  # fmt: skip
    forecast["msl"].attrs["units"] = "Pa"
    forecast.isel(lead_time=[1]).to_netcdf(folder / "forecast.nc")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "train truth.nc --run run",
        "prepare truth.nc --out store.zarr",
        "evaluate forecast.nc --truth truth.nc --out scores",
        "evaluate forecast.nc --truth one.nc --climatology-from truth.nc --out scores",
        "calibrate forecast.nc --truth truth.nc --out spread.json",
        "alarm forecast.nc --climatology-from truth.nc --out alarm.nc",
        "plot forecast.nc --truth truth.nc --out map.png",
        "plot forecast.nc --truth truth.nc --out map.png --kind meteogram --point 40 20",
    ],
)
def test_each_command_says_what_to_choose(command, folder, monkeypatch, call, one_line):
    monkeypatch.chdir(folder)
    assert call(*command.split()) == 2
    line = one_line()
    assert "ensemble of 2 members; expected a single analysis of each time" in line
    assert ".isel(number=0)" in line


def test_one_member_is_as_analyses_without(folder, monkeypatch, call):
    monkeypatch.chdir(folder)
    xr.open_dataset("truth.nc").isel(number=[0]).to_netcdf("first.nc")
    for name in ("first", "one"):
        truth, out = f"{name}.nc", f"{name}.json"
        assert call("calibrate", "forecast.nc", "--truth", truth, "--out", out) == 0
    assert Path("first.json").read_text() == Path("one.json").read_text()

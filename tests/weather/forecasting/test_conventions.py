"""Forecast files against independent programs: a CF checker, CDO, xarray."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from weather.forecasting.forecast_file import write_forecast
from weather.forecasting.planner import plan

START = [np.datetime64("2001-01-03T00"), np.datetime64("2001-01-05T12")]


@pytest.fixture(scope="module")
def folder(forecaster, analyses, tmp_path_factory):
    """Forecasts from one initial time and from two, in each layout."""
    folder = tmp_path_factory.mktemp("conventions")
    made = plan([21600], [21600, 43200])
    for layout in ("cf", "wb2"):
        for number in (1, 2):
            path = folder / f"{layout}{number}.nc"
            write_forecast(forecaster, analyses, START[:number], made, path, layout=layout)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("number", "recommended"), [(1, 0), (2, 1)])
def test_a_cf_checker_finds_no_fault(number, recommended, folder):
    """Of several initial times it says that CF recommends another order of dimensions."""
    checker = Path(sys.executable).with_name("compliance-checker")
    report = folder / f"report{number}.json"
    subprocess.run(
        [checker, "-t", "cf:1.10", "-f", "json", "-o", report, folder / f"cf{number}.nc"],
        capture_output=True,
    )
    found = json.loads(report.read_text())["cf:1.10"]
    assert found["high_count"] == 0
    assert found["medium_count"] == recommended
    assert found["low_count"] == 0
    assert found["source_name"].endswith(f"cf{number}.nc")


def test_cdo_reads_a_forecast_from_one_initial_time(folder):
    if shutil.which("cdo") is None:
        pytest.skip("CDO is not installed")

    def cdo(*arguments):
        done = subprocess.run(["cdo", "-s", *arguments], capture_output=True, text=True, check=True)
        return done.stdout.split()

    path = folder / "cf1.nc"
    assert cdo("showdate", path) == ["2001-01-03"]
    assert cdo("showtime", path) == ["06:00:00", "12:00:00"]
    assert {"msl", "t", "z"} <= set(cdo("showname", path))
    assert cdo("nlevel", "-selname,z", path) == ["2"]
    mean = float(cdo("output", "-fldmean", "-seltimestep,2", "-selname,msl", path)[0])
    assert mean == pytest.approx(101000, abs=2000)


@pytest.mark.parametrize("name", ["cf1", "cf2", "wb21", "wb22"])
def test_xarray_decodes_times_without_being_told(name, folder):
    with xr.open_dataset(folder / f"{name}.nc") as dataset:
        leads = {"cf": "lead_time", "wb": "prediction_timedelta"}[name[:2]]
        assert dataset[leads].dtype.kind == "m"
        assert dataset[leads].values.tolist() == [21600 * 10**9, 43200 * 10**9]
        dated = [key for key in dataset.variables if dataset[key].dtype.kind == "M"]
        assert dated
        assert not [k for k in dataset.variables if dataset[k].dtype == np.int64]


def test_weatherbench_names(folder):
    with xr.open_dataset(folder / "wb22.nc") as dataset:
        assert dataset["geopotential"].dims == (
            "time", "prediction_timedelta", "level", "latitude", "longitude"
        )  # fmt: skip
        assert set(dataset.data_vars) == {
            "geopotential", "temperature", "mean_sea_level_pressure", "model_calls"
        }  # fmt: skip
        assert dataset["time"].values.tolist() == [t.astype("datetime64[ns]").item() for t in START]
        assert dataset["level"].dtype.kind == "i"

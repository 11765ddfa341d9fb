"""A set of forecasts larger than the memory that is given is scored within it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

ROWS, COLUMNS, CASES, LEADS = 64, 128, 160, 40
MIB = 2**20
STEP = np.timedelta64(6, "h").astype("timedelta64[ns]")
PROGRAM = """
import sys
from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis
from weather.verification.evaluation import Options, evaluate
from weather.verification.sample import training_period
def peak():
    lines = open("/proc/self/status")
    return next(int(x.split()[1]) * 1024 for x in lines if x.startswith("VmHWM"))
forecast, truth = open_forecast(sys.argv[1]), open_reanalysis([sys.argv[2]])
forecast = forecast.isel(time=slice(0, int(sys.argv[3])))
before = peak()
options = Options(memory=0.06, thresholds=["t2m<q0.1"])
result = evaluate(forecast, truth, training_period(truth, forecast), options)
rows = result.scores.query("metric == 'bias' and system == 'forecast' and region == 'global'")
assert abs(rows["value"] - 1).max() < 1e-3 and len(rows) == 2 * 40
print(peak() - before)
"""


def noise(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Analyses of 300 days, and forecasts that are one unit too high, in Zarr stores."""
    folder = tmp_path_factory.mktemp("large")
    lat, lon = np.linspace(88, -88, ROWS), np.arange(COLUMNS) * 360 / COLUMNS
    grid = {"lat": lat, "lon": lon}
    time = np.datetime64("2001-01-01", "ns") + np.arange(1200) * STEP
    for variable, seed in (("t2m", 0), ("msl", 1)):
        dims = ("time", "lat", "lon")
        fields = 250 + noise(seed, (len(time), ROWS, COLUMNS))
        fields *= 1 if variable == "t2m" else 400
        there = xr.Dataset({variable: (dims, fields)}, {"time": time, **grid})
        there.chunk(time=10).to_zarr(folder / "truth.zarr", mode="a", consolidated=False)
        for first in range(0, CASES, 20):
            start = 980 + np.arange(first, first + 20)
            index = start[:, None] + np.arange(1, LEADS + 1)
            made = xr.Dataset(
                {variable: (("time", "lead_time", "lat", "lon"), fields[index] + 1)},
                {"time": time[start], "lead_time": np.arange(1, LEADS + 1) * STEP, **grid},
            ).chunk(time=1, lead_time=10)
            store = folder / f"{variable}.zarr"
            append = {"append_dim": "time"} if first else {"mode": "w"}
            made.to_zarr(store, consolidated=False, **append)
    parts = [xr.open_zarr(folder / f"{name}.zarr", consolidated=False) for name in ("t2m", "msl")]
    merged = xr.merge(parts).drop_encoding()
    merged.to_zarr(folder / "forecast.zarr", consolidated=False)
    return folder / "forecast.zarr", folder / "truth.zarr"


@pytest.mark.slow
def test_memory_is_bounded(files: tuple[Path, Path]) -> None:
    """Four times the forecasts: 300 MiB more to read, and hardly any to hold."""
    few, many = (used(files, cases) for cases in (CASES // 4, CASES))
    size = 2 * 4 * CASES * LEADS * ROWS * COLUMNS
    assert size >= 400 * MIB
    assert many < 0.75 * size
    assert many - few < 60 * MIB


def used(files: tuple[Path, Path], cases: int) -> int:
    """Bytes at the peak, beside what was there before."""
    command = [sys.executable, "-c", PROGRAM, *map(str, files), str(cases)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
    return int(done.stdout.split()[-1])

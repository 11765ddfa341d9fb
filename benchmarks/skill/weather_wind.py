"""How near a model of two months of analyses comes to an operational forecast of wind.

    python benchmarks/skill/weather_wind.py /path/to/weather

10-m winds of GFS analyses, of spring and July 2026 at every second row and column, are learned
by a narrow model (`--config short_series`, `CHANGES`). Scored are forecasts 12 h ahead from
00 UTC of the eight days of which GFS's own forecast is there, against its analyses; beside it
persistence, the linear model of `weather evaluate`, and that forecast. Writes
`results/skill_wind.json`, which `results/skill_wind.md` shows.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from sciml.config import load_config, named_config
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster import Forecaster
from weather.grid import LatLonGrid
from weather.training.experiment import ExperimentConfig, train
from weather.verification.linear import LinearModel
from weather.verification.metrics import area_mean

RESULTS = Path(__file__).parent.parent / "results"
ANALYSES = (
    "gfs_global_1deg_6h_wind10m_20260324-20260506.nc",
    "gfs_global_1deg_6h_wind10m_20260706-20260805.nc",
)
FORECASTS = "gfs_global_1deg_wind10m_forecast_f012_20260729-20260805.nc"
VARIABLES = ("u10", "v10")
LEAD, STEPS = np.timedelta64(12, "h"), 2
CHANGES = (
    "data.train=2026-03-24/2026-07-24",
    "data.valid=2026-07-25/2026-07-28",
    "data.test=2026-07-29/2026-08-05",
    "model.backbone.window=[4, 9]",  # of 90 tokens around the globe
)


def thinned(dataset: xr.Dataset) -> xr.Dataset:
    """Every second row and column, the poles among them."""
    return dataset[list(VARIABLES)].isel(lat=slice(None, None, 2), lon=slice(None, None, 2))


def stacked(dataset: xr.Dataset) -> np.ndarray:
    """(time, variable, lat, lon)."""
    return np.stack([dataset[name].values for name in VARIABLES], axis=1)


def errors(forecaster: Forecaster, analyses: xr.Dataset, own: xr.Dataset) -> dict[str, Any]:
    """RMSE (m/s) of each forecast, by variable."""
    valid = own["time"].values
    initial: np.ndarray = valid - LEAD
    truth = stacked(analyses.sel(time=valid))
    before = analyses.sel(time=slice(None, initial[0] - LEAD))
    weights = LatLonGrid.from_dataset(analyses).area_weights()
    now = stacked(analyses.sel(time=initial))
    linear = LinearModel.fit(before["time"].values, stacked(before), LEAD, weights, "mean")
    ours = forecaster.forecast(analyses, list(initial), STEPS).isel(lead_time=-1)
    guesses = {
        "model": stacked(ours),
        "linear model": linear.predict(initial, now),
        "persistence": now,
        "GFS's forecast": stacked(own),
    }
    found = {k: np.sqrt(area_mean((g - truth) ** 2, weights).mean(0)) for k, g in guesses.items()}
    return {
        label: dict(zip(VARIABLES, map(float, row), strict=True)) for label, row in found.items()
    }


def main() -> None:
    """Train, score and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the real series")
    parser.add_argument("--set", nargs="+", default=[], help="changes to the configuration")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = [thinned(open_reanalysis([options.folder / file])) for file in ANALYSES]
    analyses = xr.concat(parts, "time").load()
    own = thinned(open_reanalysis([options.folder / FORECASTS])).load()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "analyses.nc"
        analyses.to_netcdf(file)
        source = named_config("weather", "short_series")
        changes = [f"data.paths=[{file}]", *CHANGES, *options.set]
        config = load_config(ExperimentConfig, source, changes)
        began = time.process_time()
        made = train(config, Path(scratch) / "run").forecaster
        seconds = time.process_time() - began
        scores = errors(made, analyses, own)
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": platform.machine(),
        "cores": os.cpu_count(), "torch": torch.__version__, "CPU seconds": round(seconds),
        "set": options.set, "cases": own.sizes["time"],
        "times": analyses.sel(time=slice(None, "2026-07-24")).sizes["time"],
    }  # fmt: skip
    (RESULTS / "skill_wind.json").write_text(json.dumps(facts | scores, indent=1) + "\n")
    lines = [
        "RMSE (m/s) of GFS's 10-m wind 12 h ahead, over area and eight days of July and August",
        f"2026, of a model that learned {facts['times']} analyses at 2 degrees in",
        f"{facts['CPU seconds']} CPU seconds. Made by `skill/weather_wind.py`.",
        "",
        "| forecast | u10 | v10 |",
        "|---|---:|---:|",
        *(f"| {k} | {v['u10']:.2f} | {v['v10']:.2f} |" for k, v in scores.items()),
    ]
    (RESULTS / "skill_wind.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

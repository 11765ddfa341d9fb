"""From real files to scores and back into the user's own layout, by the commands."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis, static_fields
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.models.statistics import Moments
from weather.models.transformer import TransformerConfig
from weather.variables import Variables

WEEK = [f"2026-02-0{day}T00" for day in range(1, 8)]


def test_era5_sea_level_pressure_from_training_to_scores(call, shared_data: Path, tmp_path: Path):
    folder = shared_data / "weather"
    series = folder / "era5_global_2p5deg_6h_msl_vo850_20251201-20260208.nc"
    data = (
        "data={variables: {surface: [msl], static: [z_surface, lsm], forcing: [insolation]}, "
        "train: [2025-12-01, 2026-01-24], valid: [2026-01-25, 2026-01-31], "
        "test: [2026-02-01, 2026-02-08]}"
    )
    assert call(
        "train", series, folder / "static" / "static_global_2p5deg.nc", "--run", tmp_path / "run",
        "--set", data, "--model.backbone.dim", 32, "--training.epochs", 1,
        "--training.ema_decay", 0.9, "--objective.steps", "{0: 1, 0.7: 2}",
    ) == 0  # fmt: skip
    out = tmp_path / "february.nc"
    times = [part for time in WEEK for part in ("--time", time)]
    model = tmp_path / "run" / "model.safetensors"
    assert call("forecast", model, "--from", series, *times, "--hours", 24, "--out", out) == 0
    with xr.open_dataset(out) as made, xr.open_dataset(series) as came:
        assert made["msl"].dims[-2:] == came["msl"].dims[-2:]
        for name in ("latitude", "longitude"):
            np.testing.assert_array_equal(made[name], came[name])  # both poles, as they came
    scores = tmp_path / "scores"
    assert call("evaluate", out, "--truth", series, "--climatology", "mean", "--out", scores) == 0
    table = pd.read_csv(scores / "scores.csv").query("metric == 'rmse'")
    rmse = table.pivot_table(index="lead_hours", columns="system", values="value")
    assert (table["cases"] == 7).all()
    assert (rmse["forecast"] < 0.9 * rmse["persistence"]).all()
    assert 200 < rmse.loc[6, "persistence"] < 350  # Pa; 267 on other days of this winter


LEVELS = (100.0, 200.0, 300.0, 500.0, 700.0, 850.0, 1000.0)
GFS = Variables(
    surface=("msl", "t2m", "u10", "v10"),
    upper=("z", "t", "u", "v", "q"),
    levels=LEVELS,
    static=("z_surface", "lsm"),
    forcing=("insolation",),
)


@pytest.fixture(scope="module")
def gfs(shared_data: Path) -> Path:
    pytest.importorskip("cfgrib", reason="reading GRIB needs the extra grib")
    return shared_data / "weather" / "snapshots" / "gfs_2p5deg_26levels_20111008T00_f072.grib2"


@pytest.fixture(scope="module")
def untrained(gfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file with the statistics of one state and fresh weights: near persistence."""
    dataset = open_reanalysis(gfs)
    backbone = TransformerConfig(dim=16, depths=(1,), heads=(1,), window=(4, 9), patch=(None, 4, 4))
    config = ForecasterConfig(
        model=ModelConfig(backbone=backbone),
        variables=GFS,
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=6,
    )
    model = config.build()
    model.statistics.set({name: moments_of(dataset[name]) for name in (*GFS.surface, *GFS.upper)})
    model.set_static(static_fields(dataset, GFS))
    path = tmp_path_factory.mktemp("gfs") / "model.safetensors"
    Forecaster(model, config, {"period": ""}).save(path)
    return path


def moments_of(field: xr.DataArray) -> Moments:
    """Of one state; changes of a hundredth of the spread."""
    import torch

    field = field.sel(level=list(LEVELS)) if "level" in field.dims else field
    over = [dim for dim in field.dims if dim != "level"]
    mean, std = (
        torch.tensor(np.atleast_1d(moment.values)) for moment in (field.mean(over), field.std(over))
    )
    return Moments(mean, std, 0.01 * std)


def test_a_complete_gfs_state_comes_back_as_cfgrib_names_it(call, gfs, untrained, tmp_path):
    out = tmp_path / "forecast.nc"
    assert call("forecast", untrained, "--from", gfs, "--hours", 12, "--out", out) == 0
    with xr.open_dataset(out) as made:
        assert {"gh", "t", "u", "v", "q", "prmsl", "t2m", "u10", "v10"} <= set(made.data_vars)
        assert {"isobaricInhPa", "latitude", "longitude"} <= set(made.dims)
        assert made["isobaricInhPa"].values.tolist() == sorted(LEVELS, reverse=True)
        assert made["gh"].attrs["units"] in ("gpm", "m")
        height = float(made["gh"].sel(isobaricInhPa=500).mean())
        assert "gfs_2p5deg_26levels_20111008T00_f072.grib2" in made.attrs["history"]
    state, forecast = open_reanalysis(gfs), open_forecast(out)
    assert forecast["time"].values[0] == np.datetime64("2011-10-11T00")
    assert height == pytest.approx(float(state["z"].sel(level=500).mean()) / 9.80665, rel=2e-3)
    for name in ("z", "u", "v"):
        then = forecast[name].isel(time=0, lead_time=0).sel(level=500)
        now = state[name].isel(time=0).sel(level=500)
        assert float(np.corrcoef(then.values.ravel(), now.values.ravel())[0, 1]) > 0.99

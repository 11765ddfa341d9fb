"""Limited areas and fields with holes, from training to scores and maps, by the commands."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sciml.model_file import read_header
from weather.files.forecasts import open_forecast
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.boundary import Boundary
from weather.forecasting.forecaster import Forecaster
from weather.verification.evaluation import FORECAST, evaluate, training_period

WIDTH = 2
START = "2001-01-10T00"
HOURS = np.array([0, 6]) * np.timedelta64(1, "h")


@pytest.fixture(scope="module")
def files(waves, region, holed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regional")
    region.to_netcdf(folder / "region.nc")
    holed.to_netcdf(folder / "holed.nc")
    return folder


@pytest.fixture(scope="module")
def trained(call, files, tiny_config):
    """A run folder of a limited area whose fields have holes, for each backbone."""
    for name, config in tiny_config.items():
        options = [
            "--set", f"model.boundary={{width: {WIDTH}}}", "--objective.steps", 2,
            "--config", config, "--run", files / name,
        ]  # fmt: skip
        if name == "graph":
            options += ["--model.backbone.refinements", 2]
        assert call("train", files / "holed.nc", *options) == 0
    return files


def forecast(call, files, name, out, *options):
    return call(
        "forecast", files / name / "model.safetensors", "--from", files / "holed.nc",
        "--time", START, "--hours", 24, "--out", out, *options,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["transformer", "graph"])
def test_from_training_to_scores_and_maps(call, trained, name, region, holed, tmp_path, capsys):
    header = read_header(trained / name / "model.safetensors")
    assert header["config"]["masked"] == ["msl", "t"]
    assert np.isfinite(header["metadata"]["one_step_scores"]["msl"]["rmse"])
    json.dumps(header, allow_nan=False)
    out = tmp_path / "forecast.nc"
    assert forecast(call, trained, name, out, "--boundary", trained / "region.nc") == 0
    with open_forecast(out) as made:
        assert made.attrs["boundary_width"] == WIDTH
        valid = made["valid_time"].values[0]
        truth = open_reanalysis(trained / "holed.nc").sel(time=valid)
        for field in ("msl", "z", "t"):
            given = made[field].transpose("time", "lead_time", ..., "lat", "lon").values[0]
            true = truth[field].values.astype(np.float32)
            assert np.array_equal(np.isnan(given), np.isnan(true))
            inside = given[..., WIDTH:-WIDTH, WIDTH:-WIDTH].copy()
            given[..., WIDTH:-WIDTH, WIDTH:-WIDTH] = true[..., WIDTH:-WIDTH, WIDTH:-WIDTH]
            assert np.array_equal(given.astype(np.float32), true, equal_nan=True)
            assert not np.array_equal(inside, true[..., WIDTH:-WIDTH, WIDTH:-WIDTH], equal_nan=True)
    assert call("evaluate", out, "--truth", trained / "holed.nc", "--out", tmp_path) == 0
    assert "inside the frame of boundary data, 2 cells at each edge" in capsys.readouterr().out
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores[scores["metric"] == "rmse"]["value"].notna().all()
    assert (
        call("plot", out, "--product", "msl", "--lead", "24h", "--out", tmp_path / "map.png") == 0
    )


def test_the_shipped_limited_area_trains(call, files, tmp_path):
    options = [
        "--config", "europe_boundary", "--set", "data={forcing: [year]}", "--training.epochs", 1,
        "--model.backbone.dim", 16,
    ]  # fmt: skip
    assert call("train", files / "region.nc", "--run", tmp_path / "run", *options) == 0
    header = read_header(tmp_path / "run" / "model.safetensors")
    assert header["config"]["model"]["boundary"] == {"width": 3, "lookahead": True}


def test_a_real_domain_with_missing_corners(call, shared_data, tiny_config, tmp_path):
    storm = shared_data / "weather" / "namerica_storm_199601_6h.nc"
    options = [
        "--set", "data.variables={surface: [msl, u10, u500], forcing: [insolation]}",
        "--set", "data.train=[1996-01-05, 1996-01-16]", "--set", "model.boundary={width: 3}",
    ]  # fmt: skip
    folder = tmp_path / "run"
    config = tiny_config["transformer"]
    assert call("train", storm, "--config", config, "--run", folder, *options) == 0
    out = tmp_path / "forecast.nc"
    status = call(
        "forecast", folder / "model.safetensors", "--from", storm, "--boundary", storm,
        "--time", "1996-01-17T00", "--hours", 24, "--out", out,
    )  # fmt: skip
    assert status == 0
    with xr.open_dataset(out, decode_timedelta=True) as made:
        assert (np.isnan(made.msl).sum(("latitude", "longitude")) == 224).all()
    period = ["--climatology-period", "1996-01-05/1996-01-16"]
    assert call("evaluate", out, "--truth", storm, "--out", tmp_path, *period) == 0
    picture = ["--product", "msl", "--truth", storm, "--out", tmp_path / "map.png"]
    assert call("plot", out, *picture) == 0
    assert pd.read_csv(tmp_path / "scores.csv")["value"].notna().all()


def test_boundary_files_that_do_not_do(one_line, call, trained, waves, region, tmp_path):
    out = tmp_path / "forecast.nc"
    assert forecast(call, trained, "graph", out) == 2
    assert "inside of a frame of 2 cells; give analyses or a driving forecast" in one_line()
    region.isel(time=slice(38)).to_netcdf(tmp_path / "short.nc")
    assert forecast(call, trained, "graph", out, "--boundary", tmp_path / "short.nc") == 2
    assert "no boundary data for 2001-01-10T12:00" in one_line()
    waves.to_netcdf(tmp_path / "coarse.nc")
    assert forecast(call, trained, "graph", out, "--boundary", tmp_path / "coarse.nc") == 2
    assert "regrid them" in one_line()
    assert not out.exists()


def test_a_model_without_a_frame_takes_no_boundary(one_line, call, files, tiny_config, tmp_path):
    config, folder = tiny_config["transformer"], tmp_path / "run"
    assert call("train", files / "region.nc", "--config", config, "--run", folder) == 0
    out = tmp_path / "forecast.nc"
    arguments = ["--from", files / "region.nc", "--hours", 6, "--out", out]
    model = folder / "model.safetensors"
    assert call("forecast", model, *arguments, "--boundary", files / "region.nc") == 2
    assert "leave --boundary out" in one_line()


def test_a_globe_is_told_that_it_has_no_boundary(one_line, call, waves_file, tiny_config, tmp_path):
    options = ["--config", tiny_config["graph"], "--set", "model.boundary={width: 1}"]
    assert call("train", waves_file, "--run", tmp_path / "run", *options) == 2
    assert "leave model.boundary out" in one_line()
    assert not (tmp_path / "run").exists()


def test_holes_can_be_refused(one_line, call, files, tiny_config, tmp_path):
    options = ["--config", tiny_config["graph"], "--data.masks", "refuse"]
    assert call("train", files / "holed.nc", "--run", tmp_path / "run", *options) == 2
    assert "msl is NaN at all times in 6 of 140 cells" in one_line()


def test_fine_tuning_takes_the_holes_of_its_own_data(call, trained, region, tiny_config, tmp_path):
    corner = region.msl.where(region.latitude > -50).assign_attrs(units="Pa")
    hill = region.t.where((region.level < 800) | (region.longitude > 20)).assign_attrs(units="K")
    region.assign(msl=corner, t=hill).to_netcdf(tmp_path / "other.nc")
    options = [
        "--config", tiny_config["transformer"], "--set", f"model.boundary={{width: {WIDTH}}}",
        "--set", f"transfer={{checkpoint: {trained}/transformer/model.safetensors}}",
    ]  # fmt: skip
    assert call("train", tmp_path / "other.nc", "--run", tmp_path / "run", *options) == 0
    model = Forecaster.load(tmp_path / "run" / "model.safetensors", "cpu").model
    assert int(model.masks.named()["msl"].sum()) == 14


def test_a_frame_is_not_scored_and_holes_are_for_no_system(trained, region, tmp_path):
    dataset = open_reanalysis(trained / "region.nc")
    forecaster = Forecaster.load(trained / "graph" / "model.safetensors", "cpu")
    boundary = Boundary.of(forecaster.model, [trained / "region.nc"])
    made = forecaster.forecast(dataset, [np.datetime64(START)], 2, boundary)
    made.to_netcdf(tmp_path / "forecast.nc")
    read = open_forecast(tmp_path / "forecast.nc")
    training = training_period(dataset, read, "2001-01-01/2001-01-08")
    scores = evaluate(read, dataset, training)
    rmse = scores[(scores["metric"] == "rmse") & (scores["channel"] == "msl")]
    now, true = (dataset.msl.sel(time=np.datetime64(START) + h) for h in HOURS)
    known = ~np.isnan(made.msl.values[0, 0])
    error = np.where(known, (now - true).values, np.nan)[WIDTH:-WIDTH, WIDTH:-WIDTH]
    weights = np.broadcast_to(
        forecaster.config.grid.area_weights()[WIDTH:-WIDTH, None], error.shape
    )
    there = ~np.isnan(error)
    expected = np.sqrt(np.average(error[there] ** 2, weights=weights[there]))
    persistence = rmse[(rmse["system"] == "persistence") & (rmse["lead_hours"] == 6)]["value"]
    assert float(persistence.iloc[0]) == pytest.approx(expected, 1e-6)
    assert (rmse[rmse["system"] == FORECAST]["value"] > 0).all()

"""`weather explain` and `weather alarm`: files in the user's layout, pictures, bad input."""

import numpy as np
import pytest
import torch
import xarray as xr

from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.training.data import all_variables


@pytest.fixture(scope="module")
def files(waves, tmp_path_factory):
    """Analyses south to north with levels in Pa and names of another program, and a model."""
    folder = tmp_path_factory.mktemp("explain")
    other = waves.isel(latitude=slice(None, None, -1)).rename(t="temperature", latitude="y")
    other = other.assign_coords(level=("level", waves.level.values * 100, {"units": "Pa"}))
    other.to_netcdf(folder / "analyses.nc")
    dataset = open_reanalysis(folder / "analyses.nc")
    config = ForecasterConfig(
        model=ModelConfig(
            history=2, backbone=TransformerConfig(dim=8, depths=(1,), heads=(1,), window=(2, 4))
        ),
        variables=all_variables(dataset, ()),
        grid=LatLonGrid.from_dataset(dataset),
        step_hours=6,
    )
    torch.manual_seed(0)
    model = config.build()
    for name in ("z", "t", "msl"):
        one = model.statistics[name]
        one.mean.copy_(torch.tensor(dataset[name].mean(("time", "lat", "lon")).values))
        one.std.copy_(torch.tensor(dataset[name].std(("time", "lat", "lon")).values))
        one.change.copy_(one.std / 4)
    Forecaster(model, config, {}).save(folder / "model.safetensors")
    return folder


def explain(call, files, *options, hours=12, time="2001-01-05"):
    return call(
        "explain", files / "model.safetensors", "--from", files / "analyses.nc", "--hours", hours,
        "--time", time, *options,
    )  # fmt: skip


def test_the_file_looks_like_the_analyses(call, files, tmp_path, capsys):
    out, picture = tmp_path / "s.nc", tmp_path / "s.png"
    options = ("--point", -30, 90, "--variable", "t850", "--out", out, "--plot", picture)
    assert explain(call, files, *options) == 0
    told = capsys.readouterr().out
    assert "t850, 500 km around 30.0 S, 90.0 E (1 cell), 12 h after 2001-01-05 00 UTC" in told
    assert "depends most on t850" in told
    assert picture.stat().st_size > 10_000
    with xr.open_dataset(files / "analyses.nc") as given, xr.open_dataset(out) as made:
        for name in ("y", "longitude", "level"):
            np.testing.assert_array_equal(made[name], given[name])
        field = made["temperature_sensitivity"]
        assert field.dims == given["temperature"].dims
        assert field.attrs["units"] == "1e-12 K m-2"
        assert made["time"].values[-1] == np.datetime64("2001-01-05")
        assert made.sizes["time"] == 2
        summed = abs(field.sum("time")).max(("y", "longitude"))
        assert float(summed.level[int(summed.argmax("level"))]) == 85000
        peak = abs(field.sum("time")).sel(level=85000).argmax(...)
        assert float(made["y"][peak["y"]]) == pytest.approx(-33.75)
        assert float(made["longitude"][peak["longitude"]]) == 90.0
        assert float(made["target_weight"].sum()) == pytest.approx(1)


def test_what_cannot_be_explained_is_told_in_one_line(call, files, tmp_path, one_line):
    place, out = ("--point", 30, 90), ("--out", tmp_path / "s.nc")
    for options, message in (
        ((*place, *out, "--variable", "t851"), "forecasts no t851; did you mean"),
        ((*out, "--variable", "t850"), "give the place as --point"),
        ((*place, "--out", "s.png", "--variable", "t850"), "ends in .nc"),
        ((*place, *out, "--variable", "t850", "--boundary", "b.nc"), "leave --boundary out"),
    ):
        assert explain(call, files, *options) == 2
        assert message in one_line()
    what = (*place, *out, "--variable", "t850")
    assert explain(call, files, *what, hours=7) == 2
    assert "a lead time of 7 h; time steps of 6 h do not add up to it" in one_line()
    assert explain(call, files, *what, time="2001-01-05T03") == 2
    assert "no analysis at" in one_line()
    assert not list(tmp_path.iterdir())


def test_an_onnx_model_has_no_gradients(call, files, tmp_path, one_line):
    pytest.importorskip("onnxscript")
    model = tmp_path / "model.onnx"
    assert call("export", files / "model.safetensors", "--out", model) == 0
    options = ("--hours", 12, "--point", 0, 0, "--variable", "msl", "--out", tmp_path / "s.nc")
    assert call("explain", model, "--from", files / "analyses.nc", *options) == 2
    assert "model.onnx is an ONNX file, which has no gradients" in one_line()


def test_alarms_of_a_forecast(call, files, tmp_path, capsys, one_line):
    forecast, out = tmp_path / "f.nc", tmp_path / "a.nc"
    options = ("--hours", 12, "--time", "2001-01-14", "--out", forecast)
    data = files / "analyses.nc"
    model = files / "model.safetensors"
    assert call("forecast", model, "--from", data, *options) == 0
    known = ("--model", model)
    assert call("alarm", forecast, *known, "--out", out, "--plot", tmp_path / "a.png") == 0
    assert "0.0% of all values lie outside of the range of the training data" in (
        capsys.readouterr().out
    )
    with xr.open_dataset(out, decode_timedelta=True) as made:
        assert made["excess"].dims == ("time", "lead_time", "latitude", "longitude")
        assert not made["excess"].any()
    assert (tmp_path / "a.png").stat().st_size > 10_000
    for command in (
        ("alarm", forecast, *known, "--out", forecast),
        ("forecast", model, "--from", data, "--overwrite", *options[:-1], data),
    ):
        assert call(*command) == 2
        assert "is an input; choose another output" in one_line()
    assert call("alarm", forecast, "--climatology-from", data, "--out", out) == 2
    assert "give at least 20 with --climatology-from" in one_line()
    for wrong, line in (
        (("--plot", tmp_path / "a.xyz"), "expected a name that ends in .png"),
        (("--plot", tmp_path / "b.png", "--lead", "7h"), "no lead time 7 h; the file has 6, 12 h"),
        (("--lead", "6h"), "give --plot too"),
    ):
        assert call("alarm", forecast, *known, "--out", tmp_path / "b.nc", *wrong) == 2
        assert line in one_line()
        assert not (tmp_path / "b.nc").exists()
    assert call("alarm", forecast, "--out", out) == 2
    assert "--climatology-from ANALYSES, or --model MODEL" in one_line()

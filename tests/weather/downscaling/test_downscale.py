"""`weather train --config downscaling` and `weather downscale` from end to end."""

import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import load_file

from weather.downscaling.downscaler import Downscaler, DownscalerConfig, refine
from weather.downscaling.experiment import usual
from weather.downscaling.objective import DownscalingLoss, DownscalingLossConfig
from weather.downscaling.refinement import Refinement
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig
from weather.state import State
from weather.training.data import all_variables, open_fields, samples
from weather.training.regrid import Regridder
from weather.variables import Variables

DOWNSCALING = ["--objective.kind", "downscaling"]


def coarsened(fine: xr.Dataset) -> xr.Dataset:
    """The fields on the grid of half the resolution, south to north and in hPa."""
    grid = LatLonGrid(lat=fine.latitude.values.tolist(), lon=fine.longitude.values.tolist())
    coarse, means = grid.halved(), Regridder(grid, grid.halved())
    fields = {
        name: (field.dims, means(field.values), field.attrs)
        for name, field in fine.data_vars.items()
        if "time" in field.dims
    }
    places = {
        name: (name, list(values), fine[name].attrs)
        for name, values in (("latitude", coarse.lat), ("longitude", coarse.lon))
    }
    made = xr.Dataset(fields, {"time": fine.time, "level": fine.level, **places})
    made["msl"] = (made.msl / 100).assign_attrs(made.msl.attrs | {"units": "hPa"})
    return made.isel(latitude=slice(None, None, -1)).rename(t="temperature")


@pytest.fixture(scope="module")
def run_folder(call, waves_file, tiny_config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "downscaling"
    options = ["--config", tiny_config["transformer"], "--run", folder, *DOWNSCALING]
    assert call("train", waves_file, *options) == 0
    return folder


def test_what_a_checkpoint_holds_is_not_measured_again(
    call, run_folder, waves_file, tiny_config, tmp_path, monkeypatch
):
    run = shutil.copytree(run_folder, tmp_path / "run")
    options = ["--config", tiny_config["transformer"], *DOWNSCALING, "--training.epochs", "2"]
    monkeypatch.setattr("weather.downscaling.experiment.usual", None)
    assert call("train", waves_file, *options, "--run", run, "--resume") == 0
    before, after = (load_file(path / "model.safetensors") for path in (run_folder, run))
    measured = [name for name in before if name.startswith("statistics.")]
    assert measured
    for name in measured:
        assert torch.equal(after[name], before[name])
    assert any(not torch.equal(after[name], before[name]) for name in before)


@pytest.fixture(scope="module")
def coarse_file(waves, tmp_path_factory):
    path = tmp_path_factory.mktemp("coarse") / "coarse.nc"
    coarse = coarsened(waves.isel(time=slice(0, 3))).assign_attrs(history="cdo remapcon")
    coarse.to_netcdf(path)
    return path


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_a_file_comes_back_finer_with_the_same_means(
    call, run_folder, coarse_file, waves, suffix, tmp_path
):
    out = tmp_path / f"fine.{suffix}"
    assert call("downscale", run_folder / "model.safetensors", coarse_file, "--out", out) == 0
    with xr.open_dataset(out) as fine, xr.open_dataset(coarse_file) as coarse:
        assert fine.msl.units == "hPa"
        assert fine.attrs["history"].startswith("cdo remapcon\n")
        assert "Z weather" in fine.attrs["history"].splitlines()[-1]
        assert fine.sizes == {"time": 3, "level": 2, "latitude": 8, "longitude": 16}
        assert fine.temperature.dims == coarse.temperature.dims
        np.testing.assert_array_equal(fine.time, coarse.time)
        np.testing.assert_allclose(fine.latitude, waves.latitude[::-1])
        north_up = fine.isel(latitude=slice(None, None, -1))
        again = coarsened(north_up.rename(temperature="t"))
        for name, ratio in {"z": 1, "temperature": 1, "msl": 100}.items():
            np.testing.assert_allclose(ratio * again[name], coarse[name], rtol=2e-6)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_what_a_downscaler_gives_is_not_negative(grids):
    """From Python as in a file; a masked field is only cut."""
    variables = Variables(surface=("tp", "siconc"), upper=("q",), levels=(500,))
    made = DownscalerConfig(
        model=ModelConfig(), variables=variables, grid=grids["region"], masked=("siconc",)
    )
    torch.manual_seed(0)
    model = made.build()
    land = torch.zeros(made.grid.shape, dtype=torch.bool)
    land[:3] = True
    model.masks.set({"siconc": land})
    downscaler = Downscaler(model, made, {})
    coarse = downscaler.refinement.coarse
    fields = torch.rand(1, 1, 3, *coarse.shape) ** 8
    state = State(
        surface=fields[:, :, :2], upper=fields[:, :, 2:, None],
        time=torch.zeros(1, 1, dtype=torch.int64), variables=variables, grid=coarse,
    )  # fmt: skip
    state = downscaler.refinement.coarse_masks.blank(state)
    fine = downscaler.downscale(state)
    with torch.no_grad():
        raw = refine(model, downscaler.refinement, state)
    assert float(raw.surface[:, :, 0].min()) < 0
    assert 0 <= float(fine.upper.min()) < 1e-3
    assert 0 <= float(fine.surface[:, :, 0].min()) < 1e-3
    assert float(fine.surface.nan_to_num().min()) == 0
    assert fine.surface.isnan().equal(raw.surface.isnan())
    again = downscaler.refinement.coarsen(fine)
    torch.testing.assert_close(again.upper, state.upper, rtol=1e-5, atol=1e-7)


def test_members_are_downscaled_one_by_one(call, run_folder, coarse_file, tmp_path):
    with xr.open_dataset(coarse_file) as coarse:
        both = xr.concat([coarse, coarse.isel(time=[2, 1, 0]).assign_coords(time=coarse.time)],
                         xr.Variable("number", [4, 7]))  # fmt: skip
        both.to_netcdf(tmp_path / "members.nc")
    out = tmp_path / "fine.nc"
    model = run_folder / "model.safetensors"
    assert call("downscale", model, tmp_path / "members.nc", "--out", out) == 0
    assert call("downscale", model, coarse_file, "--out", tmp_path / "one.nc") == 0
    with xr.open_dataset(out) as fine, xr.open_dataset(tmp_path / "one.nc") as one:
        assert fine.number.values.tolist() == [4, 7]
        np.testing.assert_array_equal(fine.z.sel(number=4).values, one.z.values)
        np.testing.assert_array_equal(fine.z.sel(number=7)[1].values, one.z[1].values)
        assert not np.allclose(fine.z.sel(number=7)[0].values, one.z[0].values, atol=1)


def test_saved_and_loaded_it_is_the_same(run_folder, coarse_file, tmp_path):
    first = Downscaler.load(run_folder / "model.safetensors")
    first.save(tmp_path / "again.safetensors")
    second = Downscaler.load(tmp_path / "again.safetensors")
    dataset = first.checked(open_reanalysis([coarse_file]))
    time = dataset["time"].values[1]
    made = [d.downscale(d.at(dataset, time)) for d in (first, second)]
    assert torch.equal(made[0].upper, made[1].upper)
    assert first.metadata["scores"]["z500"]["bicubic"] > 0


def test_prepare_makes_what_it_reads(call, run_folder, waves_file, tmp_path):
    half, out = tmp_path / "half.zarr", tmp_path / "fine.nc"
    assert call("prepare", waves_file, "--out", half, "--grid", "half") == 0
    assert call("downscale", run_folder / "model.safetensors", half, "--out", out) == 0
    with xr.open_dataset(out) as fine, xr.open_dataset(waves_file) as waves:
        assert fine.sizes["time"] == waves.sizes["time"]
        error = (fine.msl.values - waves.msl.values) / waves.msl.values.std()
        assert np.sqrt(np.mean(error**2)) < 0.5


def test_a_model_that_adds_nothing_has_the_error_of_interpolation(waves_file, run_folder):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ("insolation",))
    fields = open_fields(dataset, variables, memory=1)
    data = samples(fields, (fields.times[0], fields.times[-1]), 0, 1)
    model = Downscaler.load(run_folder / "model.safetensors").model
    refinement = Refinement(model.grid)
    model.statistics.set(usual(data, refinement))
    for parameter in model.backbone.head.parameters():
        parameter.data.zero_()
    batch = data.__getitems__([3, 40])
    loss, _ = DownscalingLoss(DownscalingLossConfig(), refinement, model)(model, batch)
    start = refinement.start(refinement.coarsen(batch))
    area = torch.from_numpy(model.grid.area_weights())[:, None]
    errors = [
        ((getattr(start, kind) - getattr(batch, kind))[:, 0] / getattr(model.statistics, kind)
         ("change")).square() * area
        for kind in ("surface", "upper")
    ]  # fmt: skip
    expected = (errors[0].mean() + 2 * errors[1].mean()) / 3  # msl; z and t
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-3)


def test_it_starts_from_a_forecast_model(call, waves_file, tiny_config, tmp_path):
    config = ["--config", tiny_config["transformer"]]
    assert call("train", waves_file, *config, "--run", tmp_path / "forecast") == 0
    start = tmp_path / "forecast" / "model.safetensors"
    options = [f'transfer={{checkpoint: {start}, anew: ["backbone.head.*", "*.change"]}}',
               "training.optimizer.lr=1e-30", "training.optimizer.weight_decay=0"]  # fmt: skip
    sets = [word for option in options for word in ("--set", option)]
    run = tmp_path / "downscaling"
    assert call("train", waves_file, *config, "--run", run, *DOWNSCALING, *sets) == 0
    theirs, ours = load_file(start), load_file(run / "model.safetensors")
    for name, tensor in theirs.items():
        if not (name.startswith("backbone.head.") or name.endswith(".change")):
            assert torch.equal(ours[name], tensor), name


def test_what_does_not_fit_is_one_line(
    call, one_line, run_folder, waves_file, coarse_file, region, tiny_config, tmp_path
):
    model, out = run_folder / "model.safetensors", tmp_path / "fine.nc"
    assert call("downscale", model, waves_file, "--out", out) == 2
    assert "4 x 8" in one_line()
    assert call("downscale", model, coarse_file, "--out", coarse_file) == 2
    assert "is an input; choose another output" in one_line()
    assert call("downscale", model, coarse_file, "--out", tmp_path / "fine.grib") == 2
    assert "ends in .nc or .zarr" in one_line()
    assert call("forecast", model, "--from", waves_file, "--out", out) == 2
    assert "holds a weather.downscaler; expected a weather.forecaster" in one_line()
    region.isel(longitude=slice(0, 13)).to_netcdf(tmp_path / "odd.nc")
    options = ["--config", tiny_config["graph"], "--run", tmp_path / "run", *DOWNSCALING]
    assert call("train", tmp_path / "odd.nc", *options) == 2
    assert "no grid of half the resolution" in one_line()
    for part, value in (("noise", "{dim: 4}"), ("diffusion", "{order: 4}")):
        with_it = ["--config", tiny_config["transformer"], "--set", f"model.{part}={value}"]
        assert call("train", waves_file, *with_it, *DOWNSCALING, "--run", tmp_path / "run") == 2
        assert f"leave out model.{part}" in one_line()
    assert not out.exists()


def test_a_test_period_without_times_is_refused_before_training(
    call, one_line, waves_file, tiny_config, tmp_path
):
    run = tmp_path / "run"
    periods = [word for name, dates in (("train", "[2001, 2001]"), ("test", "[2030, 2031]"))
               for word in ("--set", f"data.{name}={dates}")]  # fmt: skip
    options = ["--config", tiny_config["transformer"], "--run", run, *DOWNSCALING, *periods]
    assert call("train", waves_file, *options) == 2
    assert "data.test is 2030-01-01 to 2031-12-31, the data 2001-01-01 to" in one_line()
    assert not run.exists()

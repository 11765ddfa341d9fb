"""A run goes on with the data it was begun with, by content, wherever they are."""

import shutil

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import load_file

from sciml.config import load_config
from sciml.errors import InputError
from sciml.run_folder import open_run
from weather.training import same_data
from weather.training.data import DataConfig
from weather.training.experiment import ExperimentConfig
from weather.training.same_data import contents, open_run_on
from weather.training.series import open_data


@pytest.fixture(scope="module")
def begun(call, waves, tiny_config, tmp_path_factory):
    """Data, and a run of one epoch on them whose configuration is none that ships."""
    folder = tmp_path_factory.mktemp("begun")
    waves.to_netcdf(folder / "data.nc")
    rate = ("--training.optimizer.schedule", "constant")
    options = ("--config", tiny_config["graph"], *rate)
    assert call("train", folder / "data.nc", *options, "--run", folder / "run") == 0
    two = ("--training.epochs", 2, "--run", folder / "unbroken")
    assert call("train", folder / "data.nc", *options, *two) == 0
    return folder


@pytest.fixture
def copied(begun, tmp_path):
    """A copy of the run, whose data stay where they are."""
    return shutil.copytree(begun / "run", tmp_path / "run")


def resumed(run):
    return ("--resume", "--run", run, "--training.epochs", 2)


def test_a_run_goes_on_by_its_folder_alone(call, begun, copied):
    assert call("train", *resumed(copied)) == 0
    unbroken = load_file(begun / "unbroken" / "model.safetensors")
    for name, tensor in load_file(copied / "model.safetensors").items():
        torch.testing.assert_close(tensor, unbroken[name], rtol=0, atol=0, msg=name)


def test_data_that_were_moved_are_the_same(call, waves, copied, tmp_path):
    """In two files, of another format and order, with another field."""
    waves = waves.assign(sp=waves.msl)
    first = waves.isel(time=slice(30), latitude=slice(None, None, -1))
    first.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    waves.isel(time=slice(30, None)).to_netcdf(tmp_path / "b.nc")
    assert call("train", tmp_path / "a.zarr", tmp_path / "b.nc", *resumed(copied)) == 0
    again = load_config(ExperimentConfig, copied / "config.yaml")
    assert again.data.paths == (str(tmp_path / "a.zarr"), str(tmp_path / "b.nc"))


@pytest.mark.parametrize(("change", "words"), [
    (lambda data: data.isel(time=slice(50)), "60 times, 2001-01-01T00:00 to 2001-01-15T18"),
    (lambda data: data.isel(latitude=slice(6)), "8 x 16 cells"),
    (lambda data: data.assign(msl=data.msl + (data.time == data.time[7])), "other values (60"),
    (lambda data: data.assign(z_surface=data.z_surface + 1), "other values (60 times"),
    (lambda data: data.assign_coords(time=data.time[[*range(58), 59, 58]]).sortby("time"),
     "other values (60 times"),
])  # fmt: skip
def test_other_data_are_refused(change, words, call, waves, copied, tmp_path, one_line):
    other = change(waves)
    for name in other.data_vars:
        other[name].attrs = waves[name].attrs
    other.to_netcdf(tmp_path / "data.nc")
    before = (copied / "data.json").read_text()
    assert call("train", tmp_path / "data.nc", *resumed(copied)) == 2
    assert f"was begun with {words}" in one_line()
    assert (copied / "data.json").read_text() == before


def test_what_is_missing_to_go_on_is_told(call, begun, copied, waves, tmp_path, one_line):
    settings = (copied / "config.yaml").read_text()
    (copied / "config.yaml").write_text(settings.replace("data.nc", "gone.nc"))
    waves.drop_vars("msl").to_netcdf(tmp_path / "less.nc")
    assert call("train", tmp_path / "less.nc", *resumed(copied)) == 2
    assert "no variable 'msl' in the data" in one_line()
    assert call("train", *resumed(copied)) == 2
    assert "gone.nc: no such file" in (line := one_line())
    assert "name the data where they are now" in line
    assert call("train", "--resume", copied) == 2
    assert "--resume needs the folder of the run: --run FOLDER" in one_line()
    assert call("train", "--resume", "--run", tmp_path / "none") == 2
    assert "nothing to resume in" in one_line()
    assert call("train", "--resume", "--run", begun) == 2
    assert "is no folder of a run: it has no config.yaml" in one_line()
    assert call("train", "--run", tmp_path / "new") == 2
    assert "no data given" in one_line()


def test_pretraining_and_downscaling_go_on_alike(call, waves_file, tiny_config, tmp_path, one_line):
    config = ("--config", tiny_config["graph"])
    downscaling = ("--objective.kind", "downscaling", "--data.forcing", "[]")
    for command, options in (("pretrain", ()), ("train", downscaling)):
        run = tmp_path / command
        assert call(command, waves_file, *config, "--run", run, *options) == 0
        data = shutil.copy(waves_file, tmp_path / "moved.nc")
        assert call(command, data, *resumed(run)) == 0
        with xr.open_dataset(waves_file) as waves:
            (waves.isel(time=slice(40))).to_netcdf(tmp_path / "other.nc")
        assert call(command, tmp_path / "other.nc", *resumed(run)) == 2
        assert "was begun with 60 times" in one_line()


def test_a_run_without_notes_of_its_data_goes_on_at_the_same_place(waves_file, tmp_path):
    """One that was begun before they were noted."""
    config = ExperimentConfig(data=DataConfig(paths=(str(waves_file),)))
    open_run(tmp_path / "run", config, resume=False)
    series = open_data(config.data, print)
    moved = config.model_copy(update={"data": DataConfig(paths=("moved.nc",))})
    with pytest.raises(InputError, match=r"was begun with data\.paths"):
        open_run_on(series, tmp_path / "run", moved, resume=True)
    open_run_on(series, tmp_path / "run", config, resume=True)
    assert (tmp_path / "run" / "data.json").exists()


def test_of_a_large_series_three_times_are_read(waves_file, monkeypatch):
    series = open_data(DataConfig(paths=(str(waves_file),)), print)
    read, cut = [], series.fields.cut
    monkeypatch.setattr(same_data, "_SAMPLED", 0)
    monkeypatch.setattr(series.fields, "cut", lambda index: read.append(index) or cut(index))
    contents(series)
    assert np.concatenate(read).ravel().tolist() == [0, 30, 59]


def test_fields_on_disk_and_in_memory_are_the_same(waves_file):
    paths = (str(waves_file),)
    held = contents(open_data(DataConfig(paths=paths), print))
    assert contents(open_data(DataConfig(paths=paths, memory=0), print)) == held


def test_times_after_all_periods_do_not_count(waves, waves_file, tmp_path):
    waves.isel(time=slice(50)).to_netcdf(tmp_path / "data.nc")
    dates = {"train": ("2001-01-01", "2001-01-08"), "valid": ("2001-01-09", "2001-01-11")}
    longer, shorter = (
        contents(open_data(DataConfig(paths=(str(path),), **dates), print))
        for path in (waves_file, tmp_path / "data.nc")
    )
    assert longer == shorter

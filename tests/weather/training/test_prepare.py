"""A prepared store: what it holds, that it goes on where it stopped, and within its memory."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch
import xarray as xr
import zarr

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.models.forcing import forcing
from weather.training import budget
from weather.training.data import all_variables
from weather.training.prepare import Preparation, prepare
from weather.training.regrid import Regridder
from weather.training.source import SOLAR_CONSTANT, Choice
from weather.training.store import MODEL_RADIUS

COARSE = Choice(grid="45")  # 5 x 8 cells


@pytest.fixture(scope="module")
def file(waves, tmp_path_factory):
    """Waves over the turn of a month, with two times missing."""
    path = tmp_path_factory.mktemp("prepare") / "waves.nc"
    times = np.datetime64("2001-01-25", "ns") + np.arange(60) * np.timedelta64(6, "h")
    waves.assign_coords(time=times).drop_isel(time=[20, 21]).to_netcdf(path)
    return str(path)


@pytest.fixture
def small_slabs(monkeypatch):
    monkeypatch.setattr(budget, "_LARGEST", 1)


def made(file, out, static=(), **settings):
    return prepare([file], list(static), Preparation(**settings), out)


@pytest.mark.parametrize(("version", "compression"), [(2, "lz4"), (3, "zstd"), (3, "none")])
def test_without_a_choice_the_data_is_read_back_unchanged(version, compression, file, tmp_path):
    made(file, tmp_path / "s.zarr", zarr_format=version, compression=compression)
    found, given = open_reanalysis(tmp_path / "s.zarr"), open_reanalysis(file)
    assert zarr.open_group(tmp_path / "s.zarr").metadata.zarr_format == version
    xr.testing.assert_equal(found, given.astype(np.float32))
    for name in given.variables:
        assert found[name].dims == given[name].dims
        assert name == "time" or found[name].attrs == given[name].attrs
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_data_larger_than_memory_keep_their_static_fields(file, tmp_path, monkeypatch):
    monkeypatch.setattr("weather.files.reanalysis.LARGE", 0)
    given = open_reanalysis(file)
    assert given["z_surface"].chunks
    made(file, tmp_path / "s.zarr")
    xr.testing.assert_equal(open_reanalysis(tmp_path / "s.zarr"), given.astype(np.float32))


def test_every_time_is_regridded(file, tmp_path, small_slabs):
    prepared = made(file, tmp_path / "s.zarr", choice=COARSE, time_chunk=4)
    found, given = open_reanalysis(tmp_path / "s.zarr"), open_reanalysis(file)
    regrid = Regridder(LatLonGrid.from_dataset(given), LatLonGrid.from_dataset(found))
    assert found["t"].shape == (58, 2, 5, 8)
    for name in ("z", "t", "msl", "z_surface"):
        expected = regrid(given[name].values).astype(np.float32)
        np.testing.assert_array_equal(found[name].values, expected)
    assert prepared.notes == (
        "gap in time: 2001-01-29T18:00 to 2001-01-30T12:00 (18 h; kept, no sample crosses it)",
    )


def test_the_history_of_the_data_goes_on(file, tmp_path):
    source = tmp_path / "own.nc"
    xr.open_dataset(file).assign_attrs(history="grib_to_netcdf x.grib").to_netcdf(source)
    config = Preparation(choice=COARSE)
    prepare([str(source)], [], config, tmp_path / "s.zarr", command="weather prepare own.nc")
    first, made_so, command = xr.open_zarr(tmp_path / "s.zarr").attrs["history"].splitlines()
    assert first == "grib_to_netcdf x.grib"
    assert made_so.startswith("weather prepare (sciml-foundation")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ weather prepare own\.nc", command)


def test_a_chunk_holds_the_globe_and_all_levels_at_few_times(file, tmp_path):
    made(file, tmp_path / "s.zarr", choice=COARSE)
    group = zarr.open_group(tmp_path / "s.zarr")
    assert group["t"].chunks == (8, 2, 5, 8)
    assert group["msl"].chunks == (8, 5, 8)
    raw = xr.open_zarr(tmp_path / "s.zarr")
    assert raw["t"].attrs["cell_methods"] == "area: mean"
    assert raw["t"].attrs["cell_measures"] == "area: cell_area"
    assert "means over cells, from 8 x 16 cells" in raw.attrs["history"]
    sphere = 4 * np.pi * MODEL_RADIUS**2
    assert float(raw["cell_area"].sum() * 8) == pytest.approx(sphere, rel=1e-12)


def test_variables_levels_and_times_are_chosen(file, tmp_path):
    choice = Choice(
        variables=("temperature", "msl"), levels=(850,), start="2001-01-27", end="2001-02-01",
        every=12,
    )  # fmt: skip
    made(file, tmp_path / "s.zarr", choice=choice)
    found, given = open_reanalysis(tmp_path / "s.zarr"), open_reanalysis(file)
    times = np.arange("2001-01-27", "2001-02-02", 12, dtype="datetime64[h]")
    times = np.setdiff1d(times, np.array(["2001-01-30T00"], "datetime64[h]"))
    expected = given[["t", "msl"]].sel(level=[850], time=times.astype("datetime64[ns]"))
    xr.testing.assert_equal(found, expected.astype(np.float32))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"choice": Choice(variables=("tt",))}, "no variable 'tt' in the data"),
        ({"choice": Choice(levels=(700,))}, "no level 700 hPa in the data"),
        ({"choice": Choice(start="2010")}, "no times of the data .* lie in 2010"),
        ({"choice": Choice(every=5)}, "no two times of the data are 5 h apart"),
        ({"choice": Choice(start="soon")}, "cannot read"),
        ({"choice": Choice(grid="1")}, "finer than the data"),
        ({"choice": Choice(variables=("z_surface",))}, "no variable of the data changes"),
        ({"memory": 2**20}, "--memory 1MiB is too little .* give at least 97MiB"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(settings, message, file, tmp_path):
    with pytest.raises(InputError, match=message):
        made(file, tmp_path / "s.zarr", **settings)
    assert not any(tmp_path.iterdir())


def test_a_store_is_named_as_one(file, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.zarr"):
        made(file, tmp_path / "store.nc")


def stop_after(count):
    """A callback that stops the run at its n-th call, as Ctrl-C does."""
    calls = []

    def advance(done):
        calls.append(done)
        if len(calls) == count:
            raise KeyboardInterrupt

    return advance


def contents(path):
    return {p.relative_to(path): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize("calls", [1, 10])
def test_a_run_that_was_stopped_ends_as_an_unbroken_one(calls, file, tmp_path, small_slabs):
    config = Preparation(choice=COARSE.model_copy(update={"insolation": True}), time_chunk=10)
    prepare([file], [], config, tmp_path / "unbroken.zarr")
    out = tmp_path / "resumed.zarr"
    with pytest.raises(KeyboardInterrupt):
        prepare([file], [], config, out, advance=stop_after(calls))
    assert not out.exists()
    begun = []
    prepare([file], [], config, out, begin=lambda total, done: begun.append((total, done)))
    assert begun == [(58 * 4, (calls - 1) // 4 * 10 * 4)]
    assert contents(out) == contents(tmp_path / "unbroken.zarr")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["resumed.zarr", "unbroken.zarr"]


def test_an_unfinished_store_of_other_settings_is_kept(file, tmp_path, small_slabs):
    out = tmp_path / "s.zarr"
    with pytest.raises(KeyboardInterrupt):
        prepare([file], [], Preparation(choice=COARSE), out, advance=stop_after(6))
    with pytest.raises(InputError, match="was begun with grid 45, not 90; give the same"):
        made(file, out, choice=Choice(grid="90"))
    made(file, out, choice=COARSE)
    with pytest.raises(InputError, match="is there already"):
        made(file, out, choice=COARSE)


def test_static_fields_come_from_any_grid(file, tmp_path):
    lat, lon = np.linspace(90, -90, 37), np.arange(72) * 5 - 180.0
    land = (lon[None] > 0) & (lat[:, None] > -60)
    fields = {
        "lsm": (("latitude", "longitude"), land.astype(float), {"units": "1"}),
        "slt": (("latitude", "longitude"), land * 3.0),
    }
    degrees = {"latitude": ("latitude", lat, {"units": "degrees_north"})}
    degrees["longitude"] = ("longitude", lon, {"units": "degrees_east"})
    xr.Dataset(fields, degrees).to_netcdf(tmp_path / "land.nc")
    static = [str(tmp_path / "land.nc")]
    prepared = made(file, tmp_path / "s.zarr", static, choice=COARSE)
    assert prepared.notes[0] == "slt left out: categories have no mean over a cell"
    found = open_reanalysis(tmp_path / "s.zarr")
    assert all_variables(found, ()).static == ("lsm", "z_surface")
    np.testing.assert_allclose(found["lsm"].sel(lat=[45, 0]).isel(lon=slice(1, 4)), 1)
    np.testing.assert_allclose(found["lsm"].sel(lat=[45, 0]).isel(lon=slice(5, 8)), 0)


def test_static_fields_of_a_region_may_count_longitudes_from_elsewhere(waves, tmp_path):
    region = waves.isel(longitude=slice(10, 14), time=slice(8))
    region.drop_vars("z_surface").to_netcdf(tmp_path / "a.nc")
    west = region[["z_surface"]].assign_coords(longitude=region.longitude - 360)
    west.to_netcdf(tmp_path / "b.nc")
    made(str(tmp_path / "a.nc"), tmp_path / "s.zarr", [str(tmp_path / "b.nc")])
    found = open_reanalysis(tmp_path / "s.zarr")
    np.testing.assert_allclose(found["z_surface"], region["z_surface"], rtol=1e-6)


def test_insolation_is_that_of_the_models_and_no_variable_to_learn(file, tmp_path):
    made(file, tmp_path / "s.zarr", choice=Choice(grid="45", insolation=True))
    found = open_reanalysis(tmp_path / "s.zarr")
    grid = LatLonGrid.from_dataset(found)
    seconds = torch.from_numpy(found["time"].values.astype("datetime64[s]").astype(np.int64))
    lat, lon = torch.tensor(grid.lat).double(), torch.tensor(grid.lon).double()
    expected = SOLAR_CONSTANT * forcing(["insolation"], seconds, lat, lon)[:, 0]
    np.testing.assert_allclose(found["insolation"], expected, atol=1e-3)
    assert all_variables(found, ()).surface == ("msl",)
    attributes = xr.open_zarr(tmp_path / "s.zarr")["insolation"].attrs
    assert attributes["standard_name"] == "toa_incoming_shortwave_flux"
    assert attributes["cell_methods"] == "time: point"


def spoiled(file, tmp_path, times):
    """`file` with NaN in t over a few cells at some times."""
    dataset = xr.open_dataset(file).load()
    dataset["t"][times, 1, 2, 3:6] = np.nan
    dataset.to_netcdf(tmp_path / "nan.nc")
    return str(tmp_path / "nan.nc")


def test_a_mask_that_stays_is_kept(file, tmp_path):
    masked = spoiled(file, tmp_path, slice(None))
    prepared = made(masked, tmp_path / "s.zarr")
    told = "t: 1.2% of the values are NaN at all times, which training takes for a mask"
    assert prepared.notes[1:] == (told,)
    found = open_reanalysis(tmp_path / "s.zarr")
    assert int(found["t"].isnull().sum()) == 58 * 3
    statistics = xr.open_zarr(tmp_path / "s.zarr", group="statistics")
    expected = open_reanalysis(masked)["t"].astype(np.float32).astype(float)
    pairs = np.setdiff1d(np.arange(57), [19])  # each time but those before a gap and the end
    np.testing.assert_allclose(
        statistics["t_mean"], expected[pairs].mean(["time", "lat", "lon"]), rtol=1e-13
    )


@pytest.mark.parametrize("times", [[30, 31], slice(0, 5)])
def test_nan_that_comes_and_goes_is_refused_or_counted(times, file, tmp_path, small_slabs):
    masked, out = spoiled(file, tmp_path, times), tmp_path / "s.zarr"
    when = "2001-02-02T00:00" if times == [30, 31] else "2001-01-25T00:00"
    where = rf"t is NaN on {when} at 850 hPa, 33.75 N, 67.5 E, but not at all times"
    with pytest.raises(InputError, match=where):
        made(masked, out)
    assert not out.exists()
    prepared = made(masked, out, allow_nan=True)
    assert f"values are NaN at some times only, the first on {when}" in prepared.notes[-1]
    assert int(open_reanalysis(out)["t"].isnull().sum()) == 3 * (2 if times == [30, 31] else 5)


def test_a_region_is_prepared_without_the_globe(file, tmp_path):
    region = xr.open_dataset(file).sel(latitude=slice(80, -40), longitude=slice(40, 250)).load()
    region.to_netcdf(tmp_path / "region.nc")
    made(str(tmp_path / "region.nc"), tmp_path / "s.zarr", choice=COARSE)
    found = open_reanalysis(tmp_path / "s.zarr")
    assert found["lat"].values.tolist() == [90, 45, 0]
    assert found["lon"].values.tolist() == [90, 135, 180, 225]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(file, tmp_path):
    config = Preparation(choice=COARSE, time_chunk=10)
    code = (
        "import os; from pathlib import Path\n"
        "from weather.training import budget\n"
        "from weather.training.prepare import Preparation, prepare\n"
        "budget._LARGEST, calls = 1, []\n"
        "def advance(done): calls.append(done); len(calls) == 8 and os._exit(9)\n"
        f"config = Preparation.model_validate_json({config.model_dump_json()!r})\n"
        f"prepare([{file!r}], [], config, Path({str(tmp_path / 'killed.zarr')!r}), advance=advance)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    prepare([file], [], config, tmp_path / "killed.zarr")
    prepare([file], [], config, tmp_path / "unbroken.zarr")
    assert contents(tmp_path / "killed.zarr") == contents(tmp_path / "unbroken.zarr")

"""What a user may name: files, globs, folders, URLs, short names; all of them lazily."""

import functools
import http.server
import shutil
import threading
import zipfile

import fsspec
import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files import sources, stores
from weather.files.reanalysis import open_reanalysis
from weather.files.sources import expand, open_source


@pytest.fixture
def few(waves):
    return waves.isel(time=slice(4))


@pytest.fixture
def served(tmp_path):
    """A folder and its address on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write(dataset, path, version=2):
    dataset.to_zarr(path, zarr_format=version, consolidated=version == 2)


def check(dataset, few):
    np.testing.assert_allclose(dataset.msl, few.msl)
    np.testing.assert_allclose(dataset.z, few.z)


@pytest.mark.parametrize("version", [2, 3])
def test_a_zarr_folder_of_either_version(version, few, tmp_path):
    write(few, tmp_path / "store.zarr", version)
    check(open_reanalysis(tmp_path / "store.zarr"), few)


def test_a_zarr_store_in_a_zip_archive(few, tmp_path):
    write(few, tmp_path / "store.zarr")
    shutil.make_archive(str(tmp_path / "store.zarr"), "zip", tmp_path / "store.zarr")
    check(open_reanalysis(tmp_path / "store.zarr.zip"), few)


def test_files_in_a_zip_archive_whatever_its_name(few, tmp_path):
    few[["msl"]].to_netcdf(tmp_path / "data_stream-oper_stepType-instant.nc")
    few[["z", "t"]].to_netcdf(tmp_path / "levels.nc")
    few[["z_surface"]].to_netcdf(tmp_path / "static.nc")
    with zipfile.ZipFile(tmp_path / "download.nc", "w") as archive:
        for part in ("data_stream-oper_stepType-instant", "levels", "static"):
            archive.write(tmp_path / f"{part}.nc", f"{part}.nc")
            (tmp_path / f"{part}.nc").unlink()
        archive.writestr("readme.txt", "no data")
    check(open_reanalysis(tmp_path / "download.nc"), few)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "no data")
    with pytest.raises(InputError, match="without NetCDF or GRIB files"):
        open_reanalysis(tmp_path / "empty.zip")


def test_globs_and_several_files(few, tmp_path):
    for i in range(4):
        few.isel(time=[i]).to_netcdf(tmp_path / f"day{i}.nc")
    check(open_reanalysis(str(tmp_path / "day*.nc")), few)
    check(open_reanalysis([str(tmp_path / "day[01].nc"), tmp_path / "day2.nc",
                           f"file://{tmp_path}/day3.nc"]), few)  # fmt: skip


def test_a_store_in_memory(few):
    write(few, "memory://analyses.zarr")
    check(open_reanalysis("memory://analyses.zarr"), few)


def test_a_store_and_files_on_a_server(few, served):
    folder, address = served
    write(few, folder / "store.zarr")
    few.to_netcdf(folder / "new.nc")
    few.to_netcdf(folder / "old.nc", format="NETCDF3_CLASSIC", engine="netcdf4")
    check(open_reanalysis(f"{address}/store.zarr"), few)
    check(open_reanalysis(f"{address}/new.nc"), few)
    check(open_reanalysis(f"{address}/old.nc"), few)


def test_a_short_name_is_an_address(few, monkeypatch):
    write(few, "memory://public.zarr")
    here = stores.Store("memory://public.zarr", "", "", options={})
    monkeypatch.setitem(stores.STORES, "wb2-era5-64x32", here)
    check(open_reanalysis("wb2-era5-64x32"), few)


def test_every_public_store_says_where_it_is_and_on_what_terms():
    for name, store in stores.STORES.items():
        assert store.address.startswith("gs://"), name
        assert "Copernicus" in store.terms
        assert store.options == {"token": "anon"}


def test_a_growing_store_ends_where_its_data_end(few):
    ends = {"valid_time_start": "2001-01-01", "valid_time_stop": "2001-01-01T06"}
    write(few.assign_attrs(ends), "memory://growing.zarr")
    assert open_reanalysis("memory://growing.zarr").time.values[-1] == few.time.values[1]


def test_opening_a_wide_store_reads_coordinates_only(tmp_path, monkeypatch):
    monkeypatch.setattr("weather.files.reanalysis.LARGE", 0)
    time = np.datetime64("2000-01-01", "ns") + np.arange(50) * np.timedelta64(1, "h")
    coordinates = {
        "time": time,
        "latitude": np.linspace(90, -90, 5),
        "longitude": np.arange(8) * 45,
    }
    field = (("time", "latitude", "longitude"), np.zeros((50, 5, 8), np.float32))
    wide = xr.Dataset({f"field_{i}": field for i in range(200)}, coordinates)
    wide["msl"] = wide.field_0.assign_attrs(units="hPa")
    write(wide, tmp_path / "wide.zarr")
    for file in (tmp_path / "wide.zarr").glob("*[d0-9l]/[0-9]*"):
        if file.parent.name not in coordinates:
            file.write_bytes(b"no chunk")  # reading it would fail
    dataset = open_reanalysis(tmp_path / "wide.zarr")
    assert len(dataset.data_vars) == 201
    with pytest.raises((RuntimeError, ValueError)):  # the proof that nothing was read
        dataset.msl.load()


def test_chunks_follow_the_store_in_time(few, tmp_path, monkeypatch):
    monkeypatch.setattr("weather.files.reanalysis.LARGE", 0)
    monkeypatch.setattr("weather.files.chunks._BLOCK", 1)
    encoding = {"z": {"chunks": (2, 1, 8, 8)}, "msl": {"chunks": (2, 8, 16)}}
    few[["z", "msl"]].to_zarr(tmp_path / "a.zarr", zarr_format=2, encoding=encoding)
    dataset = open_reanalysis(tmp_path / "a.zarr")
    assert dataset.chunks["time"] == (2, 2)
    assert dataset.chunks["lon"] == (16,)
    monkeypatch.setattr("weather.files.chunks._WIDEST", 1)
    assert open_reanalysis(tmp_path / "a.zarr").z.chunks == ((2, 2), (1, 1), (8,), (8, 8))


def test_a_store_of_too_many_blocks_is_not_in_dask_but_for_what_is_computed(few, monkeypatch):
    heights = (few.z / 9.80665).assign_attrs(units="m")
    write(few.assign(z=heights), "memory://vast.zarr")
    monkeypatch.setattr("weather.files.reanalysis.LARGE", 0)
    monkeypatch.setattr("weather.files.chunks.LARGE", 0)
    monkeypatch.setattr("weather.files.chunks._MOST_BLOCKS", 0)
    dataset = open_reanalysis("memory://vast.zarr")
    assert dataset.msl.chunks is None
    assert dataset.z.chunks is not None
    check(dataset, few)


def test_names_that_lead_nowhere(tmp_path, few):
    for source, message in {
        str(tmp_path / "*.nc"): "matches nothing",
        str(tmp_path / "missing.nc"): "no such file",
        "arco-era": "no public store of that name; did you mean 'arco-era5'",
        str(tmp_path): "is no Zarr store; name the files in it",
        "http://127.0.0.1:9/store.zarr": "cannot read http://127.0.0.1:9/store.zarr: ",
        "http://127.0.0.1:9/data.nc": "check the address and the network",
        "memory://nowhere.zarr": "cannot read memory://nowhere.zarr",
        "nosuch://store.zarr": "cannot read nosuch://store.zarr",
    }.items():
        with pytest.raises(InputError, match=message.replace("*", r"\*")) as caught:
            open_reanalysis(source)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no data given"):
        expand([])


def test_files_of_another_kind(tmp_path):
    (tmp_path / "text.grib").write_text("no message")
    (tmp_path / "store.zarr").mkdir()
    (tmp_path / "store.zarr" / "zarr.json").write_text("no store")
    for name, message in {
        "text.grib": "cannot read .* as GRIB|needs cfgrib",
        "store.zarr": "cannot read .* as Zarr",
    }.items():
        with pytest.raises(InputError, match=message):
            open_source(str(tmp_path / name))


def test_a_package_that_is_missing_is_named(monkeypatch):
    def absent(*_, **__):
        raise ImportError("Please install gcsfs to access Google Storage")

    monkeypatch.setattr(sources.xr, "open_dataset", absent)
    with pytest.raises(InputError, match=r"pip install 'sciml-foundation\[cloud\]'"):
        open_source("arco-era5")


def test_globs_of_a_url(few):
    for i in range(2):
        write(few.isel(time=slice(2 * i, 2 * i + 2)), f"memory://parts/{i}.zarr")
    assert fsspec.filesystem("memory").exists("/parts/0.zarr")
    check(open_reanalysis("memory://parts/*.zarr"), few)

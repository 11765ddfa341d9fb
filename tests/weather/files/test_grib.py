"""GRIB: every field of a file, quickly, with nothing written beside it."""

import builtins
import shutil
import sys

import fsspec
import numpy as np
import pytest

from sciml.errors import InputError
from weather.files.grib import open_grib
from weather.files.history import releases
from weather.files.reanalysis import open_reanalysis

GFS = "gfs_2p5deg_26levels_20111008T00_f072.grib2"


@pytest.fixture
def snapshots(shared_data):
    pytest.importorskip("cfgrib")
    return shared_data / "weather" / "snapshots"


def test_both_winds_of_one_message_are_read_as_ecmwf_packs_them(snapshots):
    import eccodes

    dataset = open_reanalysis(snapshots / GFS)
    with (snapshots / GFS).open("rb") as file:
        eccodes.codes_grib_multi_support_on()
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            keys = [eccodes.codes_get(handle, k) for k in ("shortName", "typeOfLevel", "level")]
            if keys[1:] == ["isobaricInhPa", 500] and keys[0] in ("u", "v"):
                values = eccodes.codes_get_values(handle).reshape(73, 144)
                found = dataset[keys[0]].sel(level=500).squeeze()
                np.testing.assert_allclose(found, values, atol=1e-4)
            eccodes.codes_release(handle)
        eccodes.codes_grib_multi_support_off()


def test_a_folder_that_is_not_ours_stays_as_it_was(snapshots, tmp_path):
    name = "ecmwf_an_1deg_t_z_500_850_20070101T12.grib"
    shutil.copy(snapshots / name, tmp_path / "analysis.bin")  # told by its first bytes
    assert set(open_reanalysis(tmp_path / "analysis.bin").load().data_vars) == {"t", "z"}
    assert [file.name for file in tmp_path.iterdir()] == ["analysis.bin"]


def restamped(path, out, day, release):
    """Messages of a file with another date and release."""
    import eccodes

    with path.open("rb") as file, out.open("ab") as made:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            eccodes.codes_set(handle, "dataDate", day)
            eccodes.codes_set(handle, "experimentVersionNumber", release)
            eccodes.codes_write(handle, made)
            eccodes.codes_release(handle)


def test_releases_are_told_apart_in_a_file_and_between_files(snapshots, tmp_path):
    analysis = snapshots / "ecmwf_an_1deg_t_z_500_850_20070101T12.grib"
    restamped(analysis, tmp_path / "one.grib", 20070102, "0001")
    both = open_reanalysis([analysis, tmp_path / "one.grib"])
    assert releases(both) == []
    restamped(analysis, tmp_path / "early.grib", 20070103, "0005")
    apart = open_reanalysis([tmp_path / "one.grib", tmp_path / "early.grib"])
    assert releases(apart) == ["2 versions (expver 0001 in one.grib, 0005 in early.grib)"]
    restamped(analysis, tmp_path / "one.grib", 20070103, "0005")
    mixed = open_reanalysis(tmp_path / "one.grib")
    assert mixed.sizes["time"] == 2
    assert releases(mixed) == ["one.grib: 2 versions (expver 0001, 0005)"]


def test_a_grib_file_on_a_server_is_fetched(snapshots):
    name = "ecmwf_an_1deg_t_z_500_850_20070101T12.grib"
    with fsspec.open("memory://analysis.grib", "wb") as file:
        file.write((snapshots / name).read_bytes())
    fetched, local = open_reanalysis("memory://analysis.grib"), open_reanalysis(snapshots / name)
    np.testing.assert_array_equal(fetched.z, local.z)


def test_without_cfgrib_one_line_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "cfgrib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "cfgrib", raising=False)
    monkeypatch.setattr(builtins, "__import__", absent)
    (tmp_path / "a.grib").write_bytes(b"GRIB")
    with pytest.raises(InputError, match=r"pip install 'sciml-foundation\[grib\]'"):
        open_grib(tmp_path / "a.grib")


def test_a_file_cut_short_is_named(snapshots, tmp_path):
    whole = (snapshots / "ecmwf_an_1deg_t_z_500_850_20070101T12.grib").read_bytes()
    (tmp_path / "cut.grib").write_bytes(whole[:1000])
    with pytest.raises(InputError, match=r"cannot read .*cut.grib as GRIB"):
        open_reanalysis(tmp_path / "cut.grib")

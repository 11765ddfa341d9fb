"""Files that belong together: levels, variables and times, with what each of them was."""

import numpy as np
import pytest

from sciml.errors import InputError
from weather.checking.preflight import inspect
from weather.files.history import whole_history
from weather.files.layout import Layout
from weather.files.reanalysis import open_reanalysis
from weather.training.data import all_variables


@pytest.fixture
def few(waves):
    return waves.isel(time=slice(4))


def opened(folder, *parts):
    for number, part in enumerate(parts):
        part.to_netcdf(folder / f"{number}.nc")
    return open_reanalysis([folder / f"{number}.nc" for number in range(len(parts))])


def test_a_file_for_each_level(few, tmp_path):
    high, low = few[["z"]].isel(level=[0]), few[["z"]].isel(level=[1])
    dataset = opened(tmp_path, low, high, few[["msl"]])
    np.testing.assert_allclose(dataset.z, few.z)
    assert dataset.level.values.tolist() == [500, 850]


def test_what_other_programs_say_of_their_files_is_kept_apart(few, tmp_path):
    """The first history, and of how many: it is no line on what was changed on reading."""
    parts = [few[["z"]], few[["t"]].assign_attrs(history="ncks a.nc b.nc"), few[["msl"]]]
    dataset = opened(tmp_path, *parts)
    assert "history" not in dataset.attrs
    assert whole_history(dataset, "now") == "ncks a.nc b.nc\nnow"
    parts[2] = parts[2].assign_attrs(history="cdo copy\nncks c.nc")
    (tmp_path / "more").mkdir()
    told = whole_history(opened(tmp_path / "more", *parts)).splitlines()
    assert told == ["ncks a.nc b.nc", "(the first of 2 histories)"]


def test_a_field_on_fewer_levels_is_nan_elsewhere_and_said(few, tmp_path):
    dataset = opened(tmp_path, few[["z"]], few[["t"]].isel(level=[1]))
    assert dataset.level.values.tolist() == [500, 850]
    assert bool(dataset.t.sel(level=500).isnull().all())
    assert Layout.of(dataset).fields["t"].level == (850,)
    assert Layout.of(dataset).fields["z"].level == ()
    assert all_variables(dataset, ()).levels == (850,)


def test_one_variable_in_files_of_different_contents(few, tmp_path):
    dataset = opened(tmp_path, few[["z", "msl"]].isel(time=slice(2)), few[["z"]].isel(time=[2, 3]),
                     few[["msl"]].isel(time=[2, 3]))  # fmt: skip
    np.testing.assert_allclose(dataset.z, few.z)
    np.testing.assert_allclose(dataset.msl, few.msl)


def test_longitudes_of_a_region_may_count_from_elsewhere(few, tmp_path):
    region = few.isel(longitude=slice(10, 14))
    west = region.assign_coords(longitude=region.longitude - 360)
    dataset = opened(tmp_path, region[["z"]], west[["msl"]])
    assert dataset.lon.values.tolist() == region.longitude.values.tolist()
    np.testing.assert_allclose(dataset.msl, region.msl)


def test_files_that_share_a_time(few, tmp_path):
    dataset = opened(tmp_path, few.isel(time=slice(3)), few.isel(time=slice(2, 4)))
    np.testing.assert_allclose(dataset.z, few.z)
    assert "dropped 1 repeated times" in dataset.attrs["history"]


def test_files_that_differ_at_a_time(few, tmp_path):
    changed = few.isel(time=slice(2, 4)).drop_vars("z_surface") + 1
    with pytest.raises(InputError, match="comes twice with different values"):
        opened(tmp_path, few.isel(time=slice(3)).drop_vars("z_surface"), changed)


def test_files_of_different_periods(few, tmp_path):
    with pytest.raises(InputError, match="no time in common"):
        opened(tmp_path, few[["z"]].isel(time=[0]), few[["msl"]].isel(time=[1]))


def test_a_file_without_times_is_left_out_and_told(few, tmp_path):
    dataset = opened(tmp_path, few, few.isel(time=[]).drop_vars("z_surface"))
    np.testing.assert_allclose(dataset.z, few.z)
    assert dataset.attrs["history"].splitlines() == ["1.nc: left out, it holds no times"]


def test_a_file_without_times_gives_its_static_fields(few, tmp_path):
    dataset = opened(tmp_path, few.isel(time=[]), few.drop_vars("z_surface"))
    assert {*dataset.data_vars} == {*few.data_vars}
    assert dataset.sizes["time"] == 4


def test_files_without_any_times_are_refused(few, tmp_path):
    with pytest.raises(InputError, match=r"0\.nc, 1\.nc hold no times; give files of some"):
        opened(tmp_path, few.isel(time=[]), few.isel(time=[]))


def test_times_that_not_all_fields_have_are_told(few, tmp_path):
    dataset = opened(tmp_path, few.isel(time=slice(2)), few[["msl"]].isel(time=[2, 3]))
    line = "2 of 4 times left out, from 2001-01-01T12:00: 1.nc has no t, z then"
    assert dataset.sizes["time"] == 2
    assert line in dataset.attrs["history"].splitlines()
    (warning,) = inspect(dataset).lines("warning")
    assert f"time of the files together: {line}: add the files" in warning


def test_a_field_of_few_times_is_told(few, tmp_path):
    rare = opened(tmp_path, few[["msl"]], few[["t"]].isel(time=[0, 3]))
    assert "2 of 4 times left out, from 2001-01-01T06:00: 0.nc has no t then" in str(rare.attrs)


def test_a_level_of_fewer_times_is_told(few, tmp_path):
    high, low = few[["z"]].isel(level=[0]), few[["z"]].isel(level=[1], time=slice(3))
    line = "1 of 4 times left out, from 2001-01-01T18:00: 0.nc has no z850 then"
    assert line in opened(tmp_path, high, low).attrs["history"]


def test_times_that_one_member_lacks_are_told(few, tmp_path):
    members = [few[["msl"]].isel(time=times).assign_coords(number=number)
               for number, times in enumerate([slice(4), slice(2)])]  # fmt: skip
    line = "2 of 4 times left out, from 2001-01-01T12:00: not all members have them"
    dataset = opened(tmp_path, *members)
    assert line in dataset.attrs["history"]
    assert dataset.sizes["time"] == 2
    assert not dataset.msl.isnull().any()


def test_nothing_is_told_of_files_that_fit(few, tmp_path):
    dataset = opened(tmp_path, few[["z"]], few[["msl"]].isel(time=slice(2)),
                     few[["msl"]].isel(time=[2, 3]), few[["z_surface"]])  # fmt: skip
    assert "left out" not in dataset.attrs.get("history", "")


def test_the_layouts_of_all_files_are_kept(few, tmp_path):
    renamed = few[["msl"]].rename(msl="prmsl", latitude="lat")
    found = Layout.of(opened(tmp_path, few[["z"]].isel(level=[1, 0]), renamed))
    assert found.dims["lat"] == "latitude"
    assert found.level == (850, 500)
    assert {name: field.name for name, field in found.fields.items()} == {"z": "z", "msl": "prmsl"}


def test_one_file_a_member(waves, tmp_path):
    few = waves.isel(time=slice(3))
    for member in (2, 0, 1):
        one = (few + member).assign_coords(number=member)
        one[["z", "t"]].to_netcdf(tmp_path / f"levels_{member}.nc")
        one[["msl"]].to_netcdf(tmp_path / f"surface_{member}.nc")
    few[["z_surface"]].to_netcdf(tmp_path / "static.nc")
    dataset = open_reanalysis(tmp_path / "*.nc")
    assert dataset["member"].values.tolist() == [0, 1, 2]
    assert dataset["msl"].dims == ("time", "member", "lat", "lon")
    np.testing.assert_allclose(dataset["z"].isel(member=2), few["z"] + 2)
    np.testing.assert_allclose(dataset["z_surface"], few["z_surface"])
    assert dataset["z_surface"].dims == ("lat", "lon")
    assert Layout.of(dataset).dims["member"] == "number"
    (tmp_path / "surface_1.nc").unlink()
    with pytest.raises(InputError, match=r"members \d and \d differ: msl is in one alone"):
        open_reanalysis(tmp_path / "*.nc")


def test_files_of_the_same_member_stay_without_a_dimension(waves, tmp_path):
    few = waves.isel(time=slice(3)).assign_coords(number=0)
    few[["z", "t"]].to_netcdf(tmp_path / "levels.nc")
    few[["msl"]].to_netcdf(tmp_path / "surface.nc")
    dataset = open_reanalysis(tmp_path / "*.nc")
    assert "member" not in dataset.coords
    assert dataset["msl"].dims == ("time", "lat", "lon")


def test_several_axes_of_levels_in_one_file(waves, tmp_path):
    few = waves.isel(time=slice(2))
    high = few["t"].isel(level=[0]).rename(level="isobaric1")
    high["isobaric1"] = ("isobaric1", [50000.0], {"units": "Pa"})
    whole = few[["z", "msl"]].assign(t=high)
    whole.to_netcdf(tmp_path / "gfs.nc")
    dataset = open_reanalysis(tmp_path / "gfs.nc")
    np.testing.assert_allclose(dataset["z"], few["z"])
    np.testing.assert_allclose(dataset["t"].sel(level=500), few["t"].sel(level=500))
    assert dataset["t"].sel(level=850).isnull().all()


def test_orography_in_the_first_file_alone_does_not_end_the_series(few, tmp_path):
    later = few.isel(time=[2, 3]).drop_vars("z_surface")
    dataset = opened(tmp_path, few.isel(time=slice(2)), later)
    np.testing.assert_allclose(dataset.z, few.z)
    assert dataset.z_surface.dims == ("lat", "lon")

"""Files of any layout come out the same; what cannot be understood is named."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis, state_to_dataset, static_fields, to_state
from weather.grid import LatLonGrid
from weather.variables import Variables

CHOICE = Variables(surface=("msl",), upper=("z", "t"), levels=(500, 850), static=("z_surface",))


def south_to_north(data):
    return data.isel(latitude=slice(None, None, -1))


def longitude_first(data):
    return data.transpose("longitude", "latitude", "level", "time")


def weatherbench(data):
    return data.rename(
        {"z": "geopotential", "t": "temperature", "msl": "mean_sea_level_pressure",
         "z_surface": "geopotential_at_surface", "latitude": "lat", "longitude": "lon"}
    )  # fmt: skip


def climate_data_store(data):
    return data.rename({"time": "valid_time", "level": "pressure_level"}).expand_dims("number")


def westward_from_the_date_line(data):
    return data.assign_coords(longitude=(data.longitude + 180) % 360 - 180).sortby("longitude")


def pascal_levels_descending(data):
    level = ("plev", data.level.values * 100.0, {"units": "Pa"})
    return data.rename(level="plev").assign_coords(plev=level).isel(plev=slice(None, None, -1))


def other_units(data):
    data = data.copy()
    data["msl"] = (data.msl / 100).assign_attrs(units="hPa")
    data["t"] = (data.t - 273.15).assign_attrs(units="degC")
    data["z"] = (data.z / 9.80665).assign_attrs(units="gpm")
    return data


LAYOUTS = [
    south_to_north,
    longitude_first,
    weatherbench,
    climate_data_store,
    westward_from_the_date_line,
    pascal_levels_descending,
    other_units,
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_every_layout_gives_the_same_state(layout, waves, waves_file, opened):
    expected = to_state(open_reanalysis(waves_file), CHOICE)
    dataset = opened(layout(waves))
    state = to_state(dataset, CHOICE)
    assert state.grid.matches(expected.grid)
    np.testing.assert_allclose(state.surface, expected.surface, rtol=1e-6)
    np.testing.assert_allclose(state.upper, expected.upper, rtol=1e-6)
    assert (state.time == expected.time).all()
    assert dataset.z.attrs["units"] == "m2 s-2"


def test_static_fields_have_no_time(waves_file):
    (mountain,) = static_fields(open_reanalysis(waves_file), CHOICE).values()
    assert mountain.shape == (8, 16)


@pytest.mark.parametrize("columns", [[14, 15, 0, 1, 2], [0, 1, 2, 14, 15]])  # or sorted in 0..360
def test_a_region_across_greenwich_is_not_torn(waves, opened, columns):
    dataset = opened(waves.isel(longitude=columns))
    assert dataset.lon.values.tolist() == [-45, -22.5, 0, 22.5, 45]
    assert not LatLonGrid.from_dataset(dataset).periodic
    np.testing.assert_array_equal(dataset.msl, waves.msl.isel(longitude=[14, 15, 0, 1, 2]))


@pytest.mark.parametrize("east", ["to 360", "to 180", "to 180, sorted"])
def test_a_region_across_the_date_line_is_not_torn(waves, opened, east):
    region = waves.isel(longitude=[6, 7, 8, 9])
    half = region.assign_coords(longitude=(region.longitude + 180) % 360 - 180)
    parts = {"to 360": region, "to 180": half, "to 180, sorted": half.sortby("longitude")}
    dataset = opened(parts[east])
    assert dataset.lon.values.tolist() == [135, 157.5, 180, 202.5]
    np.testing.assert_array_equal(dataset.msl, region.msl)


def test_levels_that_can_only_be_pascal_are_told(waves, opened):
    levels = ("level", [50000, 85000], {"units": "hPa"})
    dataset = opened(waves.assign_coords(level=levels))
    assert dataset.level.values.tolist() == [500, 850]
    assert "levels of up to 85000 hPa taken for Pa" in dataset.attrs["history"]


def test_columns_that_are_missing_are_one_line(waves, opened):
    with pytest.raises(InputError, match="longitude is not evenly spaced; regrid the data"):
        opened(waves.isel(longitude=[1, 2, 3, 6, 7]))


def test_files_continue_each_other_and_join_variables(waves, tmp_path):
    waves.drop_vars("msl").isel(time=slice(30, 60)).to_netcdf(tmp_path / "b.nc")
    waves.drop_vars("msl").isel(time=slice(30)).to_netcdf(tmp_path / "a.nc")
    waves[["msl"]].isel(time=slice(10, 50)).to_netcdf(tmp_path / "c.nc")
    dataset = open_reanalysis([tmp_path / name for name in ("b.nc", "a.nc", "c.nc")])
    assert dataset.sizes["time"] == 40
    np.testing.assert_allclose(dataset.z, waves.z.isel(time=slice(10, 50)))


def test_a_state_becomes_a_forecast_that_follows_cf(waves_file):
    state = to_state(open_reanalysis(waves_file), CHOICE).at(slice(1, 4))
    start = np.array(["2001-01-01"], dtype="datetime64[ns]")
    forecast = state_to_dataset(state, start)
    assert forecast.z.dims == ("time", "lead_time", "level", "latitude", "longitude")
    assert forecast.msl.attrs["standard_name"] == "air_pressure_at_mean_sea_level"
    hours = forecast.lead_time.values / np.timedelta64(1, "h")
    assert hours.tolist() == [6, 12, 18]
    assert forecast.valid_time.values[0, 0] == np.datetime64("2001-01-01T06")
    assert forecast.valid_time.attrs["standard_name"] == "time"


def twice_different(data):
    return xr.concat([data[["msl"]], data[["msl"]].isel(time=[1]) + 1], "time")


def no_latitude(data):
    latitude = ("latitude", np.arange(8))
    return data.assign_coords(latitude=latitude).rename(latitude="row", longitude="column")


def jumbled(data):
    return data.isel(latitude=[0, 2, 1, 3, 4, 5, 6, 7])


def furlongs(data):
    return data[["msl"]].assign(msl=data.msl.assign_attrs(units="furlong"))


def quantiles(data):
    return xr.concat([data.drop_vars("z_surface")] * 2, "quantile")


def a_forecast(data):
    return data.rename(time="lead_time")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (twice_different, "2001-01-01T06:00 comes twice with different values"),
        (no_latitude, "no latitude coordinate"),
        (jumbled, "neither ascending nor descending"),
        (furlongs, "msl comes in 'furlong'; expected one of Pa, hPa"),
        (quantiles, "dimension 'quantile' of unknown meaning"),
        (a_forecast, "holds forecasts"),
    ],
)
def test_what_cannot_be_understood_is_named(spoil, message, waves, opened):
    with pytest.raises(InputError, match=message):
        opened(spoil(waves))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_reanalysis(tmp_path / "missing.nc")
    (tmp_path / "text.nc").write_text("not a grid")
    with pytest.raises(InputError, match="cannot read"):
        open_reanalysis(tmp_path / "text.nc")


def mend_twice(data):
    return data.isel(time=[0, 1, 1, 2])


def mend_backwards(data):
    return data.isel(time=[2, 1, 0])


def mend_360(data):
    first = data.isel(longitude=[0])
    first = first.assign_coords(longitude=[360.0])
    return xr.concat([data, first], "longitude").isel(time=slice(3))


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (mend_twice, "dropped 1 repeated times, from 2001-01-01T06:00"),
        (mend_backwards, "times sorted"),
        (mend_360, "dropped the repeated longitude 360"),
    ],
)
def test_what_is_certain_is_mended_and_said(spoil, line, waves, opened):
    dataset = opened(spoil(waves))
    expected = waves.isel(time=slice(3))
    assert dataset.attrs["history"] == f"data.nc: {line}"
    np.testing.assert_array_equal(dataset.msl.values, expected.msl.values)
    assert (dataset.time.values == expected.time.values).all()


def test_an_ensemble_keeps_its_members_and_gives_the_state_of_one(waves, opened):
    several = xr.concat([waves.drop_vars("z_surface"), waves.drop_vars("z_surface") + 1], "number")
    dataset = opened(several.assign_coords(number=[3, 7]))
    assert dataset.z.dims == ("time", "member", "level", "lat", "lon")
    assert dataset.member.values.tolist() == [3, 7]
    choice = Variables(surface=("msl",))
    with pytest.raises(InputError, match="ensemble of 2 members; expected a single analysis"):
        to_state(dataset, choice)
    first, second = (to_state(dataset.isel(member=i), choice).surface for i in (0, 1))
    np.testing.assert_allclose(second - first, 1, atol=0.01)


def test_files_on_two_grids(waves, waves_file, tmp_path):
    waves.isel(latitude=slice(4)).to_netcdf(tmp_path / "north.nc")
    with pytest.raises(InputError, match="regrid to one grid"):
        open_reanalysis([waves_file, tmp_path / "north.nc"])


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Variables(surface=("mls",)), "no variable 'mls' in the data; did you mean 'msl'"),
        (Variables(surface=("z",)), "lies on levels"),
        (Variables(upper=("msl",), levels=(500,)), "has no level"),
        (Variables(upper=("z",), levels=(500, 700)), "no level 700 hPa .*500, 850"),
    ],
)
def test_what_the_data_does_not_hold(choice, message, waves_file):
    with pytest.raises(InputError, match=message):
        to_state(open_reanalysis(waves_file), choice)

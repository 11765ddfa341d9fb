"""Layouts of forecasts, and fields put into them."""

import numpy as np
import pytest

from sciml.errors import InputError
from weather.files.arrangement import Arrangement
from weather.files.forecast_coordinates import forecast_coordinates
from weather.files.forecast_layout import Contents, forecast_layout, positions
from weather.files.layout import FieldLayout, Layout
from weather.grid import LatLonGrid
from weather.variables import Variables

VARIABLES = Variables(surface=("msl", "t2m"), upper=("z", "q"), levels=(500.0, 850.0))
GRID = LatLonGrid(lat=(60.0, 0.0, -60.0), lon=(0.0, 90.0, 180.0, 270.0))
OWN = Layout(
    dims={"time": "valid_time", "member": "number", "level": "plev", "lat": "y", "lon": "x"},
    lat=(-60.0, 0.0, 60.0),
    lon=(-180.0, -90.0, 0.0, 90.0),
    level=(100000.0, 85000.0, 50000.0),
    level_units="Pa",
    dtypes={"lat": "float32", "level": "int32"},
    fields={
        "msl": FieldLayout(name="slp", dims=("time", "lon", "lat"), units="hPa"),
        "t2m": FieldLayout(name="air", dims=("time", "lat", "lon"), units="degC", dtype="float64"),
        "z": FieldLayout(
            name="hgt",
            dims=("member", "time", "level", "lon", "lat"),
            units="m",
            attributes={"long_name": "Height", "actual_range": 3.0},
        ),
    },
)


def layout(name, **contents):
    return forecast_layout(name, Contents(VARIABLES, GRID, **contents), OWN)


def test_input_keeps_names_order_and_units():
    mine = layout("input")
    assert mine.lat == OWN.lat
    assert mine.lon == OWN.lon
    assert mine.level == (85000.0, 50000.0)  # those of the model
    assert mine.fields["z"].name == "hgt"
    assert mine.fields["z"].attributes == {"long_name": "Height"}
    assert mine.fields["z"].dims == ("time", "lead_time", "level", "lon", "lat")
    assert mine.fields["q"].name == "q"  # a field that the files do not have
    assert mine.fields["q"].units == "kg kg-1"
    names = [mine.dims[role] for role in mine.fields["msl"].dims]
    assert names == ["forecast_reference_time", "lead_time", "x", "y"]


def test_one_initial_time_has_the_axis_of_the_analyses():
    mine = layout("input", single=True, members=True)
    assert [mine.dims[role] for role in mine.fields["z"].dims] == [
        "number", "valid_time", "plev", "x", "y"
    ]  # fmt: skip
    assert [mine.dims[role] for role in mine.fields["q"].dims] == [
        "number", "valid_time", "plev", "y", "x"
    ]  # fmt: skip
    start = np.array(["2001-01-01T06"], "datetime64[ns]")
    coordinates = forecast_coordinates(mine, start, [3600, 7200], np.arange(3))
    hours = coordinates["valid_time"].values - coordinates["forecast_reference_time"].values
    assert hours.tolist() == coordinates["lead_time"].values.tolist() == [1.0, 2.0]
    assert coordinates["plev"].values.tolist() == [85000, 50000]
    assert coordinates["plev"].dtype == np.int32
    assert coordinates["y"].dtype == np.float32
    assert coordinates["number"].dims == ("number",)


def test_conventions_have_their_names():
    cf, wb2 = layout("cf", single=True), layout("wb2", single=True)
    assert [cf.dims[role] for role in cf.fields["z"].dims] == [
        "time", "level", "latitude", "longitude"
    ]  # fmt: skip
    assert [wb2.dims[role] for role in wb2.fields["z"].dims] == [
        "time", "prediction_timedelta", "level", "latitude", "longitude"
    ]  # fmt: skip
    assert [field.name for field in wb2.fields.values()] == [
        "mean_sea_level_pressure", "2m_temperature", "geopotential", "specific_humidity"
    ]  # fmt: skip
    assert wb2.dtypes == {"level": "int32"}
    assert cf.lat == wb2.lat == GRID.lat


@pytest.mark.parametrize("name", ["cf", "wb2", "input"])
def test_arranging_moves_each_value_to_its_place(name):
    """The value at a place is told by the coordinates there."""
    mine = layout(name)
    arrange = Arrangement(mine, VARIABLES, GRID)
    lat, lon, level = (np.array(v) for v in (GRID.lat, GRID.lon, VARIABLES.levels))
    field = 1e4 * level[:, None, None] + 10 * (lat[:, None] + 90) + lon / 100
    coordinates = forecast_coordinates(mine, np.zeros(2, "datetime64[ns]"), [3600], None)
    values = arrange("z", field.astype(np.float32))
    roles = [role for role in mine.fields["z"].dims if role not in ("time", "lead_time")]
    for index in np.ndindex(values.shape):
        there = {
            role: float(coordinates[mine.dims[role]].values[i])
            for role, i in zip(roles, index, strict=True)
        }
        pressure = there["level"] / (100 if mine.level_units == "Pa" else 1)
        expected = 1e4 * pressure + 10 * (there["lat"] + 90) + there["lon"] % 360 / 100
        unit = 9.80665 if name == "input" else 1
        assert float(values[index]) * unit == pytest.approx(expected, rel=1e-6)


def test_units_and_dtypes_come_back():
    arrange = Arrangement(layout("input"), VARIABLES, GRID)
    pressure = arrange("msl", np.full(GRID.shape, 101325.0, np.float32))
    assert pressure.dtype == np.float32
    assert pressure.shape == (4, 3)
    np.testing.assert_allclose(pressure, 1013.25)
    warm = arrange("t2m", np.full(GRID.shape, 300.0, np.float32))
    assert warm.dtype == np.float64
    np.testing.assert_allclose(warm, 26.85)


def test_a_layout_of_another_grid_is_refused():
    other = Contents(VARIABLES, LatLonGrid(lat=(60.0, 30.0, 0.0), lon=GRID.lon))
    with pytest.raises(InputError, match=r"3 values of lat, .* choose --layout cf"):
        forecast_layout("input", other, OWN)


def test_levels_that_the_files_only_name_in_words():
    bare = OWN.model_copy(update={"level": ()})
    mine = forecast_layout("input", Contents(VARIABLES, GRID), bare)
    assert mine.level == VARIABLES.levels
    assert mine.level_units == "hPa"


def test_longitudes_come_round():
    """A column repeated at 360 degrees is the one at 0."""
    assert positions((-90, 0, 359.9999, 360), (0, 270), "lon").tolist() == [1, 0, 0, 0]
    assert positions((1, 2), (2,), "lat").tolist() == [-1, 0]
    assert positions((1, 2), (), "level").tolist() == [-1, -1]

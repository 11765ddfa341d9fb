"""Layouts of the data centres, made here: the same analyses, and what each layout was."""

import numpy as np
import pytest
import xarray as xr

from sciml.errors import InputError
from weather.checking.origin import origin_of
from weather.files.canonical import canonical
from weather.files.layout import Layout
from weather.files.reanalysis import require_names, static_fields
from weather.variables import Variables


@pytest.fixture
def few(waves):
    return waves.drop_vars("z_surface").isel(time=slice(4))


def old_cds(data):
    """The Climate Data Store until 2024: packed, `time`, `level` in millibars."""
    data = data.assign_coords(level=("level", np.int32([500, 850]), {"units": "millibars"}))
    for name, step, offset in (("z", 1, 35000), ("t", 0.01, 260), ("msl", 0.5, 101000)):
        packed = {"dtype": "int16", "scale_factor": step, "add_offset": offset}
        data[name].encoding = packed | {"_FillValue": -32767}
    return data


def new_cds(data):
    """The Climate Data Store since 2024."""
    data = data.rename(time="valid_time", level="pressure_level").isel(
        pressure_level=slice(None, None, -1)
    )
    data = data.assign_coords(
        number=0, expver=("valid_time", ["0001", "0001", "0005", "0005"]),
        valid_time=("valid_time", data.valid_time.values, {"standard_name": "time"}),
    )  # fmt: skip
    return data


def weatherbench_1(data):
    return data.rename(latitude="lat", longitude="lon").isel(lat=slice(None, None, -1))


def weatherbench_2(data):
    names = {"z": "geopotential", "t": "temperature", "msl": "mean_sea_level_pressure"}
    data = data.rename(names).isel(latitude=slice(None, None, -1))
    return data.transpose("time", "level", "longitude", "latitude")


def merra_2(data):
    names = {"z": "H", "t": "T", "msl": "SLP"}
    names |= {"level": "lev", "latitude": "lat", "longitude": "lon"}
    data = data.rename(names).isel(lev=[1, 0], lat=slice(None, None, -1))
    data["H"] = (data.H / 9.80665).assign_attrs(units="m", standard_name="geopotential_height")
    return data.assign_coords(lon=(data.lon + 180) % 360 - 180).sortby("lon")


def ncep(data):
    data = data.rename(
        {"z": "hgt", "t": "air", "msl": "slp", "latitude": "lat", "longitude": "lon"}
    )
    data["hgt"] = (data.hgt / 9.80665).assign_attrs(units="m")
    data["air"] = data.air.assign_attrs(units="degK")
    data["slp"] = data.slp.assign_attrs(units="Pascals")
    return data.assign_coords(level=("level", data.level.values, {"units": "millibar"}))


def cmip(data):
    """Names, units and level axis of the Coupled Model Intercomparison Project."""
    names = {"z": "zg", "t": "ta", "msl": "psl", "level": "plev"}
    data = data.rename(names | {"latitude": "lat", "longitude": "lon"})
    data["zg"] = (data.zg / 9.80665).assign_attrs(units="m", standard_name="geopotential_height")
    data["psl"].attrs["standard_name"] = "air_pressure_at_mean_sea_level"
    data = data.assign_coords(plev=("plev", 100.0 * data.plev.values, {"units": "Pa"}))
    return data.isel(plev=[1, 0], lat=slice(None, None, -1)).assign_coords(height=2.0)


def cfgrib(data):
    data = (
        data.rename(level="isobaricInhPa").drop_attrs().assign_coords(step=np.timedelta64(0, "h"))
    )
    data = data.assign_coords(valid_time=("time", data.time.values, {"standard_name": "time"}))
    data.time.attrs["standard_name"] = "forecast_reference_time"
    return data.assign_coords(heightAboveGround=2.0, number=0)


LAYOUTS = {
    old_cds: ("time", "level", "latitude", "z", ("time", "level", "lat", "lon")),
    new_cds: ("valid_time", "pressure_level", "latitude", "z", ("time", "level", "lat", "lon")),
    weatherbench_1: ("time", "level", "lat", "z", ("time", "level", "lat", "lon")),
    weatherbench_2: ("time", "level", "latitude", "geopotential", ("time", "level", "lon", "lat")),
    merra_2: ("time", "lev", "lat", "H", ("time", "level", "lat", "lon")),
    ncep: ("time", "level", "lat", "hgt", ("time", "level", "lat", "lon")),
    cmip: ("time", "plev", "lat", "zg", ("time", "level", "lat", "lon")),
    cfgrib: ("time", "isobaricInhPa", "latitude", "z", ("time", "level", "lat", "lon")),
}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_centre_s_layout_is_read_and_remembered(layout, few, opened):
    time, level, lat, z, dims = LAYOUTS[layout]
    written = layout(few)
    dataset = opened(written)
    for name in ("z", "t", "msl"):
        np.testing.assert_allclose(dataset[name], few[name], rtol=1e-6, atol=0.5)
    assert (dataset.time.values == few.time.values).all()
    assert (dataset.lon.values == few.longitude.values).all()
    found = Layout.of(dataset)
    assert (found.dims["time"], found.dims["level"], found.dims["lat"]) == (time, level, lat)
    assert (found.fields["z"].name, found.fields["z"].dims) == (z, dims)
    assert found.lat == tuple(written[lat].values.tolist())
    assert found.level == tuple(written[level].values.tolist())
    assert found.lon == tuple(written[found.dims["lon"]].values.tolist())


def test_coordinates_are_known_by_their_values_alone(few):
    data = few[["z"]].isel(level=[0, 1, 1]).assign_coords(level=[500, 850, 925])
    dataset = canonical(data.drop_attrs().rename(latitude="y", longitude="x", level="k"), "bare")
    assert dataset.z.dims == ("time", "level", "lat", "lon")
    assert Layout.of(dataset).dims == {"time": "time", "level": "k", "lat": "y", "lon": "x"}


def test_two_versions_of_era5_become_one(few, opened):
    old, new = few.copy(deep=True), few.copy(deep=True)
    for name in few.data_vars:
        old[name] = few[name].where(few.time < few.time[2])
        new[name] = few[name].where(few.time >= few.time[2])
    both = xr.concat([new, old], "expver").assign_coords(expver=[5, 1])
    dataset = opened(both)
    np.testing.assert_allclose(dataset.z, few.z)
    assert "2 versions (expver) combined" in dataset.attrs["history"]
    assert Layout.of(dataset).fields["z"].units == "m**2 s**-2"


def test_the_usual_name_wins_where_two_mean_the_same(few, opened):
    dataset = opened(few.assign(mslet=few.msl + 50, prmsl=few.msl).drop_vars("msl"))
    np.testing.assert_allclose(dataset.msl, few.msl)
    assert dataset.attrs["history"] == "data.nc: left out 'mslet'; msl is there as 'prmsl'"


@pytest.mark.parametrize(
    ("standard_name", "unit", "name"),
    [
        ("air_pressure_at_mean_sea_level", "hPa", "msl"),
        ("air_pressure_at_sea_level", "Pa", "msl"),
        ("surface_air_pressure", "Pa", "sp"),
        ("sea_surface_temperature", "degC", "sst"),
        ("surface_altitude", "m", "z_surface"),
    ],
)
def test_a_field_of_one_level_is_known_by_its_standard_name(few, standard_name, unit, name):
    field = few.msl.assign_attrs(standard_name=standard_name, units=unit)
    field = field.isel(time=0, drop=True) if name == "z_surface" else field
    own = few[["z"]].assign(XYZ=field)
    assert set(canonical(own, "own.nc").data_vars) == {"z", name}
    own["XYZ"].attrs["cell_methods"] = "area: mean time: mean"
    assert name in canonical(own, "own.nc")
    for differs in ({"cell_methods": "time: maximum"}, {"units": "1"},
                    {"standard_name": "surface_temperature"}):  # fmt: skip
        spoilt = own.assign(XYZ=own["XYZ"].assign_attrs(differs))
        assert set(canonical(spoilt, "own.nc").data_vars) == {"z", "XYZ"}


@pytest.mark.parametrize(
    ("standard_name", "unit", "names", "read"),
    [
        ("sea_surface_temperature", "K", ("sst_a", "sst_b"), ["sst_a", "sst_b"]),
        ("air_pressure_at_mean_sea_level", "Pa", ("msl", "msl_anom"), ["msl", "msl_anom"]),
        ("air_pressure_at_mean_sea_level", "Pa", ("msl_anom", "prmsl"), ["msl_anom", "msl"]),
    ],
)
def test_fields_that_share_a_standard_name_are_both_read(
    few, opened, standard_name, unit, names, read
):
    told = {"standard_name": standard_name, "units": unit}
    fields = {name: (few.msl + n).assign_attrs(told) for n, name in enumerate(names)}
    dataset = opened(xr.Dataset(fields))
    assert list(dataset.data_vars) == read
    assert "left out" not in dataset.attrs.get("history", "")
    np.testing.assert_allclose(dataset[read[1]], few.msl + 1)


def test_heights_on_levels_are_known_by_their_standard_name(few):
    heights = (few.z / 9.80665).assign_attrs(units="m", standard_name="geopotential_height")
    dataset = canonical(few[["msl"]].assign(Height=heights), "own.nc")
    np.testing.assert_allclose(dataset.z, few.z, rtol=1e-6)


def with_soil(few):
    """Temperatures of three depths of soil beside the fields of the air."""
    depths = few.msl.expand_dims(depth=[0.1, 0.3, 1.0]).transpose("time", "depth", ...)
    soil = (depths * 0 + 280).assign_attrs(units="K")
    return few.assign(stl=soil, swvl=soil.assign_attrs(units="m3 m-3"))


def test_fields_of_a_foreign_dimension_are_left_out(few, opened):
    dataset = opened(with_soil(few))
    assert set(dataset.data_vars) == {"z", "t", "msl"}
    line = "data.nc: left out 'stl', 'swvl', with a dimension 'depth' of unknown meaning"
    assert line in dataset.attrs["history"].splitlines()
    assert [finding.text for finding in origin_of(dataset)] == [
        f"{line}: select one entry if it is wanted"
    ]
    require_names(dataset, ["z", "msl"])
    with pytest.raises(InputError, match=r"no variable 'stl' .*dimension 'depth' .*; select one"):
        require_names(dataset, ["stl"])
    with pytest.raises(InputError, match="no variable 'd2m'") as refused:
        require_names(dataset, ["d2m"])
    assert "depth" not in str(refused.value)
    one_depth = canonical(with_soil(few).isel(depth=[0]), "data.nc")
    assert one_depth["stl"].dims == ("time", "lat", "lon")


def test_a_file_of_fields_of_a_foreign_dimension_alone_is_refused(few):
    soil = with_soil(few)[["stl", "swvl"]]
    end = "a dimension 'depth' of unknown meaning; select one entry of it first"
    with pytest.raises(InputError, match=f"^data.nc: 'stl', 'swvl' have {end}"):
        canonical(soil, "data.nc")
    with pytest.raises(InputError, match=f"^data.nc: 'stl' has {end}"):
        canonical(soil[["stl"]], "data.nc")


def test_a_field_in_an_unsuited_unit_is_left_out(few, opened):
    """And refused where it is wanted, or alone; another field of its meaning takes its place."""
    rain = (few.msl * 0).assign_attrs(units="mm/day")
    dataset = opened(few.assign(tp=rain, stl=with_soil(few)["stl"]))
    assert set(dataset.data_vars) == {"z", "t", "msl"}
    line = (
        "data.nc: left out 'tp', in 'mm/day'; expected one of m, mm, kg m-2, to which it cannot "
        "be converted"
    )
    assert line in dataset.attrs["history"].splitlines()
    advice = "convert it, or mend its units attribute"
    assert f"{line}: {advice} if it is wanted" in [f.text for f in origin_of(dataset)]
    assert len([*origin_of(dataset)]) == 2
    with pytest.raises(InputError, match=f"no variable 'tp' .*: {line}; {advice} first"):
        require_names(dataset, ["tp"])
    with pytest.raises(InputError, match=f"tp comes in 'mm/day'; expected one of m, .*: {advice}"):
        canonical(few.assign(tp=rain)[["tp"]], "data.nc")
    both = few.assign(tp=rain, total_precipitation=rain.assign_attrs(units="mm"))
    assert Layout.of(canonical(both, "data.nc")).fields["tp"].name == "total_precipitation"


@pytest.mark.parametrize(
    ("name", "unit"), [("level", "m"), ("lev", "1"), ("level", "kPa"), ("height", "m")]
)
def test_levels_in_another_unit_are_no_pressures(few, opened, name, unit):
    """Of numbers that pressures have, too; beside others left out, alone refused."""
    levels = xr.Variable(name, [10.0, 50.0, 100.0], {"units": unit})
    data = few[["t"]].isel(level=[0, 1, 1]).rename(level=name).assign_coords({name: levels})
    with pytest.raises(InputError, match=rf"^data.nc: 't' .*'{name}'"):
        canonical(data, "data.nc")
    dataset = opened(data.assign(msl=few["msl"]))
    assert set(dataset.data_vars) == {"msl"}
    assert "data.nc: left out 't', " in dataset.attrs["history"]


@pytest.mark.parametrize("along", [True, False])
def test_air_at_two_metres_is_not_at_two_hectopascals(few, opened, along):
    """As NCEP has it, and as a scalar."""
    height = xr.Variable("level" if along else (), [2.0] if along else 2.0, {"units": "m"})
    data = few[["t"]].isel(level=[0]) if along else few[["t"]].isel(level=0)
    data = data.rename(t="air").assign_coords(level=height)
    why = "'air' .*'level' in 'm', which is no unit of pressure"
    with pytest.raises(InputError, match=rf"^data.nc: {why}: .*t2m"):
        canonical(data, "data.nc")
    dataset = opened(data.assign(msl=few["msl"]))
    assert dataset["msl"].dims == ("time", "lat", "lon")
    assert [finding.text for finding in origin_of(dataset)] == [
        "data.nc: left out 'air', along 'level' in 'm', which is no unit of pressure: "
        "give levels in hPa or Pa, or fields near the ground as t2m, u10, v10 without levels "
        "if it is wanted"
    ]


@pytest.mark.parametrize("unit", ["hPa", "millibars", "hectopascals", "Pa", ""])
def test_levels_in_units_of_pressure_are_read(few, unit):
    factor = 100 if unit == "Pa" else 1
    data = few.assign_coords(level=("level", factor * few["level"].values, {"units": unit}))
    np.testing.assert_array_equal(canonical(data, "data.nc")["level"], few["level"])


def test_a_field_with_a_foreign_dimension_does_not_hide_another(few, opened):
    members = xr.concat([few.msl] * 2, "quantile")
    data = few.rename(msl="prmsl").assign(msl=members)
    np.testing.assert_allclose(opened(data).msl, few.msl)


def test_a_level_that_only_words_tell(few, opened):
    flat = few.isel(level=1, drop=True)[["t"]]
    flat["t"].attrs["long_name"] = "Temperature at 850 hPa"
    assert opened(flat).t.level.values.tolist() == [850]


def test_layout_keeps_attributes_types_and_units(few, opened):
    few = few.copy()
    few["msl"] = few.msl.astype(np.float32).assign_attrs(units="Pa", GRIB_paramId=np.int64(151))
    found = Layout.of(opened(few)).fields
    assert found["msl"].dtype == "float32"
    assert found["msl"].attributes["GRIB_paramId"] == 151
    assert found["t"].dtype == "float64"
    assert "units" not in found["msl"].attributes


@pytest.mark.parametrize(("kind", "floats"), [("int16", "float32"), ("int32", "float64")])
def test_integers_are_read_as_numbers_that_take_nan(kind, floats, few, opened):
    """And a forecast of them is written as such, in the file's unit."""
    whole = (few.msl / 100).round().astype(kind).assign_attrs(units="hPa")
    dataset = opened(few.assign(msl=whole, count=whole.drop_attrs()))
    assert dataset.msl.dtype == dataset["count"].dtype == floats
    np.testing.assert_allclose(dataset.msl, 100 * whole.astype(float))
    assert Layout.of(dataset).fields["msl"].dtype == "float32"


def test_a_static_field_at_every_time_is_taken_once(few, opened):
    """As ERA5 comes with lsm and z of the surface; one that changes is kept, and refused."""
    land = few.msl * 0 + (few.longitude > 180)
    mountains = few.msl * 0 + few.latitude**2
    data = few[["msl"]].assign(
        lsm=land.where(few.latitude < 60).assign_attrs(units="(0 - 1)"),
        z=mountains.assign_attrs(units="m**2 s**-2"),
    )
    dataset = opened(data)
    assert dataset.lsm.dims == dataset.z_surface.dims == ("lat", "lon")
    np.testing.assert_array_equal(dataset.lsm, data.lsm[0])
    line = "data.nc: lsm is equal at its first, middle and last time: taken once"
    assert line in dataset.attrs["history"].splitlines()
    assert Layout.of(dataset).fields["lsm"].dims == ("time", "lat", "lon")
    moving = data.lsm.where(few.time != few.time[-1], 1.0).assign_attrs(units="1")
    ice = canonical(data.assign(lsm=moving), "ice.nc")
    assert "time" in ice.lsm.dims
    with pytest.raises(InputError, match=r"static lsm has dimensions .*: if it is the same"):
        static_fields(ice, Variables(surface=("msl",), static=("lsm",)))


def curvilinear(data):
    data = data.drop_vars("latitude").rename(latitude="row", longitude="column")
    return data.assign_coords(latitude=(("row", "column"), np.zeros((8, 16))))


def reduced(data):
    return data.stack(cell=("latitude", "longitude"), create_index=False)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (curvilinear, "latitude is 2-D, a curvilinear grid; regrid"),
        (reduced, "lies along 'cell', a reduced or unstructured grid; regrid"),
    ],
)
def test_grids_of_another_kind_are_named(spoil, message, few, opened):
    with pytest.raises(InputError, match=message):
        opened(spoil(few))

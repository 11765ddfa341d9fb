"""Files with Pangu-Weather's inputs and outputs: which channel goes where, and what stops them."""

import numpy as np
import pytest
import torch
import xarray as xr

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.pangu_onnx import VARIABLES
from weather.state import State

onnx = pytest.importorskip("onnx")

UPPER = ("z", "q", "t", "u", "v")  # orders of the published files
SURFACE = ("msl", "u10", "v10", "t2m")
DESCENDING = (1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 50)
ROWS, COLUMNS = 5, 8
TYPICAL = {"z": 7e4, "q": 1e-5, "t": 250, "u": 10, "v": 5}
TYPICAL |= {"msl": 101000, "u10": 4, "v10": 2, "t2m": 285}
LAT, LON = np.linspace(90, -90, ROWS), np.arange(COLUMNS) * 45.0


def constant(name, values):
    return onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)


def published(path, nodes, initializers=(), rows=ROWS, columns=COLUMNS, names=("input", "output")):
    """A file with the published signature."""
    (given, made), single = names, onnx.TensorProto.FLOAT
    shapes = {"": [5, 13, rows, columns], "_surface": [4, rows, columns]}
    ends = [
        [onnx.helper.make_tensor_value_info(f"{name}{part}", single, shape)
         for part, shape in shapes.items()]
        for name in (given, made)
    ]  # fmt: skip
    graph = onnx.helper.make_graph(nodes, "pangu", *ends, initializers)
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def adding(path):
    """A model that adds to each field 10 times its number, and the number of the row."""
    aloft = 10.0 * np.arange(5 * 13).reshape(5, 13, 1, 1) + np.arange(ROWS)[:, None]
    ground = -10.0 * np.arange(4).reshape(4, 1, 1) - np.arange(ROWS)[:, None]
    nodes = [
        onnx.helper.make_node("Add", ["input", "aloft"], ["output"]),
        onnx.helper.make_node("Add", ["input_surface", "ground"], ["output_surface"]),
    ]
    return published(path, nodes, [constant("aloft", aloft), constant("ground", ground)])


def analyses(path, lat=LAT, levels=DESCENDING):
    """Two times of plausible values, all different, as ERA5 files hold them."""
    random = np.random.default_rng(0)
    time = np.datetime64("2020-01-01T00", "ns") + np.arange(2) * np.timedelta64(6, "h")
    units = {"z": "m**2 s**-2", "q": "kg kg**-1", "t": "K", "msl": "Pa", "t2m": "K"}
    dims = ("time", "level", "latitude", "longitude")
    fields = {}
    for name in (*UPPER, *SURFACE):
        own = dims if name in UPPER else (dims[0], *dims[2:])
        size = {"time": 2, "level": len(levels), "latitude": len(lat), "longitude": COLUMNS}
        values = TYPICAL[name] * random.uniform(0.99, 1.01, [size[dim] for dim in own])
        if name == "z":
            values *= np.log(1030 / np.array(levels))[:, None, None]
        fields[name] = (own, values, {"units": units.get(name, "m s**-1")})
    coordinates = {
        "time": time,
        "level": ("level", list(levels), {"units": "hPa"}),
        "latitude": ("latitude", lat, {"units": "degrees_north"}),
        "longitude": ("longitude", LON, {"units": "degrees_east"}),
    }
    xr.Dataset(fields, coordinates).to_netcdf(path)
    return path


def test_every_field_reaches_its_channel(call, tmp_path):
    model, data = adding(tmp_path / "pangu_weather_6.onnx"), analyses(tmp_path / "era5.nc")
    out = tmp_path / "f.nc"
    times = ("--time", "2020-01-01T00", "--time", "2020-01-01T06")
    assert call("forecast", model, "--from", data, *times, "--hours", 12, "--out", out) == 0
    with xr.open_dataset(data) as start, xr.open_dataset(out, decode_timedelta=True) as end:
        assert (end.lead_time.values == np.array([6, 12], "timedelta64[h]")).all()
        row = xr.DataArray(np.arange(ROWS), {"latitude": LAT}, "latitude")
        for steps in (1, 2):
            came = end.isel(lead_time=steps - 1)
            for number, name in enumerate(SURFACE):
                expected = start[name] - steps * (10 * number + row)
                np.testing.assert_allclose(came[name], expected, atol=0.05)
            for number, name in enumerate(UPPER):
                for place, level in enumerate(DESCENDING):
                    added = steps * (10 * (13 * number + place) + row)
                    expected = start[name].sel(level=level) + added
                    np.testing.assert_allclose(came[name].sel(level=level), expected, atol=0.05)


@pytest.mark.parametrize(("name", "hours"), [("1", 1), ("3", 3), ("6", 6), ("24", 24)])
def test_the_published_names_tell_the_time_step(name, hours, tmp_path):
    forecaster = Forecaster.load(adding(tmp_path / f"pangu_weather_{name}.onnx"))
    assert forecaster.step == np.timedelta64(hours, "h")
    assert forecaster.normal() is None


def test_the_time_step_is_an_option(call, tmp_path, capsys):
    model, data = adding(tmp_path / "mine.onnx"), analyses(tmp_path / "era5.nc")
    out = tmp_path / "f.nc"
    arguments = ("forecast", model, "--from", data, "--hours", 12, "--out", out)
    assert call(*arguments) == 2
    error = capsys.readouterr().err
    assert "does not hold its time step" in error
    assert "--step-hours" in error
    assert error.count("\n") == 1
    assert call(*arguments, "--step-hours", 12) == 0


def identity(path, **shape):
    parts = ("", "_surface")
    nodes = [onnx.helper.make_node("Identity", [f"input{p}"], [f"output{p}"]) for p in parts]
    return published(path, nodes, **shape)


def other_names(path):
    return published(path, [onnx.helper.make_node("Identity", [f"x{p}"], [f"y{p}"]) for p in
                            ("", "_surface")], names=("x", "y"))  # fmt: skip


def without_poles(path):
    return identity(path, rows=4)


def any_size(path):
    return identity(path, rows="lat", columns="lon")


def text(path):
    path.write_text("weights")
    return path


def nothing(path):
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (other_names, r"has the inputs x \(5, 13, 5, 8\), x_surface .*`weather export` wrote"),
        (without_poles, r"input \(5, 13, 4, 8\).*global grid with both poles"),
        (any_size, r"input \(5, 13, lat, lon\).*global grid with both poles"),
        (text, "is not an ONNX file"),
        (nothing, "no such file"),
    ],
)
def test_files_that_are_no_model(make, message, tmp_path):
    path = make(tmp_path / "pangu_weather_6.onnx")
    with pytest.raises(InputError, match=message) as error:
        Forecaster.load(path)
    assert "\n" not in str(error.value)


def test_analyses_that_do_not_fit(tmp_path):
    forecaster = Forecaster.load(adding(tmp_path / "pangu_weather_6.onnx"))
    start = [np.datetime64("2020-01-01T00")]
    few = open_reanalysis(analyses(tmp_path / "few.nc", levels=DESCENDING[:8]))
    with pytest.raises(InputError, match="no level 50, 100"):
        forecaster.initial(few, start)
    gauss = open_reanalysis(analyses(tmp_path / "gauss.nc", lat=np.linspace(80, -80, 5)))
    with pytest.raises(InputError, match=r"made for 5 x 8 cells, 90\.\.-90 N"):
        forecaster.initial(gauss, start)


@pytest.mark.slow
def test_the_published_size(tmp_path):
    model = Forecaster.load(identity(tmp_path / "pangu_weather_24.onnx", rows=721, columns=1440))
    grid = model.config.grid
    assert (grid.lat[0], grid.lat[-1], grid.lon[-1]) == (90, -90, 359.75)
    surface = torch.rand(1, 1, 4, *grid.shape)
    upper = torch.rand(1, 1, 5, 13, *grid.shape)
    state = State(surface, upper, torch.zeros(1, 1, dtype=torch.long), VARIABLES, grid)
    (forecast,) = model.rollout(state, 1)
    assert torch.equal(forecast.surface, surface)
    assert torch.equal(forecast.upper, upper)
    assert forecast.time.item() == 24 * 3600

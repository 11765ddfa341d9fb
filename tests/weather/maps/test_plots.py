"""Maps: every product, globe and region, highs and lows where they are, bad input."""

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.quiver import Barbs

from sciml.errors import InputError
from weather.cli import app
from weather.files.forecasts import open_forecast
from weather.grid import LatLonGrid
from weather.maps.colours import Scale, difference_scale, field_scale
from weather.maps.frame import MapFrame
from weather.maps.layers import add_bar, shading_scale
from weather.maps.plots import View, draw_map
from weather.maps.probability import draw_probability
from weather.maps.products import choose_product, displayed
from weather.maps.select import select_analysis, select_forecast
from weather.maps.sheet import require_picture, save_figure
from weather.maps.stamps import draw_stamps
from weather.sphere import distance

GLOBE = LatLonGrid(lat=tuple(np.linspace(85, -85, 18)), lon=tuple(np.arange(0.0, 360.0, 10.0)))
REGION = LatLonGrid(lat=tuple(np.linspace(60, 30, 16)), lon=tuple(np.arange(-20.0, 16.0, 2.0)))
DAY = np.timedelta64(24, "h").astype("timedelta64[ns]")


def bump(grid: LatLonGrid, lat: float, lon: float, width: float = 12.0) -> np.ndarray:
    away = (np.array(grid.lon) - lon + 180) % 360 - 180
    north = np.array(grid.lat)[:, None] - lat
    return np.exp(-(north**2 + away**2) / (2 * width**2))


def write(path: Path, grid: LatLonGrid) -> Path:
    """A forecast with a high of 1040 hPa at 50 N, 0 E and a low of 980 hPa at 40 S, 170 W."""
    msl = 101000 + 3000 * bump(grid, 48, 0) - 3000 * bump(grid, -40, 190)
    upper = np.broadcast_to(bump(grid, 48, 0), (2, *grid.shape))
    axes = ("time", "lead_time", "level", "latitude", "longitude")
    xr.Dataset(
        {
            "z": (axes, 5e4 + 3e3 * np.tile(upper, (1, 2, 1, 1, 1))),
            "t": (axes, 270 + 20 * np.tile(upper, (1, 2, 1, 1, 1))),
            "u": (axes, 30 * np.tile(upper, (1, 2, 1, 1, 1))),
            "v": (axes, -10 * np.tile(upper, (1, 2, 1, 1, 1))),
            "msl": (("time", "lead_time", *axes[3:]), np.tile(msl, (1, 2, 1, 1))),
        },
        {
            "time": [np.datetime64("2001-03-01", "ns")],
            "lead_time": np.array([1, 2]) * DAY,
            "level": [500, 850],
            "latitude": np.array(grid.lat),
            "longitude": np.array(grid.lon),
        },
    ).to_netcdf(path)
    return path


@pytest.fixture(params=[GLOBE, REGION], ids=["globe", "region"])
def one(request: pytest.FixtureRequest, tmp_path: Path) -> xr.Dataset:
    return select_forecast(open_forecast(write(tmp_path / "f.nc", request.param)), None, None)


def drawn(figure: Figure, kind: type) -> int:
    return sum(isinstance(child, kind) for child in figure.axes[0].get_children())


@pytest.mark.parametrize("name", [None, "z500_t850", "msl", "wind850", "t850", "v500"])
def test_every_product_draws(one: xr.Dataset, name: str | None) -> None:
    figure = draw_map(one, name)
    figure.canvas.draw()
    title = figure.axes[0].get_title(loc="left")
    assert "Init 2001-03-01 00 UTC   +24 h   Valid 2001-03-02 00 UTC" in title
    assert drawn(figure, QuadContourSet) >= 1
    assert drawn(figure, Barbs) == (name == "wind850")


def test_what_is_no_single_map_is_said(tmp_path: Path) -> None:
    raw = xr.open_dataset(write(tmp_path / "f.nc", GLOBE), decode_timedelta=True)
    forecast = open_forecast(raw)
    with pytest.raises(InputError, match=r"needs lat and lon, .*select_forecast\(open_forecast"):
        draw_map(raw)
    with pytest.raises(InputError, match="one time and one lead_time: take them with select_fore"):
        draw_map(forecast)
    analysis = select_forecast(forecast)
    with pytest.raises(InputError, match=r"shows one time: take it with \.sel\(time"):
        draw_map(analysis, truth=analysis.expand_dims(time=1))
    ensemble = analysis.expand_dims(member=2)
    with pytest.raises(InputError, match=r"one member: take it with \.isel\(member"):
        draw_map(ensemble)
    for draw in (draw_stamps, partial(draw_probability, threshold="msl > 0")):
        with pytest.raises(InputError, match="one lead_time: take them with select_forecast"):
            draw(forecast.isel(time=0).expand_dims(member=2))
    with pytest.raises(InputError, match=r"coordinates time, .*; expected lat and lon"):
        LatLonGrid.from_dataset(raw)


def test_names_of_pictures(one: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.png, \.pdf or \.svg"):
        require_picture(Path("x.bmp"))
    for name in ("x.png", "x.pdf", "x.svg"):
        save_figure(draw_map(one, "msl"), tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000


def test_a_wind_at_a_level_is_not_that_above_the_ground(one: xr.Dataset) -> None:
    high = one.assign_coords(level=[10.0, 100.0])
    with pytest.raises(InputError, match=r"no field u10 to plot; did you mean 'u10hPa'"):
        draw_map(high, "wind10")
    title = draw_map(high, "wind100hPa").axes[0].get_title(loc="left")
    assert "100 hPa wind (kt)" in title
    both = high.assign(u10=one["msl"], v10=one["msl"])
    assert "10 m wind (kt)" in draw_map(both, "wind10").axes[0].get_title(loc="left")


def test_truth_adds_analysis_and_difference(one: xr.Dataset) -> None:
    figure = draw_map(one, "z500_t850", truth=one.drop_vars("msl"))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "Analysis, same valid time" in titles
    assert "Forecast minus analysis, t850 (K); RMSE 0 K" in titles


def test_an_analysis_takes_the_longitudes_of_its_forecast(one: xr.Dataset) -> None:
    """Those of a region may count from elsewhere."""
    part = one.isel(lon=slice(4, 12))
    analysis = part.drop_vars(["time", "lead_time"]).expand_dims(time=[part["valid_time"].values])
    for turn in (-360, 0, 360):
        turned = analysis.assign_coords(lon=analysis["lon"] + turn)
        found = select_analysis(turned, part)
        assert found["lon"].values.tolist() == part["lon"].values.tolist()
    with pytest.raises(InputError, match=r"the forecast has 1. x 8 cells"):
        select_analysis(analysis.assign_coords(lon=analysis["lon"] + 180), part)


def test_small_differences_have_no_colour_of_their_own() -> None:
    scale = difference_scale(np.linspace(-2.3, 2.1, 50), "°C")
    assert 0 not in scale.levels
    np.testing.assert_allclose(scale.levels, -scale.levels[::-1])
    below, none, above = (tuple(scale.colormap(scale.norm(value))) for value in (-0.1, 0, 0.1))
    assert below == none == above


@pytest.mark.parametrize(("name", "unit", "factor"), [("tp", "m", 1e-3), ("cp", "kg m**-2", 1.0)])
def test_rain_is_shown_in_mm_and_white_where_there_is_none(
    name: str, unit: str, factor: float
) -> None:
    depth = 30 * bump(REGION, 45, 0, 3)
    where = {
        "lat": np.array(REGION.lat),
        "lon": np.array(REGION.lon),
        "time": np.datetime64(0, "ns"),
    }
    rain = xr.Dataset({name: (("lat", "lon"), factor * depth, {"units": unit})}, where)
    product = choose_product(name, [name])
    fields = displayed(rain, [name])
    np.testing.assert_allclose(fields[name], depth)
    scale = shading_scale(product, [fields])
    assert scale is not None
    assert scale.unit == "mm"
    assert scale.levels.tolist() == [0.1, 0.5, 1, 2, 5, 10, 20, 50]
    shades = [tuple(scale.colormap(scale.norm(value))) for value in (0, 0.09, 0.2, 19, 30)]
    assert shades[0] == shades[1] == (1, 1, 1, 1)
    assert len(set(shades)) == 4
    assert "(mm)" in draw_map(rain, name).axes[0].get_title(loc="left")


def test_humidity_has_no_colours_beyond_100_percent() -> None:
    scale = field_scale([np.linspace(0, 100, 50)], "%")
    assert (scale.levels[0], scale.levels[-1], scale.extend) == (0, 100, "neither")
    assert field_scale([np.linspace(-3, 104, 50)], "%").extend == "both"


def test_geopotential_is_named_as_the_height_it_is_shown_as() -> None:
    assert choose_product("z500", ["z500"]).title == "Geopotential height at 500 hPa"


@pytest.mark.parametrize("height", [1.5, 3.0, 8.0])
@pytest.mark.parametrize("count", [8, 19, 25])
def test_labels_of_a_colour_bar_stand_apart(height: float, count: int) -> None:
    figure = Figure(figsize=(6, height), layout="constrained")
    scale = Scale(2.0 * np.arange(count) - 10, "viridis", "neither", "K")
    add_bar(ScalarMappable(scale.norm, scale.colormap), figure.add_subplot(), scale)
    figure.canvas.draw()
    labels = figure.axes[-1].get_yticklabels()
    shown = [float(text.get_text().replace("\N{MINUS SIGN}", "-")) for text in labels]
    assert set(shown) <= set(scale.levels)
    assert len(shown) >= min(count, height)
    edges = [text.get_window_extent() for text in labels]
    assert all(upper.y0 > lower.y1 for lower, upper in pairwise(edges))


def test_highs_and_lows_are_marked_where_they_are(tmp_path: Path) -> None:
    one = select_forecast(open_forecast(write(tmp_path / "f.nc", GLOBE)), None, None)
    found = MapFrame(GLOBE).extremes(one["msl"].values / 100, prominence=2.0)
    assert sorted(sign for *_, sign, _ in found) == [-1, 1]
    for lon, lat, sign, value in found:
        place = (0, 48, 1040) if sign > 0 else (-170, -40, 980)
        assert (lon, lat, value) == pytest.approx(place, abs=2.5)


def test_near_a_pole_the_greater_of_two_highs_is_marked() -> None:
    axes = {"lat": tuple(np.linspace(90, -90, 73)), "lon": tuple(np.arange(0.0, 360.0, 2.5))}
    grid = LatLonGrid(**axes)
    lat, lon = np.array(grid.lat)[:, None], np.array(grid.lon)
    for row, expected in ((77.5, [20.0]), (40.0, [10.0, 20.0])):  # 5 and 19 degrees apart
        hills = [(height, distance(lat, lon, row, x)) for height, x in ((10, 90), (20, 115))]
        field = sum(height * np.exp(-((km / 200) ** 2)) for height, km in hills)
        found = MapFrame(grid).extremes(field, prominence=2.0)
        highs = sorted(value for *_, sign, value in found if sign > 0)
        assert highs == pytest.approx(expected, abs=0.1)


def test_a_globe_is_cyclic_and_smooth() -> None:
    field = np.cos(np.radians(GLOBE.lon)) * np.ones((18, 1))
    lon, lat, fine = MapFrame(GLOBE).smooth(field)
    assert lon[0] < -180
    assert lon[-1] >= 180
    inside = (lon >= -180) & (lon <= 180)
    expected = np.cos(np.radians(lon)) * np.ones((len(lat), 1))
    np.testing.assert_allclose(fine[:, inside], expected[:, inside], atol=2e-3)  # cubic, 10 degrees


def test_a_simulated_atmosphere_lies_over_its_own_land(one: xr.Dataset) -> None:
    assert drawn(draw_map(one, "msl"), LineCollection) == 1  # the coasts of the Earth
    one = one.assign_attrs(history="weather simulate (sciml-foundation 0.1.0): days 4")
    assert drawn(draw_map(one, "msl"), LineCollection) == 0
    grid = LatLonGrid.from_dataset(one)
    land = (("lat", "lon"), 3e4 * bump(grid, 45, 5))
    where = {"lat": np.array(grid.lat), "lon": np.array(grid.lon)}
    plain = drawn(draw_map(one, "msl"), QuadContourSet)
    for name in ("lsm", "z_surface"):
        static = xr.Dataset({name: land}, where)
        assert drawn(draw_map(one, "msl", view=View(static=static)), QuadContourSet) == plain + 1


def test_the_default_product_is_what_the_file_allows() -> None:
    assert choose_product(None, ["z500", "t850", "msl"]).title.startswith("500 hPa")
    assert choose_product(None, ["msl", "t2m"]).marks
    assert choose_product(None, ["t2m"]).shading == "t2m"
    assert choose_product("wind10", ["z10", "msl", "u10", "v10"]).contours == "msl"
    assert choose_product("msl", ["msl", "u10", "v10"]).wind == ("u10", "v10")


def run(forecast: Path, out: str, *more: str) -> None:
    tokens = ["plot", str(forecast), "--out", str(forecast.parent / out), *more]
    app(tokens, result_action="return_value")


def test_the_command(tmp_path: Path) -> None:
    forecast = write(tmp_path / "f.nc", REGION)
    run(forecast, "map.png", "--lead", "2d", "--time", "2001-03-01")
    assert (tmp_path / "map.png").stat().st_size > 10_000
    for arguments, message in (
        (("map.xyz",), "expected a name that ends in"),
        (("m.png", "--lead", "6h"), "no lead time 6 h; the file has 24, 48 h"),
        (("m.png", "--time", "2002-01-01"), "no forecast from 2002-01-01 00 UTC"),
        (("m.png", "--time", "soon"), "cannot read the time"),
        (("m.png", "--product", "t851"), "did you mean 't850'"),
    ):
        with pytest.raises(InputError, match=message):
            run(forecast, *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.nc", "map.png"]


def test_cells_without_data_are_left_blank(tmp_path: Path) -> None:
    one = select_forecast(open_forecast(write(tmp_path / "f.nc", GLOBE)), None, None).load()
    one["msl"][:6, :] = np.nan  # the high, and the cells around it
    draw_map(one, "msl").canvas.draw()
    found = MapFrame(GLOBE).extremes(one["msl"].values / 100, prominence=2.0)
    assert {sign for *_, sign, _ in found} == {-1}
    one["msl"][:] = np.nan
    with pytest.raises(InputError, match="msl is NaN everywhere"):
        draw_map(one, "msl")

"""Maps on cartopy's projections, of parts of the globe, and without cartopy."""

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.contour import QuadContourSet

from sciml.errors import InputError
from weather.coastline import coastlines, on_land
from weather.grid import LatLonGrid
from weather.maps.frame import MapFrame
from weather.maps.plots import View, draw_map
from weather.maps.projections import frame_of
from weather.maps.region import crop, extent_of, region_extent
from weather.maps.sheet import new_sheet
from weather.sphere import distance

TIME = np.datetime64("2001-03-01", "ns")


def analysis(lat: np.ndarray, lon: np.ndarray) -> xr.Dataset:
    """A wind along the parallels, and a pressure that only depends on latitude."""
    pressure = 101000 + 2000 * np.sin(np.radians(lat))[:, None] + 0 * lon
    wind = 10 + 0 * pressure
    fields = {"msl": pressure, "u10": wind, "v10": 0 * wind}
    return xr.Dataset(
        {name: (("lat", "lon"), field) for name, field in fields.items()},
        {"lat": lat, "lon": lon, "time": TIME},
    )


GLOBE = analysis(np.linspace(85, -85, 35), np.arange(0.0, 360.0, 5.0))
AREA = GLOBE.isel(lat=slice(4, 14), lon=slice(2, 12))


@pytest.mark.parametrize("projection", ["robinson", "orthographic", "north", "lambert", "mercator"])
def test_fields_lie_where_they_belong(projection: str) -> None:
    pytest.importorskip("cartopy")
    from cartopy import crs

    frame, part = frame_of(GLOBE, projection, region_extent("europe"))
    x, y, values = frame.smooth(part["msl"].values)
    lat = crs.PlateCarree().transform_points(frame.projection, *np.meshgrid(x, y))[..., 1]
    shown = np.isfinite(values)
    assert shown.mean() > 0.5
    expected = 101000 + 2000 * np.sin(np.radians(lat))
    inside = shown & (np.abs(lat) < 80)
    np.testing.assert_allclose(values[inside], expected[inside], atol=5)  # splines
    x, y, u, v, _ = frame.arrows(part["u10"].values, part["v10"].values, 8)
    there = crs.PlateCarree().transform_points(frame.projection, x, y)
    east = frame.projection.transform_points(crs.PlateCarree(), there[:, 0] + 0.01, there[:, 1])
    along = np.stack([east[:, 0] - x, east[:, 1] - y]) * np.array([u, v])
    length = np.hypot(u, v) * np.hypot(east[:, 0] - x, east[:, 1] - y)
    np.testing.assert_allclose(along.sum(axis=0) / length, 1, atol=1e-3)  # still eastward
    np.testing.assert_allclose(np.hypot(u, v), 10, rtol=1e-3)


@pytest.mark.parametrize("projection", ["robinson", "orthographic", "south", "lambert", "latlon"])
@pytest.mark.parametrize("data", [GLOBE, AREA], ids=["globe", "area"])
def test_every_projection_draws(data: xr.Dataset, projection: str) -> None:
    pytest.importorskip("cartopy")
    if projection == "south" and data is AREA:
        return
    figure = draw_map(data, "msl", view=View(projection))
    figure.canvas.draw()
    contours = [c for c in figure.axes[0].get_children() if isinstance(c, QuadContourSet)]
    assert len(contours) == 1
    assert "Valid 2001-03-01 00 UTC" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("projection", ["north", "south", "orthographic"])
def test_labels_of_a_disc_stand_where_they_say(projection: str) -> None:
    pytest.importorskip("cartopy")
    from cartopy import crs

    axes = draw_map(GLOBE, "msl", view=View(projection)).axes[0]
    labels = {text.get_text(): text.get_position() for text in axes.texts}
    labels = {text: place for text, place in labels.items() if "°" in text}
    assert {"30°E", "60°W"} < set(labels)
    assert any(text.endswith(("N", "S")) for text in labels)
    for text, place in labels.items():
        lon, lat = crs.PlateCarree().transform_point(*place, axes.projection)
        value = float(text.rstrip("°NSEW")) * (-1 if text[-1] in "SW" else 1)
        found = lat if text[-1] in "NS" else (lon - value + 180) % 360 - 180 + value
        assert found == pytest.approx(value, abs=1e-6)


def test_without_cartopy_plain_axes_are_drawn_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cartopy", None)
    said: list[str] = []
    figure = draw_map(GLOBE, "msl", view=View("robinson", say=said.append))
    assert said[0].startswith("cartopy is not installed: plain axes instead of robinson")
    assert figure.axes[0].name == "rectilinear"


def test_a_region_may_cross_the_date_line() -> None:
    part = crop(GLOBE, extent_of(170, -160, -30, 0))
    assert part["lon"].values.tolist() == list(range(160, 211, 5))
    assert LatLonGrid.from_dataset(part).shape == (11, 11)
    figure = draw_map(GLOBE, "msl", view=View(region=extent_of(170, -160, -30, 0)))
    assert figure.axes[0].get_xlim() == (170, 200)


def test_regions_that_are_not_there() -> None:
    with pytest.raises(InputError, match=r"no region 'europa'; did you mean 'europe'\?"):
        region_extent("europa")
    with pytest.raises(InputError, match="expected -90 <= south < north <= 90"):
        extent_of(0, 10, 20, 10)
    with pytest.raises(InputError, match="extent 10 to 10 E encloses nothing"):
        extent_of(10, 10, 20, 30)
    with pytest.raises(InputError, match="holds no cells"):
        crop(AREA, region_extent("australia"))


def test_the_coastlines_are_those_of_the_earth() -> None:
    places = {(48.0, 11.0): True, (40.0, -40.0): False, (-25.0, 134.0): True, (0.0, -160.0): False,
              (-80.0, 0.0): True, (68.0, 181.5): True, (42.0, 51.0): False}  # fmt: skip
    for (lat, lon), land in places.items():
        assert bool(on_land(lat, lon)) == land, (lat, lon)
    lat = np.linspace(89.5, -89.5, 180)
    mask = on_land(lat[:, None], np.arange(0.5, 360)[None])
    share = np.average(mask.mean(axis=1), weights=np.cos(np.radians(lat)))
    assert share == pytest.approx(0.287, abs=0.004)  # without ice shelves
    for line in coastlines():
        assert np.abs(np.diff(line[:, 0])).max() < 20


def test_land_agrees_with_a_reanalysis(shared_data: Path) -> None:
    file = shared_data / "weather" / "static" / "static_global_1deg.nc"
    with xr.open_dataset(file) as static:
        lsm = static["lsm"].squeeze()
        ours = on_land(lsm.latitude.values[:, None], lsm.longitude.values[None])
        clear = (lsm.values < 0.02) | (lsm.values > 0.98)
        clear &= lsm.latitude.values[:, None] > -60  # ice shelves are land there
        assert (ours == (lsm.values > 0.5))[clear].mean() > 0.99


@pytest.mark.parametrize("projection", ["latlon", "robinson", "lambert"])
def test_what_is_drawn_lies_between_the_cells_around_it(projection: str) -> None:
    """Splines alone swing below zero beside rain, and above it two cells away."""
    if projection != "latlon":
        pytest.importorskip("cartopy")
    frame, part = frame_of(GLOBE, projection, region_extent("europe"))
    rain = np.zeros(part["msl"].shape)
    rows, columns = rain.shape
    rain[rows // 2, columns // 2] = 20.0
    x, y, drawn = frame.smooth(rain)
    lon, lat = np.meshgrid(x, y) if projection == "latlon" else frame.plane[2:]
    centre = part.isel(lat=rows // 2, lon=columns // 2)
    near = abs((lon - float(centre["lon"]) + 180) % 360 - 180) < 5.01
    near &= abs(lat - float(centre["lat"])) < 5.01
    assert drawn[near].min() >= 0
    assert 15 < drawn[near].max() <= 20
    assert not np.nan_to_num(drawn[~near]).any()


@pytest.mark.parametrize("projection", ["latlon", "robinson"])
@pytest.mark.parametrize("ground", [0.0, 1.0])
def test_coasts_are_seen_on_black_and_on_white(projection: str, ground: float) -> None:
    if projection != "latlon":
        pytest.importorskip("cartopy")
    frame, _ = frame_of(GLOBE, projection, region_extent("europe"))
    figure, (axes, *_) = new_sheet(frame)
    canvas = FigureCanvasAgg(figure)
    frame.prepare(axes, None)
    axes.set_facecolor((ground, ground, ground))
    canvas.draw()
    grey = np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2) / 255
    height, width = grey.shape
    middle = grey[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    assert np.ptp(middle) > 0.5


def test_highs_and_lows_are_those_of_the_picture_not_of_its_box() -> None:
    pytest.importorskip("cartopy")
    frame, part = frame_of(GLOBE, "lambert", region_extent("europe"))
    lows = [(55, -35), (45, 10)]  # west of the region, and in it
    pressure = np.full(part["msl"].shape, 1010.0)
    for low in lows:
        pressure -= 30 * np.exp(-((away(part, *low) / 500) ** 2))
    found = frame.extremes(pressure, prominence=2.0)
    there = [crs_place(frame, lat, lon) for lat, lon in lows]
    near = [[np.hypot(x - a, y - b) < 3e5 for x, y, *_ in found] for a, b in there]
    assert np.array(near).sum(axis=1).tolist() == [1, 1]
    assert min(value for *_, value in found) == pytest.approx(pressure.min(), abs=1e-9)


def away(part: xr.Dataset, lat: float, lon: float) -> np.ndarray:
    return distance(lat, lon, part["lat"].values[:, None], part["lon"].values)


def crs_place(frame: MapFrame, lat: float, lon: float) -> tuple[float, float]:
    (x,), (y,) = frame.place([lon], [lat])
    return x, y

"""Highs and lows: prominence by another program, the seam, the poles, the edges."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.text import Text
from scipy import ndimage

from weather.files.reanalysis import open_reanalysis
from weather.grid import LatLonGrid
from weather.maps.centres import minima
from weather.maps.frame import MapFrame
from weather.maps.plots import draw_map
from weather.maps.projections import Projection, frame_of
from weather.sphere import distance

GLOBE = LatLonGrid(lat=tuple(np.linspace(87.5, -87.5, 36)), lon=tuple(np.arange(0.0, 360.0, 5.0)))


def dip(grid: LatLonGrid, lat: float, lon: float, depth: float, km: float = 600.0) -> np.ndarray:
    away = distance(lat, lon, np.array(grid.lat)[:, None], np.array(grid.lon))
    return -depth * np.exp(-0.5 * (away / km) ** 2)


def places(frame: MapFrame, field: np.ndarray) -> list[tuple[int, float, float]]:
    """Sign, latitude and longitude (0..360) of what is marked."""
    found = frame.extremes(field, prominence=2.0)
    return sorted((sign, round(lat, 6), round(lon % 360, 6)) for lon, lat, sign, _ in found)


def test_minima_are_those_that_a_closed_line_surrounds() -> None:
    """Against labelled regions: the one below minimum + depth holds nothing lower."""
    rng = np.random.default_rng(5)
    field = ndimage.gaussian_filter(rng.normal(size=(40, 50)), 1.5)
    around = np.pad(field, 1, constant_values=-np.inf)
    least = ndimage.minimum_filter(around, 3)[1:-1, 1:-1] == field
    for depth in (0.02, 0.1, 0.3):
        expected = []
        for row, column in np.argwhere(least):
            below = field < field[row, column] + depth
            region, _ = ndimage.label(below, np.ones((3, 3)))
            if field[region == region[row, column]].min() == field[row, column]:
                expected.append((row, column))
        assert minima(field, depth) == expected
        assert 0 < len(expected) < least.sum()


def test_a_low_is_marked_however_deep_its_neighbour() -> None:
    """20 hPa below its surroundings, on a slope that falls by as much within 10 degrees."""
    slope = np.interp(np.array(GLOBE.lat), [-75, -45], [950, 1010])[:, None]
    field = slope + dip(GLOBE, -52.5, 210, 20, km=400)
    lows = [(lat, lon) for sign, lat, lon in places(MapFrame(GLOBE), field) if sign < 0]
    assert min(distance(-52.5, 210, *low) for low in lows) < 200


def test_shallow_waves_are_not_marked() -> None:
    """Of the lows along a trough, with saddles 1.6 above them, only the lowest of the map."""
    trough = -4 * np.exp(-((np.array(GLOBE.lat)[:, None] / 15) ** 2))
    waves = 0.8 * np.cos(6 * np.radians(np.array(GLOBE.lon))) * (trough < -1)
    signs = [sign for sign, *_ in places(MapFrame(GLOBE), trough + waves)]
    assert signs.count(-1) == 1


@pytest.mark.parametrize("sign", [1, -1])
def test_marks_go_around_the_globe_with_the_field(sign: int) -> None:
    field = dip(GLOBE, 52.5, 175, 20) + dip(GLOBE, -42.5, 40, 20) - dip(GLOBE, 22.5, 300, 20)
    at_home = places(MapFrame(GLOBE), sign * field)
    assert (-sign, 52.5, 175.0) in at_home
    for columns in range(0, 72, 7):
        moved = places(MapFrame(GLOBE), sign * np.roll(field, columns, axis=1))
        back = sorted((s, lat, (lon - 5 * columns) % 360) for s, lat, lon in moved)
        assert back == at_home


@pytest.mark.parametrize("lon", [179.0, 180.0, 181.0])
def test_a_mark_beside_the_seam_is_written_within_the_map(lon: float) -> None:
    one = xr.Dataset(
        {"msl": (("lat", "lon"), 1e5 + 100 * dip(GLOBE, 52.5, lon, 20), {"units": "Pa"})},
        {"lat": np.array(GLOBE.lat), "lon": np.array(GLOBE.lon),
         "time": np.datetime64("2001-01-01", "ns")},
    )  # fmt: skip
    figure = draw_map(one, "msl")
    figure.canvas.draw()
    axes = figure.axes[0]
    marks = [text for text in axes.findobj(Text) if text.get_text() == "L"]
    assert len(marks) == 1
    frame, mark = axes.get_window_extent(), marks[0].get_window_extent()
    assert frame.x0 - 1 <= mark.x0 < mark.x1 <= frame.x1 + 1


@pytest.mark.parametrize(
    ("projection", "lat", "lon"), [("robinson", 2.5, 179), ("north", 85, 60), ("south", -85, 60)]
)
def test_lows_at_the_seam_and_near_the_pole_of_a_projection(
    projection: Projection, lat: float, lon: float
) -> None:
    pytest.importorskip("cartopy")
    where = {"lat": np.array(GLOBE.lat), "lon": np.array(GLOBE.lon)}
    frame, part = frame_of(xr.Dataset(coords=where), projection)
    field = dip(LatLonGrid.from_dataset(part), lat, lon, 20)
    (x,), (y,) = frame.place([lon], [lat])
    away = [np.hypot(a - x, b - y) for a, b, sign, _ in frame.extremes(field, 2.0) if sign < 0]
    assert min(away) < 3e5  # m on the plane


def test_a_way_may_lead_across_a_pole() -> None:
    """A shelf beside the pole is no low of its own, if a deeper one lies across it."""
    field = np.zeros(GLOBE.shape)
    field[:3] = 5.0
    field[0, 10], field[0, 10 + 36] = -3.0, -5.0
    around = [cell for cell in minima(field, 2.0, periodic=True) if cell[0] == 0]
    assert around == []  # beyond the first row nothing is known
    across = minima(field, 2.0, periodic=True, poles=(True, True))
    assert (0, 46) in across
    assert (0, 10) not in across


def test_an_edge_and_cells_without_data_are_no_centres() -> None:
    grid = LatLonGrid(lat=tuple(np.arange(60.0, 19.0, -2.5)), lon=tuple(np.arange(220.0, 310, 2.5)))
    slope = 20.0 - 0.3 * np.arange(grid.shape[1])  # lowest at the eastern edge
    field = 990 + slope + dip(grid, 35, 282.5, 25)
    assert places(MapFrame(grid), field) == [(-1, 35.0, 282.5)]
    field[:, -4:] = np.nan
    field[:6, :5] = np.nan
    assert places(MapFrame(grid), field) == [(-1, 35.0, 282.5)]


@pytest.mark.parametrize(
    ("file", "time", "lat", "lon"),
    [
        ("namerica_storm_199601_6h.nc", "1996-01-08T00", 35.0, -77.5),  # the blizzard
        ("era5_global_2p5deg_6h_msl_vo850_20251201-20260208.nc", "2026-01-10T00", -49.0, -147.0),
    ],
)
def test_deep_lows_of_the_archives(
    shared_data: Path, file: str, time: str, lat: float, lon: float
) -> None:
    path = shared_data / "weather" / file
    if not path.exists():
        pytest.skip(f"{file} is not there")
    field = open_reanalysis([path])["msl"].sel(time=time)
    grid = LatLonGrid.from_dataset(field.to_dataset())
    found = MapFrame(grid).extremes(field.values / 100, prominence=2.0)
    away = [float(distance(lat, lon, y, x)) for x, y, sign, _ in found if sign < 0]
    assert min(away) < 300

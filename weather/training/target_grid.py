"""The grid that a user names: `1.5` degrees, `121x240` cells, or `half` the resolution."""

import re

import numpy as np

from sciml.errors import InputError
from weather.grid import LatLonGrid

_ROUNDING = 1e-3  # degrees; coordinates are often stored in single precision


def target_grid(text: str, source: LatLonGrid) -> LatLonGrid:
    """The grid named by `text`, as far as the data reaches; `half` is `LatLonGrid.halved`.

    A spacing of d degrees has rows on both poles and columns from 0 E on. Of two numbers
    of cells the larger counts longitudes; an odd number of latitudes has rows on both
    poles, an even number has cells that end there, as the grids of WeatherBench 2.
    Of a regional source, the cells that lie whole in it are kept.

    Raises:
        InputError: text that is neither, a spacing that does not divide 180 degrees, or
            a grid finer than the source.
    """
    if text == "half":
        return source.halved()
    globe = _globe(*_cells(text))
    grid = _within(globe, source, text)
    finer = [n > m + 1 for n, m in zip(grid.shape, source.shape, strict=True)]
    if any(finer):
        raise InputError(
            f"the grid {text} ({grid.describe()}) is finer than the data ({source.describe()}); "
            "means over cells add no detail: choose a coarser grid"
        )
    return grid


def _cells(text: str) -> tuple[int, int]:
    """Numbers of latitudes and longitudes."""
    if found := re.fullmatch(r"(\d+)x(\d+)", text):
        rows, columns = sorted((int(found[1]), int(found[2])))
        return rows, columns
    try:
        spacing = float(text)
    except ValueError:
        spacing = 0.0
    if not 0 < spacing <= 90:
        raise InputError(
            f"cannot read the grid {text!r}; give degrees (1.5), cells (121x240) or half"
        )
    rows = round(180 / spacing)
    if abs(rows * spacing - 180) > _ROUNDING:
        raise InputError(
            f"a grid of {spacing:g} degrees does not fit between the poles; choose a spacing "
            f"that divides 180, such as {180 / rows:g}, or give cells (121x240)"
        )
    return rows + 1, 2 * rows


def _globe(rows: int, columns: int) -> LatLonGrid:
    if rows < 2:
        raise InputError(f"a grid of {rows} x {columns} cells; expected at least 2 x 2")
    height = 180 / (rows - rows % 2)
    north = 90 if rows % 2 else 90 - height / 2
    lat = north - height * np.arange(rows)
    return LatLonGrid(lat=lat.tolist(), lon=(360 / columns * np.arange(columns)).tolist())


def _within(globe: LatLonGrid, source: LatLonGrid, text: str) -> LatLonGrid:
    """The cells of a globe that lie whole in the source."""
    edges, bounds = globe.latitude_bounds(), source.latitude_bounds()
    inside = (edges[:-1] <= bounds[0] + _ROUNDING) & (edges[1:] >= bounds[-1] - _ROUNDING)
    lon = np.array(globe.lon)
    if not source.periodic:
        west, *_, east = source.longitude_bounds()
        half = 180 / len(lon)
        turned = np.concatenate([lon - 360, lon, lon + 360])
        lon = turned[(turned - half >= west - _ROUNDING) & (turned + half <= east + _ROUNDING)]
    if inside.sum() < 2 or len(lon) < 2:
        raise InputError(
            f"less than 2 x 2 cells of the grid {text} lie in the data ({source.describe()}); "
            "choose a finer grid"
        )
    return LatLonGrid(lat=np.array(globe.lat)[inside].tolist(), lon=lon.tolist())

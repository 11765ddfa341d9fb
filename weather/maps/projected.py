"""Map frames on cartopy's projections; fields are sampled on the plane of the picture.

Contours are then drawn in the plane itself: no cell is torn at the date line and the
poles are points like others.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.path import Path as Outline
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from weather.maps.frame import (
    CASING,
    HALO,
    MapFrame,
    Place,
    bounded_spline,
    cut,
)
from weather.sphere import latitude_label, longitude_label

Field = NDArray[np.float64]

_SIDE = 320  # points along the longer side of the plane
_MERIDIANS, _PARALLELS = range(-180, 180, 30), range(-75, 90, 15)  # of a map that is a disc


@dataclass(frozen=True)
class ProjectedFrame(MapFrame):
    """A frame whose axes are cartopy's.

    Attributes:
        crs: cartopy's projection.
        whole: whether all that the projection shows is drawn; else `region`.
        round: whether the picture is a disc.
    """

    crs: Any = None
    whole: bool = True
    round: bool = False

    @property
    def projection(self) -> Any:
        """Of the axes."""
        return self.crs

    @property
    def ratio(self) -> float:
        """Height over width of the map on paper."""
        left, right, bottom, top = self.window
        return (top - bottom) / (right - left)

    @property
    def _rimmed(self) -> bool:
        """Whether the picture is a disc: a polar map, or a globe from afar."""
        return self.round or type(self.crs).__name__ == "Orthographic"

    @cached_property
    def window(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top in the plane."""
        if self.whole:
            return *self.crs.x_limits, *self.crs.y_limits
        west, east, south, north = self.extent
        along = np.linspace(0, 1, 60)
        lon = np.concatenate([west + (east - west) * along, *(np.full(60, e) for e in (west, east)),
                              west + (east - west) * along])  # fmt: skip
        lat = np.concatenate([np.full(60, south), *(south + (north - south) * along,) * 2,
                              np.full(60, north)])  # fmt: skip
        x, y = self._forward(lon, lat)
        return np.nanmin(x), np.nanmax(x), np.nanmin(y), np.nanmax(y)

    @cached_property
    def plane(self) -> tuple[Field, Field, Field, Field]:
        """Coordinates x, y and longitudes, latitudes (y, x) of the points; NaN off the globe."""
        left, right, bottom, top = self.window
        columns = int(_SIDE / max(1.0, self.ratio))
        x = np.linspace(left, right, columns)
        y = np.linspace(bottom, top, max(2, int(columns * self.ratio)))
        return x, y, *self._backward(*np.meshgrid(x, y))

    def smooth(self, field: Field) -> tuple[Field, Field, Field]:
        """Plane coordinates and field for contours; NaN beyond the data."""
        x, y, lon, lat = self.plane
        return x, y, self.sample(field, lon, lat)

    def sample(self, field: Field, lon: Field, lat: Field) -> Field:
        """Values at points: cubic splines, or linear where a field has holes."""
        own_lat, own_lon = np.array(self.grid.lat), np.array(self.grid.lon)
        step = own_lon[1] - own_lon[0]
        columns = (lon - own_lon[0]) % 360 / step
        pad = 4 if self.grid.periodic else 0
        if self.grid.periodic:
            field = np.concatenate([field[:, -pad:], field, field[:, :pad]], axis=1)
            outside = np.isnan(lon)
        else:
            outside = ~(columns <= len(own_lon) - 1 + 1e-6)
            outside |= (lat > own_lat[0] + 1e-6) | (lat < own_lat[-1] - 1e-6)
        rows = np.interp(-np.nan_to_num(lat), -own_lat, np.arange(len(own_lat)))
        places = [rows, np.where(outside, 0, columns) + pad]
        if np.isfinite(field).all():
            values = bounded_spline(field, places)
        else:
            values = ndimage.map_coordinates(field, places, order=1, mode="nearest")
        return np.where(outside, np.nan, values)

    def prepare(self, axes: Axes, static: xr.Dataset | None, small: bool = False) -> None:
        """Draw graticule and coast or mountains; set the limits."""
        from cartopy import crs
        from shapely import MultiLineString

        left, right, bottom, top = self.window
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.set_facecolor("#f4f4f4")
        shown: Any = axes
        if self.round:
            turn = np.linspace(0, 2 * np.pi, 200)
            disc = Outline(np.stack([0.5 + 0.5 * np.sin(turn), 0.5 + 0.5 * np.cos(turn)], axis=1))
            shown.set_boundary(disc, transform=axes.transAxes)
        if self.earth:
            coast = [MultiLineString(self.coast)]
            lines = shown.add_geometries(coast, crs=crs.PlateCarree(), facecolor="none",
                                         edgecolor="#222222", linewidth=0.7, zorder=3)  # fmt: skip
            lines.set_path_effects(CASING)
        elif static is not None:
            self._draw_own_land(axes, static)
        if not self.grid.periodic and self.region is None:
            self._draw_edge(axes)
        labels = False if small or self._rimmed else ["left", "bottom"]
        graticule = shown.gridlines(draw_labels=labels, xlocs=_MERIDIANS if self._rimmed else None,
                                    ylocs=_PARALLELS if self._rimmed else None, color="#777777",
                                    linewidth=0.4, alpha=0.6, x_inline=False,
                                    y_inline=False)  # fmt: skip
        for style in (graticule.xlabel_style, graticule.ylabel_style):
            style["size"] = 8
        graticule.rotate_labels = False
        if self._rimmed and not small:
            self._label_inside(axes)

    def _label_inside(self, axes: Axes) -> None:
        """Longitudes and latitudes of a map that is a disc, on the lines of its graticule.

        On a polar map longitudes stand along the rim, and latitudes on a meridian between
        two lines; on a globe along the parallel next to its middle, and on the middle meridian.
        """
        lon, lat = (self.crs.proj4_params[key] for key in ("lon_0", "lat_0"))
        parallel, meridian = 15 * round(lat / 15), lon
        if self.round:
            parallel, meridian = np.sign(lat) * (min(map(abs, self.extent[2:])) + 5), lon + 45
        places = [(lon, parallel, longitude_label(lon)) for lon in _MERIDIANS]
        places += [(meridian, lat, latitude_label(lat)) for lat in _PARALLELS if lat != parallel]
        for lon, lat, text in places:
            (x,), (y,) = self._forward(np.array([lon]), np.array([lat]))
            if self._well_inside(x, y):
                axes.text(x, y, text, ha="center", va="center", fontsize=7, color="#444444",
                          path_effects=HALO, clip_on=True, zorder=6)  # fmt: skip

    def _draw_edge(self, axes: Axes) -> None:
        """The edge of a limited area, where its lines end."""
        west, east, south, north = MapFrame(self.grid).extent
        along = np.linspace(0, 1, 50)
        lon, lat = west + (east - west) * along, south + (north - south) * along
        x = np.concatenate([lon, np.full(50, east), lon[::-1], np.full(50, west)])
        y = np.concatenate([np.full(50, south), lat, np.full(50, north), lat[::-1]])
        axes.plot(*self.place(x, y), color="#777777", linewidth=0.8, linestyle="--", zorder=3)

    def arrows(self, u: Field, v: Field, count: int) -> tuple[Field, Field, Field, Field, Field]:
        """Places of arrows on a square lattice of the plane, components along it, latitudes."""
        from cartopy import crs

        left, right, bottom, top = self.window
        step = max(right - left, top - bottom) / count
        places = np.meshgrid(np.arange(left + step / 2, right, step),
                             np.arange(bottom + step / 2, top, step))  # fmt: skip
        lon, lat = (values.ravel() for values in self._backward(*places))
        u, v = (self.sample(component, lon, lat) for component in (u, v))
        kept = np.isfinite(u) & np.isfinite(v) & (np.abs(lat) < 89)
        lon, lat, u, v = (values[kept] for values in (lon, lat, u, v))
        turned = self.crs.transform_vectors(crs.PlateCarree(), lon, lat, u, v)
        x, y = self._forward(lon, lat)
        return x, y, *turned, lat

    def place(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Field, Field]:
        """Points of a line on the axes, with NaN between points on both sides of an edge."""
        x, y = self._forward(np.asarray(lon, float), np.asarray(lat, float))
        left, right = self.crs.x_limits
        return cut(x, y, 0.5 * (right - left))

    def extremes(self, field: Field, prominence: float) -> list[Place]:
        """Local highs and lows that the picture shows: x, y, +1 or -1, value."""
        found = super().extremes(field, prominence)
        places = [self._forward(np.array([lon]), np.array([lat])) for lon, lat, *_ in found]
        return [
            (float(x), float(y), sign, value)
            for ((x,), (y,)), (*_, sign, value) in zip(places, found, strict=True)
        ]

    def _inside(self, lon: float, lat: float) -> bool:
        west, east, south, north = MapFrame(self.grid).extent
        known = south < lat < north and (self.grid.periodic or west < lon < east)
        (x,), (y,) = self._forward(np.array([lon]), np.array([lat]))
        if self.whole and not self._rimmed:  # a value that reaches across the seam is read there
            return bool(known and abs(lat) < 80 and np.isfinite(x))
        return known and self._well_inside(x, y)

    def _well_inside(self, x: float, y: float) -> bool:
        """Whether what is written there is seen whole, or nearly so at the rim of a disc."""
        left, right, bottom, top = self.window
        across = abs(x - 0.5 * (left + right)) / (0.5 * (right - left))
        upward = abs(y - 0.5 * (bottom + top)) / (0.5 * (top - bottom))
        if self._rimmed:
            return bool(np.hypot(across, upward) < 0.97)
        return across < 0.96 and upward < 0.94

    def _forward(self, lon: Field, lat: Field) -> tuple[Field, Field]:
        """Plane coordinates; NaN for what the projection does not show."""
        from cartopy import crs

        there = self.crs.transform_points(crs.PlateCarree(), lon, lat)
        x, y = (np.where(np.isfinite(there[..., i]), there[..., i], np.nan) for i in (0, 1))
        return x, y

    def _backward(self, x: Field, y: Field) -> tuple[Field, Field]:
        """Longitudes and latitudes of points of the plane; NaN off the globe."""
        from cartopy import crs

        there = crs.PlateCarree().transform_points(self.crs, x, y)
        lon, lat = there[..., 0], there[..., 1]
        known = np.isfinite(lon) & np.isfinite(lat)
        again = self._forward(np.where(known, lon, 0), np.where(known, lat, 0))
        size = max(abs(limit) for limit in self.crs.x_limits)
        known &= np.hypot(again[0] - x, again[1] - y) < 1e-4 * size  # some inverses wrap round
        return np.where(known, lon, np.nan), np.where(known, lat, np.nan)

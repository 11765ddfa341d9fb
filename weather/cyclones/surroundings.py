"""Fields around points of the sphere: rays outwards, cells within a radius, centres of mass."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weather.grid import LatLonGrid
from weather.sphere import DEGREE, destination, distance, from_plane, onto_plane

Field = NDArray[np.float64]
Index = NDArray[np.intp]

_BEARINGS = np.arange(0.0, 360.0, 22.5)
_TURNS = 12  # of the iteration to a centre of mass


class Surroundings:
    """Looks around points of a grid; right across the date line and the poles.

    Args:
        grid: global or regional. Beyond the edge of a region everything is NaN; between
            the last row of a globe and the pole the last row holds.
    """

    def __init__(self, grid: LatLonGrid) -> None:
        self.grid = grid
        self.lat, self.lon = np.array(grid.lat), np.array(grid.lon)
        self.spacing = float(max(np.diff(self.lon).mean(), np.abs(np.diff(self.lat)).max()))

    def sample(self, field: Field, lat: Field, lon: Field) -> Field:
        """Bilinear values at points of any shape."""
        rows = np.interp(-lat, -self.lat, np.arange(len(self.lat)))
        columns = (lon - self.lon[0]) % 360 / (self.lon[1] - self.lon[0])
        if self.grid.periodic:
            field = np.concatenate([field, field[:, :1]], axis=1)
        else:
            margin = 1e-6
            outside = (lat > self.lat[0] + margin) | (lat < self.lat[-1] - margin)
            columns = np.where(columns > len(self.lon) - 1 + margin, np.nan, columns)
            columns = np.where(outside, np.nan, np.minimum(columns, len(self.lon) - 1))
        known = np.isfinite(columns)
        places = [rows, np.where(known, columns, 0)]
        values = ndimage.map_coordinates(field, places, order=1, mode="nearest")
        return np.where(known, values, np.nan)

    def rays(self, field: Field, lat: Field, lon: Field, radius: float) -> Field:
        """Values along 16 bearings out to `radius` degrees.

        Args:
            field: (lat, lon)
            lat, lon: (point,) where the rays begin.
            radius: degrees; one and a half cells where these are larger.

        Returns:
            (point, bearing, step), half a cell apart.
        """
        reach = max(radius, 1.5 * self.spacing)
        steps = np.linspace(0, reach, max(3, int(np.ceil(reach / self.spacing * 2)) + 1))[1:]
        there = destination(
            lat[:, None, None], lon[:, None, None], _BEARINGS[:, None], steps * DEGREE
        )
        return self.sample(field, *there)

    def rises(self, field: Field, lat: Field, lon: Field, start: Field, radius: float) -> Field:
        """By how much a field exceeds `start` (point,) in that direction where it does least."""
        rays = self.rays(field, lat, lon, radius) - start[:, None, None]
        highest = np.where(np.isnan(rays), -np.inf, rays).max(axis=2)
        return highest.min(axis=1)

    def within(self, lat: float, lon: float, radius: float) -> tuple[Index, Index]:
        """Rows and columns of the cells within `radius` degrees."""
        rows = np.flatnonzero(np.abs(self.lat - lat) <= radius + 1e-9)
        away = np.abs((self.lon - lon + 180) % 360 - 180)
        poleward = np.radians(min(abs(lat) + radius, 90.0))
        wide = 180.0 if poleward > 1.5 else np.degrees(
            np.arcsin(min(1.0, np.sin(np.radians(radius)) / np.cos(np.radians(lat))))
        )  # fmt: skip
        columns = np.flatnonzero(away <= wide + 1e-9)
        near = np.nonzero(
            distance(lat, lon, self.lat[rows, None], self.lon[columns]) <= radius * DEGREE
        )
        return rows[near[0]], columns[near[1]]

    def mean(self, field: Field, lat: float, lon: float, radius: float) -> float:
        """Mean over the cells within `radius` degrees."""
        return float(np.nanmean(field[self.within(lat, lon, max(radius, 1.5 * self.spacing))]))

    def greatest(self, field: Field, lat: float, lon: float, radius: float) -> float:
        """Greatest value of the cells within `radius` degrees, at least one and a half cells."""
        return float(np.nanmax(field[self.within(lat, lon, max(radius, 1.5 * self.spacing))]))

    def refine(self, field: Field, row: int, column: int) -> tuple[float, float]:
        """Position of a minimum between the cells.

        The centre of mass of how far the field lies below its surroundings, tapered to
        zero at two and a half cells from the centre itself, which is therefore iterated.
        For a Holland (1980) vortex of a size below that of a cell it errs by an eighth of
        a cell; a parabola through 3 x 3 cells errs by twice that.

        Args:
            field: (lat, lon)
            row, column: of the minimum.

        Returns:
            Latitude and longitude (0..360).
        """
        lat, lon = float(self.lat[row]), float(self.lon[column])
        radius = max(2.5 * self.spacing, 2.0)
        cells = self.within(lat, lon, 1.6 * radius)
        x, y = onto_plane(lat, lon, self.lat[cells[0]], self.lon[cells[1]])
        area = np.cos(np.radians(self.lat[cells[0]]))
        east, north = _centre_of_mass(x, y, field[cells], area, radius * DEGREE)
        if np.hypot(east, north) > self.spacing * DEGREE:
            return lat, lon % 360  # not a dip of its own: keep the cell
        return from_plane(lat, lon, east, north)


def _centre_of_mass(
    x: Field, y: Field, values: Field, area: Field, radius: float
) -> tuple[float, float]:
    east = north = 0.0
    known = np.isfinite(values)
    x, y, values, area = x[known], y[known], values[known], area[known]
    for _ in range(_TURNS):
        taper = 1 - ((x - east) ** 2 + (y - north) ** 2) / radius**2
        inside = taper > 0
        if not inside.any():
            return 0.0, 0.0
        below = np.where(inside, values[inside].max() - values, 0.0)
        weight = np.where(inside, below * taper**2 * area, 0.0)
        if weight.sum() <= 0:
            return 0.0, 0.0
        east, north = float(weight @ x / weight.sum()), float(weight @ y / weight.sum())
    return east, north

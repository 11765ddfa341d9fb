"""The latitude-longitude grid, global or regional, with or without poles."""

from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr, ValidationError, model_validator

from sciml.config import Config
from sciml.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

_TOLERANCE = 1e-3  # degrees; coordinates are often stored in single precision


class LatLonGrid(Config):
    """Cell centres of a latitude-longitude grid.

    Latitudes need not be evenly spaced (Gaussian grids); longitudes must be.

    Attributes:
        lat: degrees north, north to south.
        lon: degrees east, ascending; 0..360 or -180..180.
    """

    lat: tuple[float, ...]
    lon: tuple[float, ...]
    _lat_edges: tuple[float, ...] | None = PrivateAttr(None)  # of `halved`; not kept in files
    _lon_ends: tuple[float, float] | None = PrivateAttr(None)

    def __eq__(self, other: object) -> bool:
        """Whether points are equal; edges belong to how a grid was made."""
        if not isinstance(other, LatLonGrid):
            return NotImplemented
        return (self.lat, self.lon) == (other.lat, other.lon)

    def __hash__(self) -> int:
        return hash((self.lat, self.lon))

    @model_validator(mode="after")
    def _check(self) -> Self:
        lat, lon = np.array(self.lat), np.array(self.lon)
        if len(lat) < 2 or len(lon) < 2:
            raise ValueError(f"a grid of {len(lat)} x {len(lon)} cells; expected at least 2 x 2")
        if not (np.diff(lat) < 0).all():
            raise ValueError("latitude does not run north to south; sort it descending")
        if np.abs(lat).max() > 90 + _TOLERANCE:
            raise ValueError(f"latitude reaches {np.abs(lat).max():g}; expected -90..90 degrees")
        spacing = np.diff(lon)
        if not (spacing > 0).all():
            raise ValueError("longitude does not ascend; sort it west to east")
        if np.ptp(spacing) > 2 * _TOLERANCE:
            raise ValueError("longitude is not evenly spaced; regrid the data")
        if lon[-1] - lon[0] > 360 - spacing.mean() + 2 * _TOLERANCE:
            raise ValueError("longitude covers more than the globe; drop the repeated columns")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of latitudes and longitudes."""
        return len(self.lat), len(self.lon)

    @cached_property
    def periodic(self) -> bool:
        """Whether the last longitude is a neighbour of the first."""
        span = (self.lon[-1] - self.lon[0]) * len(self.lon) / (len(self.lon) - 1)
        return abs(span - 360) < _TOLERANCE * len(self.lon)

    @property
    def has_poles(self) -> bool:
        """Whether a row lies on a pole."""
        return max(abs(self.lat[0]), abs(self.lat[-1])) > 90 - _TOLERANCE

    def latitude_bounds(self) -> NDArray[np.float64]:
        """(lat + 1,) degrees north, edges of the cells, north to south.

        Edges lie half-way between neighbours. A globe's outermost cells, and those
        that would reach beyond a pole, end at it. Those of a halved grid see there.
        """
        if self._lat_edges is not None:
            return np.array(self._lat_edges)
        lat = np.array(self.lat)
        north, south = 1.5 * lat[0] - 0.5 * lat[1], 1.5 * lat[-1] - 0.5 * lat[-2]
        if self.periodic:  # Gaussian rows stand a little more than half a row off the pole
            north = 90.0 if 2 * lat[0] - lat[1] > 90 - _TOLERANCE else north
            south = -90.0 if 2 * lat[-1] - lat[-2] < -90 + _TOLERANCE else south
        inner = 0.5 * (lat[1:] + lat[:-1])
        return np.concatenate([[min(north, 90.0)], inner, [max(south, -90.0)]])

    def longitude_bounds(self) -> NDArray[np.float64]:
        """(lon + 1,) degrees east, edges of the cells, which are equally wide."""
        half = (self.lon[-1] - self.lon[0]) / (len(self.lon) - 1) / 2
        west, east = self._lon_ends or (self.lon[0] - half, self.lon[-1] + half)
        return np.linspace(west, east, len(self.lon) + 1)

    @property
    def covers_globe(self) -> bool:
        """Whether its cells go around and reach both poles; no row need lie on a pole."""
        edges = self.latitude_bounds()
        return self.periodic and bool(edges[0] - edges[-1] > 180 - _TOLERANCE)

    def area_weights(self) -> NDArray[np.float64]:
        """Weights proportional to grid-cell area, with mean one.

        A cell between latitudes a < b has weight sin b - sin a; a cell at a pole is
        half as high (Rasp et al. 2024, WeatherBench 2, equation 1).

        Returns:
            (lat,) dimensionless.
        """
        height = -np.diff(np.sin(np.radians(self.latitude_bounds())))
        return height / height.mean()

    def matches(self, other: "LatLonGrid") -> bool:
        """Whether two grids are the same to a thousandth of a degree, column by column.

        Longitudes may count from elsewhere: -140..-52.5 E are 220..307.5 E.
        """
        if self.shape != other.shape:
            return False
        east = np.subtract(self.lon, other.lon)
        turns = 360 * np.round(east[0] / 360)
        return bool(
            np.allclose(self.lat, other.lat, rtol=0, atol=_TOLERANCE)
            and np.allclose(east, turns, rtol=0, atol=_TOLERANCE)
        )

    def halved(self) -> Self:
        """The grid of half the resolution.

        Around the globe it has every second column, from the first on, and with rows on the
        poles every second row; else a row stands for two, and so does a column of a limited
        area. These are the grids that archives of both resolutions have. Where a row stands
        for two its edges are theirs, which uneven rows, as of a Gaussian grid, do not tell; and
        the grid ends where this one does.

        Raises:
            InputError: an odd number of columns, or of rows without poles; an even number of
                rows with poles; or fewer than four coarse ones, which splines need.
        """
        lat, lon = np.array(self.lat), np.array(self.lon)
        if len(lat) % 2 != self.has_poles or len(lon) % 2 or min(len(lat), len(lon)) < 7:
            raise InputError(
                f"{self.describe()} has no grid of half the resolution; an even number of columns "
                "is needed, and of rows an even number, or an odd one with rows on both poles, and "
                "at least 8 of each"
            )
        rows = lat[::2] if self.has_poles else (lat[::2] + lat[1::2]) / 2
        columns = lon[::2] if self.periodic else (lon[::2] + lon[1::2]) / 2
        half = type(self)(lat=rows.tolist(), lon=columns.tolist())
        fine, (west, *_, east) = self.latitude_bounds(), self.longitude_bounds().tolist()
        edges = fine[::2] if not self.has_poles else half.latitude_bounds()
        half._lat_edges = (float(fine[0]), *edges[1:-1].tolist(), float(fine[-1]))
        half._lon_ends = None if self.periodic else (west, east)
        return half

    def describe(self) -> str:
        """`32 x 64 cells, 85.8..-85.8 N, 0..354.4 E`."""
        rows, columns = self.shape
        return (
            f"{rows} x {columns} cells, {self.lat[0]:.4g}..{self.lat[-1]:.4g} N, "
            f"{self.lon[0]:.4g}..{self.lon[-1]:.4g} E"
        )

    @classmethod
    def from_dataset(cls, dataset: "xr.Dataset") -> Self:
        """The grid of a canonical data set (see `weather.files.reanalysis`).

        Raises:
            InputError: no grid of this kind.
        """
        if not {"lat", "lon"} <= set(dataset.coords):
            raise InputError(
                f"the data set has the coordinates {', '.join(map(str, dataset.coords))}; expected "
                "lat and lon, as open_forecast and open_reanalysis give them"
            )
        try:
            return cls(lat=dataset["lat"].values.tolist(), lon=dataset["lon"].values.tolist())
        except ValidationError as error:
            reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            raise InputError(f"the grid cannot be used: {reason}") from None

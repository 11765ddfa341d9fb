"""Smooth analytic mountains: an Earth-like set, a random one, or none.

These are sums of tilted Gaussian ridges, broad enough for a spectral truncation of
T21. They are placed and sized after the large ranges of the Earth but are not data:
nothing is downloaded, and every height comes from the table below.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]
OrographyKind = Literal["earthlike", "random", "flat"]


@dataclass(frozen=True)
class Ridge:
    """A Gaussian mountain; lengths in degrees of arc, `tilt` from east to north."""

    height: float  # m
    lat: float
    lon: float
    length: float
    width: float
    tilt: float


EARTHLIKE = (
    Ridge(4600, 34, 88, 14, 7, -8),  # Tibet and the Himalaya
    Ridge(1900, 47, 98, 14, 8, 20),  # Altai to Baikal
    Ridge(1500, 33, 50, 13, 7, -25),  # Zagros and Anatolia
    Ridge(2100, 42, -110, 20, 9, 115),  # Rockies
    Ridge(1400, 22, -101, 9, 6, 120),  # Sierra Madre
    Ridge(2900, -20, -68, 22, 6, 100),  # Andes
    Ridge(2500, 72, -40, 12, 8, 90),  # Greenland
    Ridge(2900, -83, 70, 26, 15, 0),  # East Antarctica
    Ridge(1300, -78, -100, 18, 10, 0),  # West Antarctica
    Ridge(1400, 2, 34, 18, 8, 80),  # East Africa
    Ridge(1100, -27, 24, 10, 8, 0),  # Southern Africa
    Ridge(1200, 46, 11, 9, 6, 0),  # Alps
    Ridge(1000, 62, 14, 10, 6, 60),  # Scandinavia
)


def surface_height(kind: OrographyKind, lat: Field, lon: Field, seed: int) -> Field:
    """Height of the surface on a grid, before spectral truncation.

    Args:
        kind: `earthlike` and `flat` are fixed; `random` draws its ridges from `seed`.
        lat: (lat,) degrees north.
        lon: (lon,) degrees east.
        seed: of the random ridges.

    Returns:
        (lat, lon) metres.
    """
    ridges = {"earthlike": EARTHLIKE, "random": _random_ridges(seed), "flat": ()}[kind]
    heights = [_height(ridge, lat[:, None], lon[None, :]) for ridge in ridges]
    return np.sum(heights, axis=0) if heights else np.zeros((len(lat), len(lon)))


def _height(ridge: Ridge, lat: Field, lon: Field) -> Field:
    """Gaussian in the plane tangent to the sphere at the ridge's centre (orthographic)."""
    phi, phi0 = np.radians(lat), np.radians(ridge.lat)
    dlon = np.radians(lon - ridge.lon)
    east = np.cos(phi) * np.sin(dlon)
    north = np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(dlon)
    facing = np.sin(phi0) * np.sin(phi) + np.cos(phi0) * np.cos(phi) * np.cos(dlon) > 0
    tilt = np.radians(ridge.tilt)
    along = (east * np.cos(tilt) + north * np.sin(tilt)) / np.radians(ridge.length)
    across = (north * np.cos(tilt) - east * np.sin(tilt)) / np.radians(ridge.width)
    return np.where(facing, ridge.height * np.exp(-(along**2) - across**2), 0)


def _random_ridges(seed: int, count: int = 12) -> tuple[Ridge, ...]:
    draw = np.random.default_rng([seed, 1])
    return tuple(
        Ridge(
            height=draw.uniform(800, 4500),
            lat=float(np.degrees(np.arcsin(draw.uniform(-0.95, 0.95)))),
            lon=draw.uniform(-180, 180),
            length=draw.uniform(9, 22),
            width=draw.uniform(6, 10),
            tilt=draw.uniform(0, 180),
        )
        for _ in range(count)
    )

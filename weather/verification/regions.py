"""Parts of the globe that are scored apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sciml.config import nearest
from sciml.errors import InputError
from weather.grid import LatLonGrid

GLOBAL, DOMAIN, LAND, SEA, ALL = "global", "domain", "land", "sea", "all"

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """Cells whose centres lie within these bounds, which belong to it.

    Attributes:
        south, north: degrees north.
        west, east: degrees east, 0..360; west may be the larger.
    """

    south: float = -90.0
    north: float = 90.0
    west: float = 0.0
    east: float = 360.0

    def inside(self, grid: LatLonGrid) -> NDArray[np.bool_]:
        """(lat, lon) whether a cell belongs to the box."""
        lat, lon = np.array(grid.lat)[:, None], np.array(grid.lon)[None, :] % 360
        east_of, west_of = lon >= self.west, lon <= self.east
        across = east_of & west_of if self.west <= self.east else east_of | west_of
        return (lat >= self.south) & (lat <= self.north) & across

    def within(self, grid: LatLonGrid) -> bool:
        """Whether the grid reaches to all edges of the box, to a cell."""
        if grid.covers_globe:
            return True
        high = abs(grid.lat[0] - grid.lat[1])
        wide = grid.lon[1] - grid.lon[0]
        rows = grid.lat[-1] - high <= self.south and self.north <= grid.lat[0] + high
        if grid.periodic:
            return rows
        width = (self.east - self.west) % 360 or 360.0
        start = (self.west - grid.lon[0] + wide) % 360
        return rows and start + width <= grid.lon[-1] - grid.lon[0] + 2 * wide


# WeatherBench 2, scripts/evaluate.py
BOXES: dict[str, tuple[Box, ...]] = {
    "tropics": (Box(-20, 20),),
    "northern-hemisphere": (Box(south=20),),
    "southern-hemisphere": (Box(north=-20),),
    "extra-tropics": (Box(south=20), Box(north=-20)),
    "europe": (Box(35, 75, 347.5, 42.5),),
    "north-america": (Box(25, 60, 240, 285),),
    "north-atlantic": (Box(25, 65, 290, 350),),
    "north-pacific": (Box(25, 60, 145, 230),),
    "east-asia": (Box(25, 60, 102.5, 150),),
    "ausnz": (Box(-45, -12.5, 120, 175),),
    "arctic": (Box(south=60),),
    "antarctic": (Box(north=-60),),
}
USUAL = ("tropics", "northern-hemisphere", "southern-hemisphere", LAND, SEA)
NAMES = (GLOBAL, *BOXES, LAND, SEA, *(f"{name}-{LAND}" for name in ("extra-tropics", "tropics")))


def regions(
    grid: LatLonGrid, land: Weights | None = None, chosen: list[str] | None = None
) -> dict[str, Weights]:
    """Weights of cells by region; the whole grid comes first, as `global` or `domain`.

    Args:
        grid: of the fields.
        land: (lat, lon) land fraction, 0..1: cells on the coast count for both sides.
        chosen: names; None takes the tropics, both extra-tropics, land and sea, and `all`
            among them all of WeatherBench 2's. What is not named itself is left out where the
            grid does not cover it, and land without a mask.

    Returns:
        (lat, lon) weights by name, proportional to area, zero outside.

    Raises:
        InputError: an unknown name, or a region named that cannot be scored.
    """
    area = np.broadcast_to(grid.area_weights()[:, None], grid.shape)
    result = {GLOBAL if grid.covers_globe else DOMAIN: area}
    named = [name for name in chosen or () if name != ALL]
    everything = NAMES if chosen and ALL in chosen else ()
    wanted = USUAL if chosen is None else (*named, *everything)
    for name in dict.fromkeys(wanted):
        if name not in NAMES and name != DOMAIN:
            raise InputError(
                f"no region {name!r}{nearest(name, NAMES)} (there are {', '.join(NAMES)}; "
                f"{ALL} takes them all)"
            )
        if name in (GLOBAL, DOMAIN):
            continue
        shape = _shape(name, grid, land)
        if shape is not None and (shape * area).any():
            result[name] = shape * area
        elif name in named:
            raise InputError(_why(name, grid, land))
    return result


def _shape(name: str, grid: LatLonGrid, land: Weights | None) -> Weights | None:
    """(lat, lon) share of each cell in the region; None if it cannot be told."""
    if name in (LAND, SEA):
        return None if land is None else land if name == LAND else 1 - land
    if name not in BOXES:
        if land is None or (box := _shape(name.removesuffix(f"-{LAND}"), grid, land)) is None:
            return None
        return box * land
    boxes = BOXES[name]
    if not all(box.within(grid) for box in boxes):
        return None
    return np.any([box.inside(grid) for box in boxes], axis=0).astype(np.float64)


def _why(name: str, grid: LatLonGrid, land: Weights | None) -> str:
    if land is None and (name == SEA or name.endswith(LAND)):
        return f"the region {name} needs a land-sea mask: give a file with lsm among the truth"
    return f"the grid, {grid.describe()}, does not cover the region {name}; leave it out"

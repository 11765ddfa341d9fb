"""What the Earth's atmosphere can hold: bounds that tell units apart and catch bad cells.

Bounds of means are for the average over a field at one time, on the globe or on a
region; they are wide enough for any season and any place, and yet too narrow for a
field in another unit, but for the few cases that `weather.checking.unit_check` names.
The widths were set around the extremes of ERA5, ERA-Interim, MERRA-2 and NCEP R1 fields.
"""

import math
from dataclasses import dataclass

import numpy as np

from weather.checking.standard_atmosphere import standard_height
from weather.files.units import STANDARD_GRAVITY
from weather.grid import LatLonGrid
from weather.variables import on_level, si_unit

Bounds = tuple[float, float]
NO_BOUNDS: Bounds = (-math.inf, math.inf)

HIGHEST_GROUND = 8900.0  # m, a little above Mount Everest
LOWEST_GROUND = -700.0  # m, the Dead Sea's shore, with the ripples of spectral orography
COARSE_TIBET = 2500.0  # m, which Tibet reaches on any global grid

# Specific humidity averages over a region, kg kg-1, by pressure in hPa.
_Q_PRESSURE = (70.0, 100.0, 200.0, 300.0, 500.0, 700.0, 850.0, 1000.0)
_Q_LOW = (8e-7, 8e-7, 1e-6, 2e-6, 1e-5, 3e-5, 5e-5, 5e-5)
_Q_HIGH = (1e-5, 1e-5, 1.2e-4, 8e-4, 5e-3, 1e-2, 1.6e-2, 2.2e-2)
_Q_POLAR = (1e-6, 6e-3)  # polar night over ice, polar summer
STRATOSPHERE = 250.0  # hPa, above which relative humidity tells nothing


@dataclass(frozen=True)
class Place:
    """What part of the Earth an average is of.

    Attributes:
        globe: all of it.
        polar: only latitudes from 60 degrees on.
    """

    globe: bool
    polar: bool

    @classmethod
    def of(cls, grid: LatLonGrid) -> "Place":
        """The part that a grid covers."""
        return cls(
            globe=grid.periodic and grid.lat[0] > 80 and grid.lat[-1] < -80,
            polar=min(abs(lat) for lat in grid.lat) >= 60 and grid.lat[0] * grid.lat[-1] > 0,
        )


def mean_bounds(name: str, level: float | None, place: Place, strict: bool = False) -> Bounds:
    """Between what the average of a field lies, in SI units.

    Args:
        name: canonical, such as `z` or `z500`.
        level: hPa; None where the field has none.
        place: what the average is over.
        strict: use what is known of global averages.
    """
    base, named = on_level(name)
    pressure = named if level is None else level
    match base:
        case "z" if pressure is not None:
            return _geopotential(pressure, strict and place.globe)
        case "msl":
            return 93e3, 107e3
        case "sp":
            return 45e3, 107e3
        case "q" if pressure is not None:
            return _humidity(pressure, place)
        case "r" if pressure is not None and pressure >= STRATOSPHERE:
            return 1.2, 115.0
        case "r":
            return -5.0, 170.0
    return (150.0, 330.0) if si_unit(name) == "K" else NO_BOUNDS


def cell_bounds(name: str, level: float | None) -> Bounds:
    """Between what every cell's value lies, in SI units."""
    base, named = on_level(name)
    pressure = named if level is None else level
    match base:
        case "z" if pressure is not None:
            height = standard_height(pressure)
            low, high = 0.8 * height - 1200, 1.12 * height + 900
            return low * STANDARD_GRAVITY, high * STANDARD_GRAVITY
        case "z_surface":
            return LOWEST_GROUND * STANDARD_GRAVITY, HIGHEST_GROUND * STANDARD_GRAVITY
        case "msl":
            return 85e3, 110e3
        case "sp":
            return 28e3, 110e3
        case "q":
            return -0.01, 0.06
        case "r":
            return -50.0, 250.0
        case "lsm":
            return -0.02, 1.02
    return {"K": (100.0, 350.0), "m s-1": (-250.0, 250.0)}.get(si_unit(name), NO_BOUNDS)


def _geopotential(pressure: float, globe: bool) -> Bounds:
    """Height within a third of the standard one and the depth of a winter storm.

    Wide enough for atmospheres of models that are not yet, or not meant to be, the
    Earth's, and still several times narrower than the step to another unit. The global
    average depends on the mass of the atmosphere and its temperature, which
    hardly change: 93 to 96 m at 1000 hPa.
    """
    height = standard_height(pressure)
    low, high = 0.7 * height - 550, 1.35 * height + 450
    if globe:
        low, high = 0.94 * height - 50, 1.05 * height + 50
    return low * STANDARD_GRAVITY, high * STANDARD_GRAVITY


def _humidity(pressure: float, place: Place) -> Bounds:
    """Bounds less than a thousandfold apart, but for polar regions."""
    if place.polar and pressure >= 300:
        return _Q_POLAR
    logarithm = np.log(_Q_PRESSURE)
    low, high = (
        float(np.exp(np.interp(math.log(pressure), logarithm, np.log(values))))
        for values in (_Q_LOW, _Q_HIGH)
    )
    return low, high

"""Times and directions as text, for the console and for pictures."""

import numpy as np

from weather.dates import HOUR, clock
from weather.sphere import bearing, distance

_COMPASS = (
    "north",
    "north-east",
    "east",
    "south-east",
    "south",
    "south-west",
    "west",
    "north-west",
)
_AT_POLE = 90 - 1e-6  # degrees


def times(initial: np.datetime64, lead: np.timedelta64) -> str:
    """`Init 2001-03-01 00 UTC   +24 h   Valid 2001-03-02 00 UTC`."""
    hours = lead / HOUR
    return f"Init {clock(initial)}   +{hours:g} h   Valid {clock(initial + lead)}"


def away(lat: float, lon: float, to_lat: float, to_lon: float) -> str:
    """Where a second place lies from a first: `820 km north-west`.

    From a pole there is one direction only.
    """
    km = float(distance(lat, lon, to_lat, to_lon))
    course = float(bearing(lat, lon, to_lat, to_lon))
    if abs(lat) > _AT_POLE:
        course = 180.0 if lat > 0 else 0.0
    return f"{km:.0f} km {_COMPASS[round(course / 45) % 8]}"

"""Tracks as lines of an a-deck of the Automated Tropical Cyclone Forecasting system.

Columns as in NRL's description of the format (Sampson and Schrader 2000, Bull. Amer.
Meteor. Soc. 81, 1231): basin, number, initial time, -, technique, forecast hour, latitude
and longitude in tenths of a degree, greatest wind (kt), least pressure (hPa), type. What
is not known is 0; there are no wind radii.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sciml.errors import InputError
from weather.cyclones.basins import basin
from weather.cyclones.track import Fix, Track
from weather.files.units import KNOT


def a_deck(
    tracks: Sequence[Track], technique: str, numbers: Mapping[str, str] | None = None
) -> str:
    """The lines, by initial time, storm and forecast hour.

    Args:
        tracks: of forecasts, or of analyses (forecast hour 0 of each time).
        technique: up to four letters; of a member the first two and its number.
        numbers: ATCF numbers, such as AL062018, by name of the track. Others are counted
            in their basin: from 90 in a run, as disturbances are, then downwards from 89.

    Raises:
        InputError: a technique of more than four letters or digits.
    """
    if not (0 < len(technique) <= 4 and technique.isascii() and technique.isalnum()):
        raise InputError(f"technique {technique!r}: expected one to four letters or digits")
    given = _numbers(tracks, numbers or {})
    rows = [
        (_start(track, fix), given[track.name], _technique(technique, track.member),
         round(track.lead_hours(fix)), fix)
        for track in tracks
        for fix in track.fixes
    ]  # fmt: skip
    rows.sort(key=lambda row: row[:4])
    return "".join(_line(*row) for row in rows)


def _line(start: str, storm: str, technique: str, hour: int, fix: Fix) -> str:
    centre = fix.centre
    east = (centre.lon + 180) % 360 - 180
    lat = f"{round(abs(centre.lat) * 10)}{'N' if centre.lat >= 0 else 'S'}"
    lon = f"{round(abs(east) * 10)}{'E' if east >= 0 else 'W'}"
    wind = 0 if np.isnan(centre.wind) else round(centre.wind / KNOT)
    pressure = 0 if np.isnan(centre.pressure) else round(centre.pressure / 100)
    fields = [
        storm[:2], storm[2:4], start, "  ", f"{technique:>4}", f"{hour:3d}", f"{lat:>4}",
        f"{lon:>5}", f"{wind:3d}", f"{pressure:4d}", _kind(wind, centre.tropical, storm[:2]),
        "  0", "   ", *["   0"] * 4,
    ]  # fmt: skip
    return ", ".join(fields) + ",\n"


def _kind(wind: int, tropical: bool, place: str) -> str:
    """TD, TS, HU (TY in the western Pacific), or XX where the storm is not tropical."""
    if not tropical or wind == 0:
        return "XX"
    if wind < 34:
        return "TD"
    return "TS" if wind < 64 else "TY" if place == "WP" else "HU"


def _start(track: Track, fix: Fix) -> str:
    return f"{pd.Timestamp(fix.time if track.initial is None else track.initial):%Y%m%d%H}"


def _technique(technique: str, member: int | None) -> str:
    if member is None:
        return technique
    digits = f"{member:02d}"
    return technique[: 4 - len(digits)] + digits


def _numbers(tracks: Sequence[Track], known: Mapping[str, str]) -> dict[str, str]:
    """Basin and number of each track."""
    result: dict[str, str] = {}
    taken: set[tuple[object, ...]] = set()
    for track in tracks:
        official = known.get(track.name, "")
        if official:
            result[track.name] = official[:4]
            taken.add((track.initial, track.member, official[:4]))
    for track in tracks:
        if track.name in result:
            continue
        first = track.fixes[0].centre
        place = basin(first.lat, first.lon)
        free = (f"{place}{n:02d}" for n in (*range(90, 100), *range(89, 0, -1)))
        storm = next(
            (s for s in free if (track.initial, track.member, s) not in taken), f"{place}99"
        )
        taken.add((track.initial, track.member, storm))
        result[track.name] = storm
    return result

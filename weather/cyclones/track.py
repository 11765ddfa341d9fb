"""A storm's track: positions in time, with what is known of it there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from weather.cyclones.basins import basin
from weather.cyclones.detection import Centre
from weather.dates import HOUR


@dataclass(frozen=True)
class Fix:
    """Where a storm is at one time.

    Attributes:
        time: valid time, UTC.
        centre: place and properties.
    """

    time: np.datetime64
    centre: Centre


@dataclass(frozen=True)
class Track:
    """One storm, in one forecast or in a series of analyses.

    Attributes:
        number: of the track in its forecast or series, from 1.
        fixes: in order of time.
        initial: initial time of the forecast; None for analyses.
        member: of an ensemble; None if there is none.
    """

    number: int
    fixes: tuple[Fix, ...]
    initial: np.datetime64 | None = None
    member: int | None = None

    @property
    def name(self) -> str:
        """`2018091400-m03-02`: initial time, member, number; `02` for analyses."""
        start = "" if self.initial is None else _stamp(self.initial) + "-"
        member = "" if self.member is None else f"m{self.member:02d}-"
        return f"{start}{member}{self.number:02d}"

    def lead_hours(self, fix: Fix) -> float:
        """Hours from the initial time; 0 for analyses."""
        return 0.0 if self.initial is None else float((fix.time - self.initial) / HOUR)


def table(tracks: Sequence[Track]) -> pd.DataFrame:
    """One row per fix; see `write.COLUMNS` for units."""
    return pd.DataFrame(
        [_row(track, fix) for track in tracks for fix in track.fixes], columns=list(COLUMNS)
    )


COLUMNS = {
    "track": "name of the track",
    "initial_time": "UTC; empty for analyses",
    "member": "of an ensemble, else empty",
    "valid_time": "UTC",
    "lead_hours": "0 for analyses",
    "lat": "degrees north",
    "lon": "degrees east, -180..180",
    "basin": "ATCF: AL EP CP WP IO SH SL",
    "msl_hpa": "lowest cell",
    "wind_ms": "greatest near the centre",
    "vorticity": "s-1, greatest cyclonic near the centre",
    "warm_core": "whether; empty where not checked",
    "thickness": "likewise",
    "sea": "whether over the sea",
    "tropical": "whether every check is passed",
}


def _row(track: Track, fix: Fix) -> tuple[object, ...]:
    centre = fix.centre
    east = (centre.lon + 180) % 360 - 180
    return (
        track.name, None if track.initial is None else pd.Timestamp(track.initial), track.member,
        pd.Timestamp(fix.time), track.lead_hours(fix), round(centre.lat, 3), round(east, 3),
        basin(centre.lat, centre.lon), round(centre.pressure / 100, 2), round(centre.wind, 2),
        centre.vorticity, centre.warm_core, centre.thickness, centre.sea, centre.tropical,
    )  # fmt: skip


def _stamp(time: np.datetime64) -> str:
    return f"{pd.Timestamp(time):%Y%m%d%H}"

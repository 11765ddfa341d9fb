"""Tracks against best tracks: position and intensity errors by lead time, hits, misses, alarms.

A storm counts at a time when it is tropical or subtropical and its best-track wind reaches
gale force. A table of best tracks can only tell of the basins in which its storms begin:
elsewhere a track is neither right nor wrong. The lowest pressure and greatest wind of a
grid are those of its cells: coarse cells cannot hold a storm's core, so that intensity
errors measure the grid as much as the forecast.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sciml.errors import InputError
from weather.cyclones.matching import storms_followed, tracks_of
from weather.cyclones.track import table
from weather.cyclones.tracking import Run, Tracks
from weather.dates import HOUR
from weather.files.units import KNOT
from weather.grid import LatLonGrid
from weather.sphere import bearing, destination, distance

GALE = 34.0  # kt
CASE_COLUMNS = (
    "initial_time", "member", "lead_hours", "valid_time", "storm", "name", "number", "lat", "lon",
    "pressure_hpa", "wind_kt", "track", "track_lat", "track_lon", "error_km", "along_km",
    "cross_km", "pressure_error_hpa", "wind_error_kt", "extrapolation_km",
)  # fmt: skip
_NOT_TROPICAL = ("ET", "DS")  # extratropical, disturbance
_BEFORE = np.timedelta64(12, "h")  # over which the motion at the initial time is taken
_STILL = 5.0  # km: too short a way to have a direction


@dataclass(frozen=True)
class TrackScores:
    """What became of every storm, and of every track.

    Attributes:
        cases: `CASE_COLUMNS`, one row per run, storm and time at which it counts; `track`
            is empty for a miss. Errors are track minus storm; `along_km` is positive
            ahead of the storm, `cross_km` to the right of its way; `extrapolation_km` is
            the error of its own motion, of the twelve hours before the initial time, kept up.
        alarms: like the table of tracks, the tropical fixes that belong to no storm.
        basins: that the best tracks cover.
        by_lead: one row per lead time: numbers, and means over hits.
    """

    cases: pd.DataFrame
    alarms: pd.DataFrame
    basins: tuple[str, ...]
    by_lead: pd.DataFrame


def score_tracks(found: Tracks, best: pd.DataFrame) -> TrackScores:
    """Score tracks against best tracks.

    Args:
        found: tracks and the runs they come from.
        best: from `read_best_tracks`.

    Raises:
        InputError: if the best tracks do not reach the period of the runs.
    """
    _require_overlap(found, best)
    basins = tuple(sorted(best.groupby("storm")["basin"].first().unique()))
    fixes = table(found.tracks)
    fixes["storm"] = fixes["track"].map(storms_followed(found, best))
    best = best.assign(heading=_headings(best))
    cases = pd.concat([_cases(run, found, fixes, best) for run in found.runs], ignore_index=True)
    false = fixes["storm"].isna() & fixes["tropical"].astype(bool) & fixes["basin"].isin(basins)
    alarms = fixes[false].drop(columns="storm").reset_index(drop=True)
    return TrackScores(cases[list(CASE_COLUMNS)], alarms, basins, _by_lead(cases, alarms))


def _require_overlap(found: Tracks, best: pd.DataFrame) -> None:
    times = pd.DatetimeIndex(sorted({time for run in found.runs for time in run.times}))
    if not best["time"].isin(times).any():
        raise InputError(
            f"the best tracks have no fix at the times of the data ({times[0]:%Y-%m-%d %H} to "
            f"{times[-1]:%Y-%m-%d %H} UTC); they reach from {best['time'].min():%Y-%m-%d} to "
            f"{best['time'].max():%Y-%m-%d}"
        )


def _headings(best: pd.DataFrame) -> pd.Series:
    """Direction from the fix before to the fix after, degrees; NaN where a storm stands."""
    storms = best.groupby("storm")
    before = storms[["lat", "lon"]].shift(1).fillna(best[["lat", "lon"]])
    after = storms[["lat", "lon"]].shift(-1).fillna(best[["lat", "lon"]])
    ends = (before["lat"], before["lon"], after["lat"], after["lon"])
    return pd.Series(bearing(*ends), best.index).where(distance(*ends) > _STILL)


def _cases(run: Run, found: Tracks, fixes: pd.DataFrame, best: pd.DataFrame) -> pd.DataFrame:
    counted = best[
        best["time"].isin(run.times)
        & (best["wind"] >= GALE)
        & ~best["nature"].isin(_NOT_TROPICAL)
        & _inside(found.grid, best)
    ]
    own = [track.name for track in tracks_of(run, found.tracks)]
    here = fixes.loc[fixes["track"].isin(own), ["storm", "valid_time", "track", "lat", "lon",
                                                  "msl_hpa", "wind_ms"]]  # fmt: skip
    here = here.rename(columns={"lat": "track_lat", "lon": "track_lon", "valid_time": "time"})
    cases = counted.merge(here.dropna(subset="storm"), on=["storm", "time"], how="left")
    places = (cases["lat"], cases["lon"], cases["track_lat"], cases["track_lon"])
    error, turn = distance(*places), np.radians(bearing(*places) - cases["heading"])
    cases = cases.assign(
        initial_time=pd.Series(run.initial, cases.index, dtype="datetime64[ns]"),
        member=run.member,
        lead_hours=0.0 if run.initial is None else (cases["time"] - run.initial) / HOUR,
        error_km=error,
        along_km=error * np.cos(turn),
        cross_km=error * np.sin(turn),
        pressure_error_hpa=cases["msl_hpa"] - cases["pressure"],
        wind_error_kt=cases["wind_ms"] / KNOT - cases["wind"],
        extrapolation_km=_extrapolation(run, cases, best),
    )
    names = {"time": "valid_time", "pressure": "pressure_hpa", "wind": "wind_kt"}
    nearest = cases.sort_values("error_km").drop_duplicates(["storm", "time"])
    return nearest.sort_values(["time", "storm"]).rename(columns=names)


def _inside(grid: LatLonGrid, best: pd.DataFrame) -> pd.Series:
    """Whether fixes lie on the grid."""
    if grid.periodic:
        return pd.Series(True, index=best.index)
    east = (best["lon"] - grid.lon[0]) % 360 <= grid.lon[-1] - grid.lon[0]
    return east & (best["lat"] <= grid.lat[0]) & (best["lat"] >= grid.lat[-1])


def _extrapolation(run: Run, cases: pd.DataFrame, best: pd.DataFrame) -> pd.Series:
    """Error in km of a storm's own motion kept up along a great circle from the initial time."""
    errors = pd.Series(np.nan, index=cases.index)
    if run.initial is None:
        return errors
    places = best.set_index(["storm", "time"])[["lat", "lon"]]
    for storm, rows in cases.groupby("storm"):
        ends = places.reindex([(storm, run.initial - _BEFORE), (storm, run.initial)])
        if ends["lat"].isna().any():
            continue
        (lat0, lon0), (lat, lon) = ends.to_numpy(float)
        heading = bearing(lat, lon, lat0, lon0) + 180
        ahead = (rows["time"] - run.initial) / _BEFORE * float(distance(lat0, lon0, lat, lon))
        there = destination(lat, lon, heading, ahead)
        errors[rows.index] = distance(*there, rows["lat"], rows["lon"])
    return errors


def _by_lead(cases: pd.DataFrame, alarms: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for lead in sorted({*cases["lead_hours"], *alarms["lead_hours"]}):
        here = cases[cases["lead_hours"] == lead]
        hits = here.dropna(subset="track")
        rows.append(
            {
                "lead_hours": lead,
                "cases": len(here),
                "hits": len(hits),
                "misses": len(here) - len(hits),
                "false_alarms": int((alarms["lead_hours"] == lead).sum()),
                "error_km": hits["error_km"].mean(),
                "median_km": hits["error_km"].median(),
                "along_km": hits["along_km"].mean(),
                "cross_km": hits["cross_km"].mean(),
                "extrapolation_km": hits["extrapolation_km"].mean(),
                "extrapolated": int(hits["extrapolation_km"].notna().sum()),
                "pressure_error_hpa": hits["pressure_error_hpa"].mean(),
                "wind_error_kt": hits["wind_error_kt"].mean(),
            }
        )
    return pd.DataFrame(rows)

"""Tracks and their scores at a glance."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table

from weather.cyclones.basins import BASINS, basin
from weather.cyclones.scores import TrackScores
from weather.cyclones.track import Track
from weather.cyclones.tracking import Tracks
from weather.sphere import place

_SHOWN = 30  # tracks
_COLUMNS = ("track", "storm", "basin", "first", "last", "from", "to", "hPa", "m/s")
CAVEAT = (
    "Pressure and wind are those of grid cells: coarse cells cannot hold a storm's core, so "
    "that intensity errors measure the grid as much as the forecast."
)


def track_table(found: Tracks, known: Mapping[str, tuple[str, str]]) -> Table:
    """One line for each track; of many the first. What is known of none has no column."""
    runs, tracks = len(found.runs), found.tracks
    times = [time for run in found.runs for time in run.times]
    title = f"{len(tracks)} tracks in {runs} {'run' if runs == 1 else 'runs'}, "
    title += f"{pd.Timestamp(min(times)):%Y-%m-%d} to {pd.Timestamp(max(times)):%Y-%m-%d} UTC"
    if len(tracks) > _SHOWN:
        title += f"; the first {_SHOWN}, all are in tracks.csv"
    table = Table(title=title, box=SIMPLE_HEAD, padding=0)
    rows = [_cells(track, known) for track in tracks[:_SHOWN]]
    columns = [column for column in zip(_COLUMNS, *rows, strict=True) if _tells(column[1:])]
    for name, *_ in columns:
        table.add_column(
            name,
            justify="right" if name in ("hPa", "m/s") else "left",
            no_wrap=name in ("track", "from", "to"),
            overflow="fold",
        )
    for cells in zip(*(column[1:] for column in columns), strict=True):
        table.add_row(*cells)
    return table


def _cells(track: Track, known: Mapping[str, tuple[str, str]]) -> list[str]:
    centres = [fix.centre for fix in track.fixes]
    ends = [f"{pd.Timestamp(fix.time):%m-%d %H}" for fix in (track.fixes[0], track.fixes[-1])]
    pressure, wind = (
        np.array([getattr(c, name) for c in centres]) for name in ("pressure", "wind")
    )
    return [
        track.name, known.get(track.name, ("", ""))[1], basin(centres[0].lat, centres[0].lon),
        *ends, place(centres[0].lat, centres[0].lon), place(centres[-1].lat, centres[-1].lon),
        "-" if np.isnan(pressure).all() else f"{np.nanmin(pressure) / 100:.0f}",
        "-" if np.isnan(wind).all() else f"{np.nanmax(wind):.0f}",
    ]  # fmt: skip


def _tells(cells: Sequence[str]) -> bool:
    """Whether one is filled; of no cells there is nothing to leave out."""
    return not cells or bool({*cells} - {"", "-"})


def score_table(scores: TrackScores) -> Table:
    """One line for each lead time."""
    table = Table(
        title="Against best tracks of gale force: hours, numbers, km, hPa and kt",
        box=SIMPLE_HEAD,
        padding=0,
    )
    for name in ("lead", "cases", "hits", "missed", "alarms", "error", "along", "cross",
                 "extrapolated", "hPa", "kt"):  # fmt: skip
        table.add_column(name, justify="right")
    for row in scores.by_lead.itertuples():
        extrapolated = f"{_number(row.extrapolation_km)} (n {row.extrapolated})"
        table.add_row(
            f"{row.lead_hours:g} h", f"{row.cases}", f"{row.hits}", f"{row.misses}",
            f"{row.false_alarms}", _number(row.error_km),
            _number(row.along_km), _number(row.cross_km),
            extrapolated if row.extrapolated else "-",
            _number(row.pressure_error_hpa), _number(row.wind_error_kt),
        )  # fmt: skip
    return table


def score_lines(scores: TrackScores) -> list[str]:
    """What the numbers mean."""
    covered = ", ".join(BASINS[name] for name in scores.basins)
    return [
        "Error, along (ahead of the storm), cross (to its right): means over hits, track minus "
        "storm; extrapolated: error of the storm's own motion kept up (n of these hits).",
        f"False alarms are tropical fixes of tracks that follow no storm, counted in the basins "
        f"of the best tracks: {covered}.",
        CAVEAT,
    ]


def _number(value: Any) -> str:
    return "-" if np.isnan(value) else f"{value:.0f}"

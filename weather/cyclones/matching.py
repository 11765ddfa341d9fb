"""Which storm of the best tracks a track follows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from weather.cyclones.track import Track
from weather.cyclones.tracking import Run, Tracks
from weather.sphere import distance

MATCH = 500.0  # km between a storm and its track when both are first there


def storms_followed(found: Tracks, best: pd.DataFrame) -> dict[str, str]:
    """The storm of every track that follows one, by name of the track.

    Storm and track lie within `MATCH` km of each other when both are first there; of
    several such storms it is the one that is nearest on average.

    Args:
        found: tracks and the runs they come from.
        best: from `read_best_tracks`.
    """
    result = {}
    for run in found.runs:
        storms = best[best["time"].isin(run.times)]
        for track in tracks_of(run, found.tracks):
            storm = _nearest(track, storms)
            if storm is not None:
                result[track.name] = storm
    return result


def known_storms(found: Tracks, best: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """ATCF number and name of the storm that a track follows, by name of the track."""
    first = best.drop_duplicates("storm").set_index("storm")
    followed = storms_followed(found, best)
    return {
        track: (str(first.loc[storm, "number"]), str(first.loc[storm, "name"]))
        for track, storm in followed.items()
    }


def tracks_of(run: Run, tracks: Sequence[Track]) -> list[Track]:
    """Those tracks that were found in one run."""
    return [t for t in tracks if (t.initial, t.member) == (run.initial, run.member)]


def _nearest(track: Track, best: pd.DataFrame) -> str | None:
    places = {pd.Timestamp(f.time): (f.centre.lat, f.centre.lon) for f in track.fixes}
    common = best[best["time"].isin(places.keys())]
    lat, lon = np.array([places[time] for time in common["time"]]).reshape(-1, 2).T
    away = pd.Series(distance(lat, lon, common["lat"], common["lon"]), index=common.index)
    by_storm = away.groupby(common["storm"])
    near = by_storm.mean()[by_storm.first() <= MATCH]
    return None if near.empty else str(near.idxmin())

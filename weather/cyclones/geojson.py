"""Tracks as GeoJSON (RFC 7946): a line for each track, a point for each fix."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from weather.cyclones.track import Track, table

Position = list[float]


def feature_collection(tracks: Sequence[Track], storms: Mapping[str, str]) -> dict[str, Any]:
    """Plain data for `json.dump`.

    Args:
        tracks: to be written; a line that crosses the date line is cut there.
        storms: names of known storms by name of the track.
    """
    rows = table(tracks)
    rows["storm"] = rows["track"].map(dict(storms))
    features: list[dict[str, Any]] = []
    for name, fixes in rows.groupby("track", sort=False):
        ends = {"track": name, "storm": _plain(fixes["storm"].iloc[0]),
                "first_time": _plain(fixes["valid_time"].iloc[0]),
                "last_time": _plain(fixes["valid_time"].iloc[-1])}  # fmt: skip
        if len(fixes) > 1:
            parts = cut_at_date_line(fixes[["lon", "lat"]].to_numpy().tolist())
            one = len(parts) == 1
            features.append(_feature("LineString" if one else "MultiLineString",
                                     parts[0] if one else parts, ends))  # fmt: skip
        for record in fixes.to_dict("records"):
            place = [record.pop("lon"), record.pop("lat")]
            values = {str(key): _plain(value) for key, value in record.items()}
            features.append(_feature("Point", place, values))
    return {"type": "FeatureCollection", "features": features}


def cut_at_date_line(line: Sequence[Position]) -> list[list[Position]]:
    """Parts of a line of (longitude, latitude), each within -180..180."""
    parts = [[list(line[0])]]
    for (lon0, lat0), (lon1, lat1) in pairwise(line):
        if abs(lon1 - lon0) > 180:
            edge = 180.0 if lon0 > 0 else -180.0
            over = lon1 + 2 * edge - lon0
            lat = round(lat0 + (lat1 - lat0) * (edge - lon0) / over, 3) if over else lat0
            parts[-1].append([edge, lat])
            parts.append([[-edge, lat]])
        parts[-1].append([lon1, lat1])
    return parts


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _plain(value: Any) -> Any:
    """A value that JSON knows; null for what is missing."""
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat() + "Z"
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is None or value != value else value

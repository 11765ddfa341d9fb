"""Files of tracks and scores, each whole or not at all."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sciml.errors import InputError
from sciml.files import write_text
from weather.cyclones.atcf import a_deck
from weather.cyclones.detection import Centre
from weather.cyclones.geojson import feature_collection
from weather.cyclones.scores import TrackScores
from weather.cyclones.track import COLUMNS, Fix, Track, table
from weather.cyclones.tracking import Tracks


def write_tracks(
    found: Tracks,
    folder: Path,
    technique: str,
    known: Mapping[str, tuple[str, str]] | None = None,
) -> list[Path]:
    """Write `tracks.csv`, `tracks.geojson` and `adeck.dat`.

    Args:
        found: what to write.
        folder: made if it is not there.
        technique: of the a-deck, up to four letters.
        known: ATCF number and name of known storms, by name of the track.

    Raises:
        InputError: a folder that cannot be written to, an unusable technique.
    """
    numbers = {name: number for name, (number, _) in (known or {}).items()}
    storms = {name: storm for name, (_, storm) in (known or {}).items()}
    rows = table(found.tracks)
    rows.insert(1, "storm", rows["track"].map(storms))
    collection = feature_collection(found.tracks, storms)
    texts = {
        "adeck.dat": a_deck(found.tracks, technique, numbers),
        "tracks.csv": _csv(rows),
        "tracks.geojson": json.dumps(collection, allow_nan=False) + "\n",
    }
    return [_written(folder / name, text) for name, text in texts.items()]


def write_track_scores(scores: TrackScores, folder: Path) -> list[Path]:
    """Write `scores.csv` by lead time, `cases.csv`, one row a case, and `false_alarms.csv`."""
    tables = {"scores": _rounded(scores.by_lead, 2), "cases": _rounded(scores.cases, 3),
              "false_alarms": scores.alarms}  # fmt: skip
    return [_written(folder / f"{name}.csv", _csv(rows)) for name, rows in tables.items()]


def read_tracks(path: Path) -> tuple[list[Track], dict[str, str]]:
    """Tracks as `write_tracks` wrote them, and names of known storms by name of the track.

    Raises:
        InputError: a file that is not such a table.
    """
    try:
        rows = pd.read_csv(path, dtype={"track": str})
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (ValueError, UnicodeDecodeError):
        raise InputError(
            f"{path} is no table of tracks; expected the tracks.csv of `weather track`"
        ) from None
    missing = [name for name in COLUMNS if name not in rows]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)} of `weather track`")
    for column in ("initial_time", "valid_time"):
        rows[column] = pd.to_datetime(rows[column]).dt.tz_localize(None)
    tracks, storms = [], {}
    for name, fixes in rows.groupby("track", sort=False):
        first = fixes.iloc[0]
        initial, member = first["initial_time"], first["member"]
        tracks.append(
            Track(
                number=int(str(name).rsplit("-", 1)[-1]),
                fixes=tuple(_fix(row) for row in fixes.to_dict("records")),
                initial=None if pd.isna(initial) else initial.to_datetime64(),
                member=None if pd.isna(member) else int(member),
            )
        )
        if isinstance(first["storm"], str):
            storms[tracks[-1].name] = first["storm"]
    return tracks, storms


def _fix(row: dict[Hashable, Any]) -> Fix:
    def check(value: Any) -> bool | None:
        return None if pd.isna(value) else bool(value)

    centre = Centre(
        lat=row["lat"], lon=row["lon"] % 360, pressure=row["msl_hpa"] * 100, wind=row["wind_ms"],
        vorticity=row["vorticity"], warm_core=check(row["warm_core"]),
        thickness=check(row["thickness"]), sea=bool(row["sea"]), tropical=bool(row["tropical"]),
        steering=None,
    )  # fmt: skip
    return Fix(row["valid_time"].to_datetime64(), centre)


def _rounded(rows: pd.DataFrame, digits: int) -> pd.DataFrame:
    numbers = rows.select_dtypes("float")
    return rows.assign(**numbers.round(digits))


def _csv(rows: pd.DataFrame) -> str:
    return rows.to_csv(index=False, date_format="%Y-%m-%dT%H:%MZ", lineterminator="\n")


def _written(path: Path, text: str) -> Path:
    write_text(path, text)
    return path

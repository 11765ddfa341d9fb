"""The command `weather track`."""

from pathlib import Path
from typing import Annotated

from sciml.cli import SEVERAL, Overrides


def track(
    data: list[str],
    /,
    *,
    out: Path,
    best: Annotated[list[Path] | None, SEVERAL] = None,
    static: Annotated[list[str] | None, SEVERAL] = None,
    technique: str = "SCML",
    set_: Overrides = None,
) -> None:
    """Find and follow tropical cyclones, and score them against best tracks.

    No first positions are needed. Centres are minima of sea level pressure (or, without
    it, of height near the ground, or maxima of vorticity); vorticity, warm core,
    thickness and wind are checked where the fields are there, and it says which were.
    Any threshold can be changed: --criteria.duration_hours 48.

    Args:
        data: Forecasts of one model, or analyses: NetCDF, GRIB or Zarr. Each initial time and
            member is searched on its own.
        out: Folder for tracks.csv, tracks.geojson, adeck.dat (ATCF) and tracks.png; with --best
            also scores.csv (by lead time), cases.csv and false_alarms.csv.
        best: Best tracks: IBTrACS as CSV or NetCDF, or a table with the columns ID, ISO_TIME, LAT,
            LON and, where known, NAME, PRES_HPA, WIND_MS.
        static: Files with lsm or z_surface on the grid of the data. Default: those in the data, and
            the coastlines of the Earth.
        technique: Name of the model in the a-deck, up to four letters.
    """
    from rich.console import Console

    from sciml.cli import counted
    from sciml.config import load_config
    from sciml.files import require_writable
    from weather.cyclones.best_track import read_best_tracks
    from weather.cyclones.criteria import TrackConfig
    from weather.cyclones.matching import known_storms
    from weather.cyclones.report import score_lines, score_table, track_table
    from weather.cyclones.scores import score_tracks
    from weather.cyclones.tracking import find_tracks
    from weather.cyclones.write import write_track_scores, write_tracks
    from weather.files.forecasts import open_either
    from weather.files.reanalysis import open_reanalysis
    from weather.maps.sheet import save_figure
    from weather.maps.tracks import draw_tracks

    require_writable(out, folder=True)
    criteria = load_config(TrackConfig, overrides=set_ or ()).criteria
    storms = read_best_tracks(best) if best else None
    dataset = open_either(data)
    fixed = open_reanalysis(static) if static else None
    with counted("tracking, times") as on_time:
        found = find_tracks(dataset, criteria, fixed, on_time)
    scores = None if storms is None else score_tracks(found, storms)
    known = {} if storms is None else known_storms(found, storms)
    made = write_tracks(found, out, technique, known)
    if scores is not None:
        made += write_track_scores(scores, out)
    names = {track: name for track, (_, name) in known.items()}
    save_figure(draw_tracks(found.tracks, names, storms), out / "tracks.png")
    console = Console(soft_wrap=True, highlight=False)
    console.print(*found.checks, sep="\n")
    console.print(track_table(found, known))
    if scores is not None:
        console.print(score_table(scores))
        console.print(*score_lines(scores), sep="\n")
    console.print(f"wrote {', '.join(path.name for path in made)} and tracks.png in {out}")

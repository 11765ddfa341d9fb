"""A-deck, GeoJSON and CSV hold what was found, and come back."""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from sciml.errors import InputError
from weather.cli import app
from weather.cyclones.atcf import a_deck
from weather.cyclones.basins import basin
from weather.cyclones.best_track import read_best_tracks
from weather.cyclones.geojson import cut_at_date_line, feature_collection
from weather.cyclones.report import track_table
from weather.cyclones.track import Track
from weather.cyclones.tracking import Tracks, find_tracks
from weather.cyclones.write import read_tracks, write_tracks
from weather.maps.plots import View
from weather.maps.tracks import draw_tracks
from weather.sphere import place


@pytest.fixture(scope="module")
def found(vortex) -> Tracks:
    data = vortex.fields(
        *vortex.globe(2.5),
        [vortex.path(-14.0, 178.0, 100, 25, 6), vortex.path(15.0, 250.0, 290, 15, 6)],
    )
    return find_tracks(data, static=vortex.sea(data.lat.values, data.lon.values))


def test_the_table_comes_back(found: Tracks, tmp_path: Path) -> None:
    write_tracks(found, tmp_path, "SCML", {"01": ("SH012001", "ZOE")})
    tracks, names = read_tracks(tmp_path / "tracks.csv")
    assert names == {"01": "ZOE"}
    for own, again in zip(found.tracks, tracks, strict=True):
        assert own.name == again.name
        for a, b in zip(own.fixes, again.fixes, strict=True):
            assert a.time == b.time
            assert (b.centre.lat, b.centre.lon) == pytest.approx(
                (a.centre.lat, a.centre.lon), abs=1e-3
            )
            assert b.centre.tropical == a.centre.tropical
    assert {p.name for p in tmp_path.iterdir()} == {"tracks.csv", "tracks.geojson", "adeck.dat"}
    (tmp_path / "x.csv").write_text("track\n1\n")
    with pytest.raises(InputError, match="lacks the columns"):
        read_tracks(tmp_path / "x.csv")


@pytest.mark.parametrize("stated", ["2018-09-14T06:00", "2018-09-14T06:00Z", "2018-09-14 08:00+02"])
def test_times_of_best_tracks_are_utc(stated: str, found: Tracks, tmp_path: Path) -> None:
    """And are drawn beside those that were found."""
    track = found.tracks[0]
    file = tmp_path / "best.csv"
    file.write_text(f"ID,ISO_TIME,LAT,LON\nA,{stated},15,-105\n")
    best = read_best_tracks(file)
    assert best["time"].tolist() == [pd.Timestamp("2018-09-14T06:00")]
    draw_tracks([track], best=best)


@pytest.mark.parametrize("known", [{}, {"01": ("SH012001", "ZOE")}])
def test_our_own_tracks_are_read_as_best_tracks(
    known: dict[str, tuple[str, str]], found: Tracks, tmp_path: Path
) -> None:
    """One storm of each, called as in the table, or as its track."""
    write_tracks(found, tmp_path, "SCML", known)
    sizes = read_best_tracks(tmp_path / "tracks.csv").groupby("storm").size()
    names = ["ZOE" if track.name in known else track.name for track in found.tracks]
    assert sizes.to_dict() == {
        name: len(track.fixes) for name, track in zip(names, found.tracks, strict=True)
    }


def test_a_deck_lines_have_the_columns_of_atcf(found: Tracks) -> None:
    lines = a_deck(found.tracks, "SCML", {"02": "SH012001"}).splitlines()
    assert len(lines) == sum(len(track.fixes) for track in found.tracks)
    for line in lines:
        parts = [part.strip() for part in line.split(",")]
        assert (parts[0], parts[1]) in {("SH", "01"), ("EP", "90")}
        assert parts[4:6] == ["SCML", "0"]
        assert parts[6][-1] in "NS"
        assert parts[7][-1] in "EW"
        assert 0 < int(parts[7][:-1]) <= 1800
        assert 900 < int(parts[9]) < 1013
        assert int(parts[8]) > 34
    with pytest.raises(InputError, match="one to four letters"):
        a_deck(found.tracks, "TOOLONG")


def test_geojson_is_cut_at_the_date_line(found: Tracks) -> None:
    collection = json.loads(json.dumps(feature_collection(found.tracks, {}), allow_nan=False))
    kinds = [feature["geometry"]["type"] for feature in collection["features"]]
    assert kinds.count("MultiLineString") == 1
    assert kinds.count("LineString") == 1
    assert kinds.count("Point") == 12
    parts = cut_at_date_line([[178.0, 10.0], [-178.0, 14.0]])
    assert parts == [[[178.0, 10.0], [180.0, 12.0]], [[-180.0, 12.0], [-178.0, 14.0]]]


@pytest.mark.parametrize(
    ("lat", "lon", "name"),
    [(25, -70, "AL"), (25, -94, "AL"), (17, -105, "EP"), (10, -86, "EP"), (12, -82, "AL"),
     (20, -150, "CP"), (20, 150, "WP"), (20, 181, "CP"), (15, 88, "IO"), (15, 65, "IO"),
     (-15, 60, "SH"), (-15, 179, "SH"), (-28, -45, "SL"), (40, -10, "AL")],
)  # fmt: skip
def test_basins(lat: float, lon: float, name: str) -> None:
    assert basin(lat, lon) == name
    assert basin(lat, lon + 360) == name


def test_the_command(vortex, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lat, lon = vortex.globe(2.5)
    data = vortex.fields(lat, lon, [vortex.path(15.0, 150.0, 290, 20, 6)])
    data.rename(lat="latitude", lon="longitude").to_netcdf(tmp_path / "analyses.nc")
    rows = ["SID,NAME,ISO_TIME,LAT,LON,USA_WIND,USA_PRES,NATURE,USA_ATCF_ID"]
    for i, (north, east) in enumerate(vortex.path(15.0, 150.0, 290, 20, 6)):
        time = str(data.time.values[i])[:19].replace("T", " ")
        rows.append(f"A,ALMA,{time},{north},{east},70,980,TS,WP012001")
    (tmp_path / "best.csv").write_text("\n".join(rows))
    app(
        ["track", str(tmp_path / "analyses.nc"), "--best", str(tmp_path / "best.csv"), "--out",
         str(tmp_path / "out"), "--set", "criteria.duration_hours=12"],
        result_action="return_value",
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "warm core: from t300, t500" in said
    assert "ALMA" in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"tracks.csv", "tracks.geojson", "adeck.dat", "tracks.png", "scores.csv",
                     "cases.csv", "false_alarms.csv"}  # fmt: skip
    assert np.loadtxt(tmp_path / "out" / "scores.csv", delimiter=",", skiprows=1, usecols=2) == 6


def test_a_map_of_a_part_counts_the_tracks_that_are_there(found: Tracks) -> None:
    lon = found.tracks[0].fixes[0].centre.lon
    for west, title in ((lon - 90, "2 tropical cyclone tracks"), (lon + 90, "None of 2")):
        west = (west + 180) % 360 - 180
        figure = draw_tracks(found.tracks, view=View(region=(west, west + 180, -60.0, 60.0)))
        assert figure.axes[0].get_title(loc="left").startswith(title)
        assert len(figure.axes[0].collections) == (3 if title.startswith("2") else 1)


def test_the_shown_table_cuts_no_name(found: Tracks) -> None:
    """At 80 columns; what is known of no track has no column."""
    runs = np.array(["2018-09-14T00", "2018-09-14T12"], "datetime64[ns]")
    tracks = [replace(t, initial=run, member=3) for t in found.tracks for run in runs]

    def printed(shown: list[Track], known: Mapping[str, tuple[str, str]] | None = None) -> str:
        console = Console(width=80)
        with console.capture() as captured:
            console.print(track_table(replace(found, tracks=tuple(shown)), known or {}))
        return captured.get()

    ends = [track.fixes[i].centre for track in tracks for i in (0, -1)]
    known = {track.name: ("WP012018", "MANGKHUT") for track in tracks[:1]}
    shown = [printed(tracks, names) for names in ({}, known)]
    for text in shown:
        assert all(track.name in text for track in tracks)
        assert all(place(end.lat, end.lon) in text for end in ends)
        assert "…" not in text
    assert ["MAN" in text for text in shown] == [False, True]
    fix = found.tracks[0].fixes[0]
    blind = replace(fix, centre=replace(fix.centre, pressure=np.nan))
    assert "hPa" not in printed([replace(found.tracks[0], fixes=(blind,))])
    assert "0 tracks" in printed([])


def test_names_lie_on_the_map_and_not_on_each_other(found: Tracks) -> None:
    track = found.tracks[0]
    first = track.fixes[0].centre
    near = [replace(track, number=number, member=0) for number in range(1, 7)]
    names = {one.name: f"MANGKHUT {one.number}" for one in near}
    for east in (2.0, 40.0):
        region = (first.lon - east, first.lon - east + 60, -60.0, 60.0)
        figure = draw_tracks(near, names, view=View(region=region))
        figure.draw_without_rendering()
        axes = figure.axes[0]
        texts = [text for text in axes.texts if text.get_text().startswith("MANGKHUT")]
        boxes = [text.get_window_extent() for text in texts]
        assert len(boxes) == (2 if east == 2 else 4)
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
        frame = axes.get_window_extent()
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)


def test_best_tracks_are_promised_where_they_are_drawn(found: Tracks) -> None:
    """Also those of a single time, which are no lines; and not where there are none."""
    track = found.tracks[0]
    times = [fix.time for fix in track.fixes]
    first = track.fixes[0].centre
    for kept, far, promised in (
        (len(times), 0, True),
        (1, 0, True),
        (1, 90, False),
        (1, None, False),
    ):
        shown = replace(track, fixes=track.fixes[:kept])
        rows = [(time, "A", first.lat, first.lon + (far or 0)) for time in times[:kept]]
        best = pd.DataFrame(rows, columns=["time", "storm", "lat", "lon"])
        if far is None:
            best["time"] += np.timedelta64(9, "D")
        region = (first.lon - 30, first.lon + 30, -60.0, 60.0)
        figure = draw_tracks([shown], best=best, view=View(region=region))
        axes = figure.axes[0]
        assert ("best tracks in black" in axes.get_title(loc="left")) == promised
        black = [line for line in axes.lines if line.get_color() == "black"]
        drawn = [line for line in black if kept > 1 or line.get_marker() == "x"]
        assert len(drawn) == (far is not None)

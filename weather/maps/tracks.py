"""Tracks of tropical cyclones on a map."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from sciml.wording import count
from weather.cyclones.track import Fix, Track
from weather.dates import clock
from weather.files.units import KNOT
from weather.maps.colours import Scale
from weather.maps.frame import HALO, MapFrame
from weather.maps.layers import add_bar
from weather.maps.plots import PLAIN, View
from weather.maps.projections import frame_of
from weather.maps.region import Extent
from weather.maps.sheet import new_sheet

Intensity = Callable[[Fix], float]

_MARGIN = 6.0  # degrees around the tracks
_GLOBE = xr.Dataset(coords={"lat": np.arange(90.0, -91, -10), "lon": np.arange(0.0, 360, 10)})
_CROSS: dict[str, Any] = {"marker": "x", "markersize": 8, "path_effects": HALO, "zorder": 9}
_DATED = 6  # tracks at most, whose days are written beside them
_NUMBERED = 12  # likewise, whose numbers are
_BESIDE: Sequence[tuple[tuple[int, int], Literal["left", "right"]]] = (  # points from a fix
    ((-5, -14), "right"),
    ((5, -14), "left"),
    ((-5, 8), "right"),
    ((5, 8), "left"),
)


def draw_tracks(
    tracks: Sequence[Track],
    names: Mapping[str, str] | None = None,
    best: pd.DataFrame | None = None,
    view: View = PLAIN,
) -> Figure:
    """Tracks on a map; dots are full where a storm is tropical, coloured by its intensity.

    Args:
        tracks: from `find_tracks`, of one run or many.
        names: of known storms, by name of the track.
        best: best tracks, of which those of the period are drawn in black.
        view: projection and region; without a region all tracks are shown.

    Raises:
        InputError: a region that no grid can have.
    """
    fixes = [fix for track in tracks for fix in track.fixes]
    there = _of_period(best, fixes)
    frame = _frame(tracks, there, view)
    figure, (axes, *_) = new_sheet(frame)
    frame.prepare(axes, None)
    black = False if there is None else _draw_best(axes, frame, there)
    seen = [track for track in tracks if _is_seen(axes, frame, track)]
    fixes = [fix for track in seen for fix in track.fixes]
    values, scale = _intensity(fixes)
    for track in seen:
        _draw_track(axes, frame, track, values, scale)
    if len(seen) <= _DATED:
        for track in seen:
            _write_days(axes, frame, track)
    if fixes and np.isfinite([values(fix) for fix in fixes]).any():
        add_bar(ScalarMappable(scale.norm, scale.colormap), axes, scale)
    axes.set_title(_title(seen, len(tracks), black), loc="left", fontsize=10)
    figure.draw_without_rendering()  # where names fit is known once all else has its place
    _write_names(axes, frame, seen, names or {}, few=len(seen) <= _NUMBERED)
    return figure


def _frame(tracks: Sequence[Track], best: pd.DataFrame | None, view: View) -> MapFrame:
    """Around all that is drawn."""
    extent = view.region
    if extent is None:
        lat = [fix.centre.lat for track in tracks for fix in track.fixes]
        lon = [fix.centre.lon for track in tracks for fix in track.fixes]
        if best is not None:
            lat, lon = [*lat, *best["lat"]], [*lon, *best["lon"]]
        extent = enclosing(np.array(lat), np.array(lon))
    shown = extent if extent[1] - extent[0] < 360 else None
    return frame_of(_GLOBE, view.projection, shown, view.say)[0]


def enclosing(lat: np.ndarray, lon: np.ndarray) -> Extent:
    """Edges around points with a margin, on the shorter way across the date line."""
    if not len(lat):
        return -180.0, 180.0, -60.0, 60.0
    south, north = max(lat.min() - _MARGIN, -90.0), min(lat.max() + _MARGIN, 90.0)
    east = np.unique(lon % 360)
    gaps = np.diff(np.append(east, east[0] + 360))
    widest = int(gaps.argmax())
    span = 360 - gaps[widest]
    west = east[(widest + 1) % len(east)]
    if span + 2 * _MARGIN > 300:
        return -180.0, 180.0, south, north
    least = 0.6 * (north - south)  # no needles
    wide = max(span + 2 * _MARGIN, least)
    west = (west + span / 2 - wide / 2 + 180) % 360 - 180
    return west, west + wide, south, north


def _draw_best(axes: Axes, frame: MapFrame, best: pd.DataFrame) -> bool:
    """Storms as lines, those of one time as crosses; returns whether one lies on the map."""
    for _, storm in best.groupby("storm"):
        style = {"lw": 1.2, "zorder": 4} if len(storm) > 1 else _CROSS
        axes.plot(*frame.place(storm["lon"], storm["lat"]), color="black", **style)
    return _on_map(axes, frame, best["lon"].to_numpy(), best["lat"].to_numpy())


def _is_seen(axes: Axes, frame: MapFrame, track: Track) -> bool:
    """Whether a part of it lies on the map."""
    centres = [fix.centre for fix in track.fixes]
    return _on_map(
        axes, frame, np.array([c.lon for c in centres]), np.array([c.lat for c in centres])
    )


def _on_map(axes: Axes, frame: MapFrame, lon: np.ndarray, lat: np.ndarray) -> bool:
    """Whether one of the points lies there."""
    x, y = _points(frame, lon, lat)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return bool(((left <= x) & (x <= right) & (bottom <= y) & (y <= top)).any())


def _draw_track(axes: Axes, frame: MapFrame, track: Track, values: Intensity, scale: Scale) -> None:
    lat = np.array([fix.centre.lat for fix in track.fixes])
    lon = np.array([fix.centre.lon for fix in track.fixes])
    axes.plot(*frame.place(lon, lat), color="#777777", lw=0.8, zorder=5)
    shown = np.array([values(fix) for fix in track.fixes])
    tropical = np.array([fix.centre.tropical for fix in track.fixes])
    x, y = _points(frame, lon, lat)
    colours = scale.colormap(scale.norm(np.nan_to_num(shown)))
    colours[np.isnan(shown)] = (0.3, 0.3, 0.3, 1)
    faces = colours.copy()
    faces[~tropical] = (1, 1, 1, 1)
    axes.scatter(x, y, s=16, facecolors=faces, edgecolors=colours, linewidths=0.8, zorder=6,
                 clip_on=True)  # fmt: skip


def _points(frame: MapFrame, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of points, each on its own."""
    places = [frame.place([a], [b]) for a, b in zip(lon, lat, strict=True)]
    return np.array([x[0] for x, _ in places]), np.array([y[0] for _, y in places])


def _write_days(axes: Axes, frame: MapFrame, track: Track) -> None:
    """The day of the month at each 00 UTC."""
    for fix in track.fixes:
        time = pd.Timestamp(fix.time)
        if time.hour == 0:
            (x, *_), (y, *_) = frame.place([fix.centre.lon], [fix.centre.lat])
            axes.annotate(f"{time.day}", (x, y), (4, 3), textcoords="offset points", size=6.5,
                          zorder=7, annotation_clip=True, in_layout=False,
                          path_effects=HALO)  # fmt: skip


def _write_names(
    axes: Axes, frame: MapFrame, tracks: Sequence[Track], names: Mapping[str, str], few: bool
) -> None:
    """The name of each known storm once, of few unknown ones their number, where there is room."""
    written: set[str] = set()
    taken: list[Bbox] = []
    for track in tracks:
        name = names.get(track.name) or (track.name if few else "")
        if not name or name in written:
            continue
        first = track.fixes[0].centre
        (x, *_), (y, *_) = frame.place([first.lon], [first.lat])
        if (box := _write_name(axes, name, (x, y), taken)) is not None:
            written.add(name)
            taken.append(box)


def _write_name(
    axes: Axes, name: str, point: tuple[float, float], taken: Sequence[Bbox]
) -> Bbox | None:
    """Beside the point, on the map and off other names; returns its box, None if it is left out."""
    map_box = axes.get_window_extent()
    for offset, side in _BESIDE:
        text = axes.annotate(name, point, offset, textcoords="offset points", size=8,
                             weight="bold", ha=side, zorder=8, in_layout=False,
                             path_effects=HALO)  # fmt: skip
        box = text.get_window_extent()
        inside = map_box.containsx(box.x0) and map_box.containsx(box.x1)
        inside &= map_box.containsy(box.y0) and map_box.containsy(box.y1)
        if inside and not any(box.overlaps(other) for other in taken):
            return box
        text.remove()
    return None


def _intensity(fixes: Sequence[Fix]) -> tuple[Intensity, Scale]:
    """A function that gives the intensity of a fix, and its scale: pressure, or else wind."""
    pressure = np.array([fix.centre.pressure for fix in fixes]) / 100
    if np.isfinite(pressure).any():
        ends = float(np.nanmin(pressure)), float(np.nanmax(pressure)) + 1
        scale = Scale(
            np.array(MaxNLocator(9).tick_values(*ends)),
            "magma",
            "neither",
            "Least pressure of a cell (hPa)",
        )
        return lambda fix: fix.centre.pressure / 100, scale
    wind = np.array([fix.centre.wind for fix in fixes]) / KNOT
    top = np.nanmax(wind) if np.isfinite(wind).any() else 60.0
    levels = np.array(MaxNLocator(9).tick_values(0, top + 1))
    scale = Scale(levels, "magma_r", "neither", "Greatest wind of a cell (kt)")
    return lambda fix: fix.centre.wind / KNOT, scale


def _of_period(best: pd.DataFrame | None, fixes: Sequence[Fix]) -> pd.DataFrame | None:
    """Best tracks between the first and the last fix."""
    if best is None or not fixes:
        return None
    times = [pd.Timestamp(fix.time) for fix in fixes]
    return best[best["time"].between(min(times), max(times))]


def _title(tracks: Sequence[Track], of: int, best: bool) -> str:
    """What is seen, of how many tracks, beside best tracks or not, and their times."""
    if not tracks:
        return (
            f"None of {count(of, 'tropical cyclone track')} is here"
            if of
            else "No tropical cyclone"
        )
    fixes = [fix for track in tracks for fix in track.fixes]
    runs = {(track.initial, track.member) for track in tracks}
    starts = {track.initial for track in tracks if track.initial is not None}
    what = f"{len(tracks)} of " * (len(tracks) < of) + count(of, "tropical cyclone track")
    many = f" in {len(runs)} forecasts" if len(runs) > 1 else ""
    black = " (hollow: not tropical)"
    black += "; best tracks in black" if best else ""
    times = [fix.time for fix in fixes]
    last = f" to {clock(max(times))}" if max(times) > min(times) else ""
    period = f"Valid {clock(min(times))}{last}"
    if starts:
        last = f" to {clock(max(starts))}" if len(starts) > 1 else ""
        leads = [track.lead_hours(fix) for track in tracks for fix in track.fixes]
        period = f"Init {clock(min(starts))}{last}   to +{max(leads):g} h   {period}"
    else:
        period = f"Analyses   {period}"
    return f"{what}{many}{black}\n{period}"

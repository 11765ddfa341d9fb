"""The command `weather plot`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from sciml.cli import SEVERAL
from weather.commands.times import hours_of

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from weather.maps.plots import View

Kind = Literal["map", "stamps", "probability", "meteogram", "animation", "tracks"]
_BELONGS = {  # options of some kinds only
    "point": ("meteogram",), "threshold": ("probability",), "best": ("tracks",),
    "truth": ("map", "meteogram"), "member": ("map", "animation", "meteogram"),
    "lead": ("map", "stamps", "probability"),
}  # fmt: skip


def plot(
    data: list[str],
    /,
    *,
    out: Path,
    kind: Kind = "map",
    time: str | None = None,
    lead: str | None = None,
    product: Annotated[list[str] | None, SEVERAL] = None,
    member: int | None = None,
    threshold: str | None = None,
    point: tuple[float, float] | None = None,
    truth: Annotated[list[str] | None, SEVERAL] = None,
    region: str | None = None,
    extent: tuple[float, float, float, float] | None = None,
    projection: Literal[
        "latlon", "robinson", "orthographic", "north", "south", "lambert", "mercator"
    ] = "latlon",
    static: Annotated[list[str] | None, SEVERAL] = None,
    best: Annotated[list[Path] | None, SEVERAL] = None,
) -> None:
    """Draw maps, ensemble stamps, meteograms, probabilities, tracks and animations.

    Args:
        data: Forecasts of one model, or analyses; for --kind tracks the tracks.csv of `weather
            track`.
        out: Picture to write, .png, .pdf or .svg; an animation is a .gif or an .mp4 (by ffmpeg: the
            machine's own, or that of the extra `maps`).
        kind: A map; stamps, every member as a small map; the probability of a threshold; a
            meteogram, the forecast at a point; an animation over lead times; cyclone tracks.
        time: Initial time in UTC, such as 2001-01-01T00. Default: the first; of analyses the valid
            time, default the last.
        lead: Lead time, such as 24h or 5d. Default: 24h.
        product: z500_t850, msl, wind850 (any level; wind10 and wind100 are above the ground,
            wind100hPa at 100 hPa), or one field such as t2m or v500. Default: the first of these
            that the file has. A meteogram takes several.
        member: One member of an ensemble. Default: the mean; a meteogram shows the spread.
        threshold: Of a probability, such as 'wind10 > 34 kt', 't2m < 0', 'msl < 980 hPa'; without a
            unit, that of the maps.
        point: Latitude and longitude of a meteogram, such as --point 48.1 11.6.
        truth: Analyses of the valid times: a map of them and of the difference; dots in a
            meteogram.
        region: Show a part: europe, north-atlantic, north-america, north-pacific, east-asia,
            south-asia, africa, south-america, australia, indian-ocean or tropics.
        extent: Show another part: west east south north in degrees; 170 200 -30 0 crosses the date
            line.
        projection: Plain latitude and longitude, or a projection of cartopy; north and south are
            polar maps.
        static: Files with lsm or z_surface, drawn below a simulated atmosphere. Default: those of
            the truth. Maps of the Earth have its coastlines.
        best: Best tracks to draw in black beside the tracks.
    """
    from sciml.cli import note
    from sciml.errors import InputError
    from weather.maps.plots import View
    from weather.maps.region import extent_of, region_extent

    given = {"point": point, "threshold": threshold, "best": best, "truth": truth,
             "member": member, "lead": lead}  # fmt: skip
    for option, kinds in _BELONGS.items():
        if given[option] is not None and kind not in kinds:
            raise InputError(f"--{option} belongs to --kind {' or '.join(kinds)}, not to {kind}")
    if product and len(product) > 1 and kind != "meteogram":
        raise InputError(f"--product {' '.join(product)}: --kind {kind} shows one; give one")
    if region and extent:
        raise InputError("--region and --extent both given; give one")
    shown = region_extent(region) if region else extent_of(*extent) if extent else None
    if kind == "tracks":
        if len(data) > 1:
            raise InputError(f"--kind tracks draws one tracks.csv; {len(data)} files came")
        _tracks(Path(data[0]), out, best, View(projection, shown, say=note))
        return print(f"wrote {out}")
    from weather.dates import moment
    from weather.files.forecasts import open_either
    from weather.files.members import one_member
    from weather.files.reanalysis import open_reanalysis
    from weather.maps.animation import save_animation
    from weather.maps.meteogram import draw_meteogram
    from weather.maps.plots import draw_map
    from weather.maps.probability import draw_probability
    from weather.maps.select import select_analysis, select_member
    from weather.maps.sheet import save_figure
    from weather.maps.stamps import draw_stamps

    fields, name = open_either(data), product[0] if product else None
    start = None if time is None else moment(time)
    analyses = one_member(open_reanalysis(truth)) if truth else None
    view = View(projection, shown, open_reanalysis(static) if static else analyses, note)
    match kind:
        case "animation":
            save_animation(select_member(_series(fields, start), member), out, name, view)
            return print(f"wrote {out}")
        case "meteogram":
            if point is None:
                raise InputError("a meteogram needs a place: --point LATITUDE LONGITUDE")
            series = _series(fields, start)
            chosen = series if member is None else select_member(series, member)
            figure = draw_meteogram(chosen, *point, product, analyses)
        case "probability":
            if threshold is None:
                raise InputError("a probability needs --threshold, such as 'wind10 > 34 kt'")
            figure = draw_probability(_moment(fields, start, lead), threshold, view)
        case "stamps":
            figure = draw_stamps(_moment(fields, start, lead), name, view)
        case _:
            one = select_member(_moment(fields, start, lead), member)
            analysis = None if analyses is None else select_analysis(analyses, one)
            figure = draw_map(one, name, analysis, view)
    save_figure(figure, out)
    print(f"wrote {out}")


def _moment(fields: "xr.Dataset", start: "np.datetime64 | None", lead: str | None) -> "xr.Dataset":
    """One time: of a forecast by initial and lead time, of analyses by valid time."""
    import numpy as np

    from sciml.errors import InputError
    from weather.maps.select import select_forecast, select_time

    hours = None if lead is None else np.timedelta64(hours_of(lead), "h")
    if "lead_time" in fields.dims:
        return select_forecast(fields, start, hours)
    if lead is not None:
        raise InputError("--lead given, and the file holds analyses; choose one with --time")
    return select_time(fields, start)


def _series(fields: "xr.Dataset", start: "np.datetime64 | None") -> "xr.Dataset":
    """All lead times of one forecast, or all analyses."""
    from sciml.errors import InputError
    from weather.maps.select import select_initial

    if "lead_time" in fields.dims:
        return select_initial(fields, start)
    if start is not None:
        raise InputError("--time given for a series of analyses; leave it out")
    return fields


def _tracks(data: Path, out: Path, best: list[Path] | None, view: "View") -> None:
    from weather.cyclones.best_track import read_best_tracks
    from weather.cyclones.write import read_tracks
    from weather.maps.sheet import save_figure
    from weather.maps.tracks import draw_tracks

    tracks, names = read_tracks(data)
    save_figure(draw_tracks(tracks, names, read_best_tracks(best) if best else None, view), out)

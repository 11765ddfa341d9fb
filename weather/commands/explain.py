"""The command `weather explain`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sciml.cli import SEVERAL


def explain(
    model: Path,
    /,
    *,
    from_: Annotated[list[str], Parameter(name="--from"), SEVERAL],
    hours: float,
    variable: str,
    out: Path,
    time: str | None = None,
    point: tuple[float, float] | None = None,
    radius: float = 500.0,
    extent: tuple[float, float, float, float] | None = None,
    plot: Path | None = None,
    boundary: Annotated[list[str] | None, SEVERAL] = None,
    static: Annotated[list[str] | None, SEVERAL] = None,
) -> None:
    """Show what a forecast at a place depends on: which region, level and variable.

    The gradient of the forecast with respect to the state it starts from, per standard
    deviation of each field and per area, so that fields and cells can be compared.

    Args:
        model: The model.safetensors of a training run.
        from_: The analysis: NetCDF, GRIB or Zarr, as for `weather forecast`.
        hours: Lead time of the forecast.
        variable: What is forecast: a field such as msl, or t850.
        out: NetCDF file to write, on the analysis file's own grid.
        time: Initial time in UTC, such as 2001-01-01T00. Default: the last analysis.
        point: Latitude and longitude of the place, such as --point 48.1 11.6.
        radius: Km around the place over which the forecast is averaged.
        extent: In place of --point, a region over which the forecast is averaged: west east south
            north in degrees.
        plot: Picture to draw: maps, shares by variable and level, share by distance.
        boundary: For a model of a limited area with a frame: its boundary data.
        static: Files with lsm or z_surface for the background of the maps. Default: the analysis.
    """
    from sciml.errors import InputError
    from sciml.files import require_suffix
    from weather.dates import moment
    from weather.explanation.sensitivity import explain, require_gradients
    from weather.explanation.sensitivity_file import write_sensitivity
    from weather.explanation.summary import lines
    from weather.explanation.target import Area
    from weather.files.layout import Layout
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.boundary import Boundary
    from weather.forecasting.forecaster import Forecaster

    require_suffix(out, ".nc", ".nc4")
    if plot is not None:
        from weather.maps.sheet import require_picture

        require_picture(plot)
    if (point is None) == (extent is None):
        raise InputError("give the place as --point LATITUDE LONGITUDE, or a region as --extent")
    forecaster = Forecaster.load(model)
    grid = require_gradients(forecaster).grid
    area = Area.disc(grid, *point, radius) if point else Area.box(grid, *(extent or ()))
    analyses = open_reanalysis(from_)
    if "time" not in analyses.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    start = analyses["time"].values[-1] if time is None else moment(time)
    analyses = forecaster.checked(analyses, [start], print)
    given = Boundary.of(forecaster.model, boundary, forecaster.accumulation_hours)
    found = explain(forecaster, analyses, start, hours, variable, area, given)
    print("\n".join(lines(found)))
    layout = Layout.of(analyses)
    write_sensitivity(found, forecaster, layout, out, shlex.join(["weather", *sys.argv[1:]]))
    print(f"wrote {out}")
    if plot is not None:
        from weather.maps.sensitivity import draw_sensitivity
        from weather.maps.sheet import save_figure

        background = open_reanalysis(static) if static else analyses
        save_figure(draw_sensitivity(found, background), plot)
        print(f"wrote {plot}")

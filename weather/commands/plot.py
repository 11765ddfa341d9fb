"""The command `weather plot`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from weather.commands.times import datetime_of, hours_of


def plot(
    forecast: Path,
    *,
    out: Path,
    time: str | None = None,
    lead: str | None = None,
    product: str | None = None,
    truth: Annotated[list[str] | None, Parameter(negative="")] = None,
    static: str | None = None,
) -> None:
    """Draw a forecast as a map.

    Parameters
    ----------
    forecast:
        NetCDF file of forecasts.
    out:
        Picture to write: .png, .pdf or .svg.
    time:
        Initial time in UTC, such as 2001-01-01T00. Default: the first.
    lead:
        Lead time, such as 24h or 5d. Default: 24h.
    product:
        z500_t850, msl, wind850 (any level, or wind10), or one field such as t2m or
        v500. Default: the first of these that the file has.
    truth:
        Analyses of the valid time: draws them, and the difference, too.
    static:
        File with lsm or z_surface for the background. Default: those of the truth.
    """
    import numpy as np

    from weather.files.forecasts import ensemble_mean, open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.maps.plots import draw_map, save_map, select_analysis, select_forecast

    hours = None if lead is None else np.timedelta64(hours_of(lead), "h")
    start = None if time is None else datetime_of(time)
    one = select_forecast(ensemble_mean(open_forecast(forecast)), start, hours)
    analyses = open_reanalysis(truth) if truth else None
    analysis = None if analyses is None else select_analysis(analyses, one)
    background = open_reanalysis(static) if static else analyses
    save_map(draw_map(one, product, analysis, background), out)
    print(f"wrote {out}")

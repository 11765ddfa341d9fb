"""The command `weather alarm`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from sciml.cli import SEVERAL
from weather.commands.times import hours_of


def alarm(
    forecasts: list[Path],
    /,
    *,
    out: Path,
    climatology_from: Annotated[list[str] | None, SEVERAL] = None,
    model: Path | None = None,
    plot: Path | None = None,
    time: str | None = None,
    lead: str | None = None,
    static: Annotated[list[str] | None, SEVERAL] = None,
) -> None:
    """Show where a forecast leaves the known range of the season.

    Args:
        forecasts: Files of one model.
        out: NetCDF file to write: the share of fields outside of their range and the largest
            distance, by cell and lead time.
        climatology_from: Analyses on the same grid, several years if possible: the range is their
            lowest and highest value within 15 days of the day of the year, at the same hour, by
            cell. Missing values are left out; a field that has no range is named as not compared.
            They are checked as `weather check` does: units by value, impossible values.
        model: In place of analyses, a model file: the range is that of its training data, five
            standard deviations about the mean, for all cells and seasons.
        plot: Picture to draw: a map of one lead time.
        time: Initial time to draw. Default: that of the largest excess.
        lead: Lead time to draw, such as 24h or 5d. Default: that of the largest excess.
        static: Files with lsm or z_surface for the background. Default: the analyses.
    """
    import numpy as np

    from sciml.cli import counted, note
    from sciml.errors import InputError
    from sciml.files import require_suffix
    from weather.dates import moment
    from weather.explanation.alarm_file import write_alarms
    from weather.explanation.alarms import alarms, farthest_moment, findings
    from weather.explanation.known_range import KnownRange, SeasonalRange, TrainingRange
    from weather.files.forecasts import open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.files.sources import refuse_to_overwrite
    from weather.forecasting.forecaster import Forecaster
    from weather.verification.checked import checked

    require_suffix(out, ".nc", ".nc4")
    refuse_to_overwrite([*forecasts, *(climatology_from or ())], out)
    opened, background = open_forecast(forecasts), None
    start = None if time is None else moment(time)
    hours = None if lead is None else np.timedelta64(hours_of(lead), "h")
    if plot is not None:
        from weather.maps.select import select_forecast
        from weather.maps.sheet import require_picture, save_figure

        require_picture(plot)
        select_forecast(opened, start, hours)  # there is such a moment
    elif time or lead:
        raise InputError("--time and --lead choose the moment of --plot; give --plot too")
    known: KnownRange
    if climatology_from and model is None:
        background = checked("climatology", open_reanalysis(climatology_from), opened, note)
        known = SeasonalRange(background, opened)
    elif model is not None and not climatology_from:
        normal = Forecaster.load(model, device="cpu").normal()
        if normal is None:
            raise InputError(f"{model} does not tell the range of its training data")
        known = TrainingRange(normal)
    else:
        raise InputError("give one known range: --climatology-from ANALYSES, or --model MODEL")
    with counted("comparing, fields") as on_field:
        found = alarms(opened, known, on_field)
    write_alarms(found, out, shlex.join(["weather", *sys.argv[1:]]))
    print("\n".join([*findings(found), f"wrote {out}"]))
    if plot is not None:
        from weather.maps.alarms import draw_alarms

        worst = farthest_moment(found)
        one = select_forecast(
            found, worst[0] if start is None else start, worst[1] if hours is None else hours
        )
        save_figure(draw_alarms(one, open_reanalysis(static) if static else background), plot)
        print(f"wrote {plot}")

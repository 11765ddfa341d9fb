"""The command `weather forecast`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from weather.commands.times import datetime_of, lead_times

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


def forecast(
    models: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    from_: Annotated[list[str], Parameter(name="--from", negative="")],
    time: Annotated[list[str] | None, Parameter(negative="")] = None,
    out: Path,
    hours: float | None = None,
    every: str | None = None,
    leads: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    method: Literal["greedy", "smooth"] = "greedy",
    layout: Literal["input", "cf", "wb2"] = "input",
) -> None:
    """Forecast from an analysis with a trained model.

    A run that was stopped goes on where it was when the same command is given again.

    Parameters
    ----------
    models:
        The model.safetensors of a training run, or several of different time steps that
        take turns (see `weather plan`).
    from_:
        The analysis: NetCDF, GRIB or Zarr, as files, globs, URLs or a short name such as
        arco-era5.
    time:
        Initial time in UTC, such as 2001-01-01T00; may be given several times. Default:
        the last analysis.
    out:
        File to write, .nc or .zarr.
    hours:
        How far to forecast. Default: 240.
    every:
        Interval between lead times in the output, such as 12h. Default: every time step
        of the model.
    leads:
        These lead times and no others, such as 6h 24h 71h.
    method:
        How models of several time steps take turns: with the fewest calls, or blended so
        that the forecast is smooth in lead time.
    layout:
        Names, units, order and coordinates of the output: the analysis file's own, or
        those of the CF conventions or WeatherBench 2.
    """
    from sciml.cli import progress
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.experts import Experts
    from weather.forecasting.forecast_file import write_forecast
    from weather.forecasting.forecaster import Forecaster
    from weather.forecasting.planner import hours_text, plan

    forecasters = [Forecaster.load(model) for model in models]
    steps = list(Experts.of(forecasters).steppers)
    made = plan(steps, lead_times(hours, every, leads, min(steps)), method)
    dataset = open_reanalysis(from_)
    times = _times(time, dataset)
    with progress() as bar:
        task = bar.add_task("forecasting, steps")
        write_forecast(
            forecasters,
            dataset,
            times,
            made,
            out,
            layout=layout,
            command=shlex.join(["weather", *sys.argv[1:]]),
            on_step=lambda done, of: bar.update(task, completed=done, total=of),
            say=bar.print,
        )
    lead = f"{len(made.leads)} lead times to {hours_text(made.leads[-1:])}"
    print(f"wrote {out}: {len(times)} forecasts, {lead}")


def _times(texts: list[str] | None, dataset: "xr.Dataset") -> "list[np.datetime64]":
    """Initial times as given, or the last of a data set."""
    from sciml.errors import InputError

    if "time" not in dataset.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    if not texts:
        return [dataset["time"].values[-1]]
    return [datetime_of(text) for text in texts]

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
    from_: Annotated[list[str] | None, Parameter(name="--from", negative="")] = None,
    time: Annotated[list[str] | None, Parameter(negative="")] = None,
    out: Path | None = None,
    hours: float | None = None,
    every: str | None = None,
    leads: Annotated[list[str] | None, Parameter(negative="", consume_multiple=True)] = None,
    method: Literal["greedy", "smooth"] = "greedy",
    layout: Literal["input", "cf", "wb2"] = "input",
    boundary: Annotated[list[str] | None, Parameter(negative="")] = None,
    step_hours: float | None = None,
    estimate: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Forecast from an analysis with a trained model.

    A run that was stopped goes on where it was when the same command is given again.

    Parameters
    ----------
    models:
        The model.safetensors of a training run, a model.onnx that `weather export` wrote, or an
        ONNX file with Pangu-Weather's inputs, such as pangu_weather_24.onnx; or several of
        different time steps that take turns (see `weather plan`).
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
    boundary:
        For a model of a limited area with a frame: analyses or a driving forecast that
        hold its cells at all valid times (times up to 6 h apart are interpolated).
    step_hours:
        Time step of an ONNX file that states it neither inside nor in its name.
    estimate:
        Only tell how much memory, time and disk it would take, from the model file's
        header; --from and --out are not needed.
    """
    from sciml.cli import progress
    from sciml.errors import InputError
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.boundary import Boundary
    from weather.forecasting.experts import Experts
    from weather.forecasting.forecast_file import write_forecast
    from weather.forecasting.forecaster import Forecaster
    from weather.forecasting.planner import hours_text, plan

    if estimate:
        return _estimate(models, hours, every, leads, len(time or [""]))
    if from_ is None or out is None:
        raise InputError("a forecast needs --from ANALYSES and --out FILE (or --estimate)")
    forecasters = [Forecaster.load(model, step_hours=step_hours) for model in models]
    experts = Experts.of(forecasters)
    steps = list(experts.steppers)
    made = plan(steps, lead_times(hours, every, leads, min(steps)), method)
    dataset = open_reanalysis(from_)
    times = _times(time, dataset)
    with progress() as bar:
        task = bar.add_task("forecasting, steps", visible=False)
        write_forecast(
            forecasters,
            dataset,
            times,
            made,
            out,
            layout=layout,
            boundary=Boundary.of(forecasters[0].model, boundary),
            command=shlex.join(["weather", *sys.argv[1:]]),
            on_step=lambda done, of: bar.update(task, completed=done, total=of, visible=True),
            say=lambda line: bar.console.print(line, soft_wrap=True, highlight=False, markup=False),
        )
    lead = f"{len(made.leads)} lead times to {hours_text(made.leads[-1:])}"
    print(f"wrote {out}: {len(times)} forecasts, {lead}")


def _estimate(
    models: list[Path], hours: float | None, every: str | None, leads: list[str] | None, times: int
) -> None:
    """Tell what a forecast takes, from the model file's header."""
    from rich.console import Console

    from sciml.errors import InputError
    from weather.forecasting.estimate import advice, estimate_forecast, show_estimate
    from weather.forecasting.forecaster_config import ForecasterConfig
    from weather.forecasting.planner import plan
    from weather.models.steps import in_seconds

    if len(models) > 1:
        raise InputError(f"an estimate is made for one model; {len(models)} were given")
    config = ForecasterConfig.read(models[0])
    steps = in_seconds(config.step_hours)
    made = plan(steps, lead_times(hours, every, leads, min(steps)))
    estimate = estimate_forecast(config, made.calls, len(made.leads), times)
    show_estimate(estimate, Console(), advice(times))


def _times(texts: list[str] | None, dataset: "xr.Dataset") -> "list[np.datetime64]":
    """Initial times as given, or the last of a data set."""
    from sciml.errors import InputError

    if "time" not in dataset.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    if not texts:
        return [dataset["time"].values[-1]]
    return [datetime_of(text) for text in texts]

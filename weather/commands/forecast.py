"""The command `weather forecast`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from weather.commands.times import datetime_of

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


def forecast(
    model: Path,
    /,
    *,
    from_: Annotated[list[Path] | None, Parameter(name="--from", negative="")] = None,
    time: Annotated[list[str] | None, Parameter(negative="")] = None,
    out: Path | None = None,
    hours: float = 240,
    estimate: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Forecast from an analysis with a trained model.

    Parameters
    ----------
    model:
        A model.safetensors of a training run.
    from_:
        NetCDF files that hold the analysis.
    time:
        Initial time in UTC, such as 2001-01-01T00; may be given several times. Default:
        the last analysis.
    out:
        NetCDF file to write.
    hours:
        How far to forecast.
    estimate:
        Only tell how much memory, time and disk it would take; --from and --out are not
        needed.
    """
    from sciml.cli import progress
    from sciml.errors import InputError
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.forecast_file import batches, write_forecast
    from weather.forecasting.forecaster import Forecaster

    if estimate:
        return _estimate(model, hours, len(time or [""]))
    if from_ is None or out is None:
        raise InputError("a forecast needs --from ANALYSES and --out FILE (or --estimate)")
    forecaster = Forecaster.load(model)
    steps = forecaster.steps(hours)
    dataset = open_reanalysis(from_)
    times = _times(time, dataset)
    with progress() as bar:
        task = bar.add_task("forecasting, steps", total=steps * batches(len(times)))
        write_forecast(forecaster, dataset, times, steps, out, lambda: bar.advance(task))
    print(f"wrote {out}: {len(times)} forecasts of {hours:g} h, every {hours / steps:g} h")


def _estimate(model: Path, hours: float, times: int) -> None:
    """Tell what a forecast takes, from the model file's header."""
    from rich.console import Console

    from weather.forecasting.estimate import advice, estimate_forecast, show_estimate
    from weather.forecasting.forecaster import ForecasterConfig
    from weather.models.steps import in_seconds

    config = ForecasterConfig.read(model)
    calls = math.ceil(hours * 3600 / in_seconds(config.step_hours)[0])
    estimate = estimate_forecast(config, calls, times=times)
    show_estimate(estimate, Console(), advice(times))


def _times(texts: list[str] | None, dataset: "xr.Dataset") -> "list[np.datetime64]":
    """Initial times as given, or the last of a data set."""
    from sciml.errors import InputError

    if "time" not in dataset.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    if not texts:
        return [dataset["time"].values[-1]]
    return [datetime_of(text) for text in texts]

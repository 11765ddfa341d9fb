"""The command `weather forecast`."""

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
    from_: Annotated[list[str], Parameter(name="--from", negative="")],
    time: Annotated[list[str] | None, Parameter(negative="")] = None,
    out: Path,
    hours: float = 240,
) -> None:
    """Forecast from an analysis with a trained model.

    Parameters
    ----------
    model:
        A model.safetensors of a training run.
    from_:
        The analysis: NetCDF, GRIB or Zarr, as files, globs, URLs or a short name such as
        arco-era5.
    time:
        Initial time in UTC, such as 2001-01-01T00; may be given several times. Default:
        the last analysis.
    out:
        NetCDF file to write.
    hours:
        How far to forecast.
    """
    from sciml.cli import progress
    from weather.files.reanalysis import open_reanalysis
    from weather.forecasting.forecast_file import batches, write_forecast
    from weather.forecasting.forecaster import Forecaster

    forecaster = Forecaster.load(model)
    steps = forecaster.steps(hours)
    dataset = open_reanalysis(from_)
    times = _times(time, dataset)
    with progress() as bar:
        task = bar.add_task("forecasting, steps", total=steps * batches(len(times)))
        write_forecast(forecaster, dataset, times, steps, out, lambda: bar.advance(task))
    print(f"wrote {out}: {len(times)} forecasts of {hours:g} h, every {hours / steps:g} h")


def _times(texts: list[str] | None, dataset: "xr.Dataset") -> "list[np.datetime64]":
    """Initial times as given, or the last of a data set."""
    from sciml.errors import InputError

    if "time" not in dataset.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    if not texts:
        return [dataset["time"].values[-1]]
    return [datetime_of(text) for text in texts]

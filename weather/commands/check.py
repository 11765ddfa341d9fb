"""The command `weather check`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def check(
    data: list[str],
    /,
    *,
    model: Path | None = None,
    every: Annotated[bool, Parameter(name="--all")] = False,
    json: Path | None = None,
) -> None:
    """Check analyses: units by value, levels, times, NaN, outliers.

    The exit status is 2 if the data cannot be used.

    Args:
        data: Analyses of one series: NetCDF, GRIB or Zarr, as files, globs, URLs or a short name
            such as arco-era5.
        model: A model.safetensors that is to forecast from them: also look for its variables,
            levels and grid, and compare with its training data.
        every: Look at every time; default up to 256 MiB of fields, of times spread evenly.
        json: Also write the findings to this file.
    """
    from rich.console import Console

    from weather.checking.preflight import inspect
    from weather.checking.report import show_report, write_report
    from weather.files.reanalysis import open_reanalysis

    dataset = open_reanalysis(data)
    times = dataset["time"].values if every and "time" in dataset.dims else None
    if model is None:
        report = inspect(dataset, times=times)
    else:
        from weather.forecasting.forecaster import Forecaster

        report = Forecaster.load(model, "cpu").inspect(dataset, times)
    if json is not None:
        write_report(report, json)
    show_report(report, Console())
    report.require_usable()

"""The command `weather evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def evaluate(
    forecasts: Annotated[list[Path], Parameter(negative="")],
    *,
    truth: Annotated[list[str], Parameter(negative="")],
    out: Path,
    climatology_from: Annotated[list[str] | None, Parameter(negative="")] = None,
    climatology_period: str | None = None,
    climatology: Literal["seasonal", "mean"] | None = None,
    linear: bool = False,
) -> None:
    """Score forecasts beside persistence, damped persistence and climatology.

    Parameters
    ----------
    forecasts:
        Files of one model.
    truth:
        Analyses that hold the initial and the valid times: NetCDF, GRIB or Zarr, as
        files, globs, URLs or a short name such as arco-era5.
    out:
        Folder for scores.csv and scores.png.
    climatology_from:
        Analyses to fit the baselines on. Default: those of the truth.
    climatology_period:
        First and last day to fit on: 2000-01-01/2007-12-31. Default: all before the
        first forecast.
    climatology:
        Mean with the cycle of the year, or without. Default: seasonal from three
        years on.
    linear:
        Also fit and score a linear model (ridge regression on principal components)
        at 24 h.
    """
    from rich.console import Console

    from sciml.cli import progress
    from weather.files.forecasts import ensemble_mean, open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.verification.cases import channels
    from weather.verification.evaluation import evaluate, training_period
    from weather.verification.scorecard import console_table, write_scores

    opened, analyses = open_forecast(forecasts), open_reanalysis(truth)
    forecast = ensemble_mean(opened)
    past = open_reanalysis(climatology_from) if climatology_from else analyses
    training = training_period(past, forecast, climatology_period)
    with progress() as bar:
        task = bar.add_task("scoring, fields", total=len(channels(forecast, analyses, training)))
        scores = evaluate(
            forecast, analyses, training, climatology, linear, lambda: bar.advance(task)
        )
    write_scores(scores, out)
    console = Console()
    if "member" in opened.dims:
        console.print(f"the mean of {opened.sizes['member']} members was scored")
    console.print(console_table(scores))
    if width := scores.attrs["boundary_width"]:
        console.print(f"scored inside the frame of boundary data, {width} cells at each edge")
    if scores["missing"].any():
        console.print(f"missing truth: {scores.attrs['missing']}", soft_wrap=True)
    if scores.attrs["seen"]:
        console.print(f"[red]not a test:[/] {scores.attrs['seen']}", soft_wrap=True)
    console.print(f"wrote {out / 'scores.csv'} and {out / 'scores.png'}", soft_wrap=True)

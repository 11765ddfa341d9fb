"""The command `weather evaluate`."""

from pathlib import Path
from typing import Annotated, Literal

from sciml.cli import SEVERAL


def evaluate(
    forecasts: list[Path],
    *,
    truth: Annotated[list[str], SEVERAL],
    out: Path,
    against: Annotated[list[str] | None, SEVERAL] = None,
    climatology_from: Annotated[list[str] | None, SEVERAL] = None,
    climatology_period: str | None = None,
    climatology: Literal["daily", "seasonal", "mean"] | None = None,
    linear: bool = False,
    threshold: Annotated[list[str] | None, SEVERAL] = None,
    region: Annotated[list[str] | None, SEVERAL] = None,
    seasons: bool = False,
    allow_leakage: bool = False,
    memory: float = 1.0,
) -> None:
    """Score forecasts beside simple ones and other forecasts: a scorecard.

    Writes scorecard.html, scores.csv and differences.csv (also as Parquet), scores.nc
    and scores.png.

    Args:
        forecasts: Files of one model, with or without members.
        truth: Analyses that hold the initial and the valid times: NetCDF, GRIB or Zarr, as files,
            globs, URLs or a short name such as arco-era5. A file with a land-sea mask among them
            divides land from sea. Truth and climatology are checked as `weather check` does: units
            by value, impossible values.
        out: Folder for the files.
        against: Other forecasts to compare with: name=file, or a file, which is then named after
            itself. Several files of one name are one model's; globs are allowed.
        climatology_from: Analyses to fit the baselines on. Default: those of the truth.
        climatology_period: First and last day or year to fit on, both included:
            2000-01-01/2007-12-31, or 2000/2007. Default: all days before the first forecast.
        climatology: By hour and day of the year, by two harmonics of the year, or a mean. Default:
            daily from ten years on, seasonal from three, else the mean. Seasons that are not in the
            period have no climatology, but for the mean; forecasts are scored without.
        linear: Also fit and score a linear model (ridge regression on principal components) at 24
            h.
        threshold: Events for Brier scores and reliability: 'msl < 980 hPa', without a unit in SI
            ('msl<98000'), or by a quantile of the climatology, 't850>q0.9'.
        region: Regions of WeatherBench 2 such as europe or tropics, land, sea, or all. Default:
            tropics, both extra-tropics, land and sea.
        seasons: Also score by season of the valid time.
        allow_leakage: Score dates that the model, its statistics or the climatology have seen;
            every output says so.
        memory: GiB of fields to hold at once, about.
    """
    from rich.console import Console

    from sciml.cli import counted, note
    from sciml.files import require_writable
    from weather.files.forecasts import open_forecast
    from weather.files.reanalysis import open_reanalysis
    from weather.verification import output
    from weather.verification.checked import checked, of_equal_hours
    from weather.verification.evaluation import Options, evaluate
    from weather.verification.sample import check_truth, named_files, training_period
    from weather.verification.scorecard import console_table
    from weather.verification.totals import increments

    require_writable(out, folder=True)
    forecast, analyses = open_forecast(forecasts), open_reanalysis(truth)
    check_truth(forecast, analyses)
    others = {name: open_forecast(files) for name, files in named_files(against or []).items()}
    forecast = increments("forecast", forecast, note)
    others = {name: increments(name, other, note) for name, other in others.items()}
    others = {name: of_equal_hours(name, f, forecast, note) for name, f in others.items()}
    past = open_reanalysis(climatology_from) if climatology_from else analyses
    training = training_period(past, forecast, climatology_period)
    scored = slice(forecast["time"].min(), forecast["valid_time"].max())
    analyses = checked("truth", analyses, forecast, note, scored)
    training = checked("climatology", training, forecast, note)
    options = Options(
        climatology=climatology,
        linear=linear,
        regions=region,
        thresholds=threshold or [],
        seasons=seasons,
        allow_leakage=allow_leakage,
        memory=memory,
    )
    with counted("scoring, fields") as on_field:
        result = evaluate(forecast, analyses, training, options, others, on_field)
    output.write(result, out)
    console = Console()
    console.print(console_table(result.scores))
    for label, text in result.facts.items():
        colour = "red" if label == "leakage" and result.leakage.findings else "default"
        console.print(f"{label}: [{colour}]{text}[/]", soft_wrap=True, highlight=False)
    console.print(f"wrote {', '.join(output.FILES)} in {out}", soft_wrap=True, highlight=False)

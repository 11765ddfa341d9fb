"""The command `weather`: simulate, train, forecast, evaluate, plot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from sciml.cli import Overrides, run

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

app = App(
    name="weather",
    help="Learned weather forecasts: train on analyses, forecast, evaluate and plot.",
)


@app.command
def simulate(
    *,
    out: Path,
    days: int = 400,
    spinup: int = 200,
    truncation: Literal[21, 31, 42] = 21,
    every: str = "6h",
    seed: int = 0,
    orography: Literal["earthlike", "random", "flat"] = "earthlike",
) -> None:
    """Simulate a dry atmosphere (Held-Suarez forcing) to train and test on.

    Needs the extra: pip install 'sciml-foundation[simulate]'.

    Parameters
    ----------
    out:
        NetCDF file to write: z, t, u, v on 13 levels, sp, msl.
    days:
        Length of the output.
    spinup:
        Days before the first output.
    truncation:
        Spectral resolution: grids of 64 x 32, 96 x 48 or 128 x 64 cells.
    every:
        Interval between outputs, such as 6h.
    seed:
        Of the first state, and of random mountains.
    orography:
        Analytic mountains.
    """
    from sciml.cli import progress
    from weather.simulate import Simulation, simulate

    simulation = Simulation(days, spinup, truncation, _hours(every), seed, orography)
    with progress() as bar:
        task = bar.add_task(f"simulating T{truncation}, days", total=days + spinup)
        simulate(simulation, out, lambda done: bar.advance(task, done))
    print(f"wrote {out}: {days} days, one state every {simulation.every} h")


@app.command
def train(
    data: list[Path],
    /,
    *,
    run: Path,
    config: str = "small",
    resume: Annotated[bool, Parameter(negative="")] = False,
    set_: Overrides = None,
) -> None:
    """Train a model on analyses.

    Parameters
    ----------
    data:
        NetCDF files of analyses: a time series, and static fields if there are any.
    run:
        Folder for the model (model.safetensors), logs and checkpoints.
    config:
        A shipped configuration (small, small_graph, pangu, graphcast, ...) or a YAML file.
    resume:
        Continue a run that was stopped.
    """
    from rich.console import Console

    from sciml.config import load_config, named_config
    from weather.experiment import ExperimentConfig, train
    from weather.report import show_training

    experiment = load_config(ExperimentConfig, named_config("weather", config), set_ or ())
    sources = experiment.data.model_copy(update={"paths": (*data, *experiment.data.paths)})
    trained = train(experiment.model_copy(update={"data": sources}), run, resume)
    show_training(trained, run, Console())


@app.command
def forecast(
    model: Path,
    /,
    *,
    from_: Annotated[list[Path], Parameter(name="--from", negative="")],
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
        NetCDF files that hold the analysis.
    time:
        Initial time in UTC, such as 2001-01-01T00; may be given several times. Default:
        the last analysis.
    out:
        NetCDF file to write.
    hours:
        How far to forecast.
    """
    from sciml.cli import progress
    from weather.forecast_file import batches, write_forecast
    from weather.forecaster import Forecaster
    from weather.reanalysis import open_reanalysis

    forecaster = Forecaster.load(model)
    steps = forecaster.steps(hours)
    dataset = open_reanalysis(from_)
    times = _times(time, dataset)
    with progress() as bar:
        task = bar.add_task("forecasting, steps", total=steps * batches(len(times)))
        write_forecast(forecaster, dataset, times, steps, out, lambda: bar.advance(task))
    print(f"wrote {out}: {len(times)} forecasts of {hours:g} h, every {hours / steps:g} h")


@app.command
def evaluate(
    forecasts: Annotated[list[Path], Parameter(negative="")],
    *,
    truth: Annotated[list[Path], Parameter(negative="")],
    out: Path,
    climatology_from: Annotated[list[Path] | None, Parameter(negative="")] = None,
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
        NetCDF files of analyses that hold the initial and the valid times.
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
    from weather.cases import channels
    from weather.evaluation import evaluate, training_period
    from weather.forecasts import open_forecast
    from weather.reanalysis import open_reanalysis
    from weather.scorecard import console_table, write_scores

    forecast, analyses = open_forecast(forecasts), open_reanalysis(truth)
    past = open_reanalysis(climatology_from) if climatology_from else analyses
    training = training_period(past, forecast, climatology_period)
    with progress() as bar:
        task = bar.add_task("scoring, fields", total=len(channels(forecast, analyses, training)))
        scores = evaluate(
            forecast, analyses, training, climatology, linear, lambda: bar.advance(task)
        )
    write_scores(scores, out)
    console = Console()
    console.print(console_table(scores))
    if scores["missing"].any():
        console.print(f"missing truth: {scores.attrs['missing']}", soft_wrap=True)
    if scores.attrs["seen"]:
        console.print(f"[red]not a test:[/] {scores.attrs['seen']}", soft_wrap=True)
    console.print(f"wrote {out / 'scores.csv'} and {out / 'scores.png'}", soft_wrap=True)


@app.command
def demo(*, out: Path = Path("demo")) -> None:
    """Simulate an atmosphere, train on it, forecast, evaluate and plot: about ten minutes.

    Needs the extra: pip install 'sciml-foundation[simulate]'.

    Parameters
    ----------
    out:
        Folder for everything that is made.
    """
    from weather.demo import demo as run_demo

    print(run_demo(out))


@app.command
def plot(
    forecast: Path,
    *,
    out: Path,
    time: str | None = None,
    lead: str | None = None,
    product: str | None = None,
    truth: Annotated[list[Path] | None, Parameter(negative="")] = None,
    static: Path | None = None,
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

    from weather.forecasts import open_forecast
    from weather.plots import draw_map, save_map, select_analysis, select_forecast
    from weather.reanalysis import open_reanalysis

    hours = None if lead is None else np.timedelta64(_hours(lead), "h")
    start = None if time is None else _datetime(time)
    one = select_forecast(open_forecast(forecast), start, hours)
    analyses = open_reanalysis(truth) if truth else None
    analysis = None if analyses is None else select_analysis(analyses, one)
    background = open_reanalysis(static) if static else analyses
    save_map(draw_map(one, product, analysis, background), out)
    print(f"wrote {out}")


def _hours(duration: str) -> int:
    """Whole hours of `6h`, `6` or `1d`."""
    from sciml.errors import InputError

    number, unit = duration.rstrip("hd"), duration.lstrip("0123456789")
    if not number.isdecimal() or unit not in ("", "h", "d"):
        raise InputError(f"{duration!r} is not a duration; expected whole hours or days: 6h, 2d")
    return int(number) * (24 if unit == "d" else 1)


def _times(texts: list[str] | None, dataset: "xr.Dataset") -> "list[np.datetime64]":
    """Initial times as given, or the last of a data set."""
    from sciml.errors import InputError

    if "time" not in dataset.dims:
        raise InputError("the data states no time; a forecast needs to know when it starts")
    if not texts:
        return [dataset["time"].values[-1]]
    return [_datetime(text) for text in texts]


def _datetime(text: str) -> "np.datetime64":
    import numpy as np

    from sciml.errors import InputError

    try:
        return np.datetime64(text.removesuffix("Z"), "ns")
    except ValueError:
        raise InputError(f"cannot read the time {text!r}; give it as 2001-01-01T00") from None


def main() -> None:
    """Run the command."""
    run(app)


if __name__ == "__main__":
    main()

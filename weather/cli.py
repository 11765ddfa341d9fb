"""The command `weather`: simulate, train, forecast, evaluate, plot."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from sciml.cli import Overrides, run

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
    *,
    run: Path,
    config: str = "small",
    resume: bool = False,
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


@app.command
def forecast(
    model: Path,
    *,
    from_: Annotated[list[Path], Parameter(name="--from")],
    time: list[str],
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
        Initial time, such as 2001-01-01T00; may be given several times.
    out:
        NetCDF file to write.
    hours:
        How far to forecast.
    """


def _hours(duration: str) -> int:
    """Whole hours of `6h`, `6` or `1d`."""
    from sciml.errors import InputError

    number, unit = duration.rstrip("hd"), duration.lstrip("0123456789")
    if not number.isdecimal() or unit not in ("", "h", "d"):
        raise InputError(f"{duration!r} is not a duration; expected whole hours or days: 6h, 2d")
    return int(number) * (24 if unit == "d" else 1)


def main() -> None:
    """Run the command."""
    run(app)


if __name__ == "__main__":
    main()

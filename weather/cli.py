"""The command `weather`: simulate, train, forecast, evaluate, plot."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sciml.cli import Overrides, run

app = App(
    name="weather",
    help="Learned weather forecasts: train on analyses, forecast, evaluate and plot.",
)


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


def main() -> None:
    """Run the command."""
    run(app)


if __name__ == "__main__":
    main()

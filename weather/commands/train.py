"""The command `weather train`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sciml.cli import Overrides


def train(
    data: list[str],
    /,
    *,
    run: Path | None = None,
    config: str = "small",
    resume: Annotated[bool, Parameter(negative="")] = False,
    estimate: Annotated[bool, Parameter(negative="")] = False,
    set_: Overrides = None,
) -> None:
    """Train a model on analyses.

    Parameters
    ----------
    data:
        Analyses, a time series, and static fields if there are any: NetCDF, GRIB or
        Zarr, as files, globs, URLs or a short name such as arco-era5.
    run:
        Folder for the model (model.safetensors), logs and checkpoints.
    config:
        A shipped configuration (small, small_graph, pangu, graphcast, ...) or a YAML file.
    resume:
        Continue a run that was stopped.
    estimate:
        Only tell how much memory, time and disk it would take; --run is not needed.
    """
    from rich.console import Console

    from sciml.cli import note
    from sciml.config import load_config, named_config
    from sciml.errors import InputError
    from weather.forecasting.estimate import show_estimate
    from weather.training.estimate import advice, estimate_training
    from weather.training.experiment import ExperimentConfig, train
    from weather.training.report import show_training

    experiment = load_config(ExperimentConfig, named_config("weather", config), set_ or ())
    sources = experiment.data.model_copy(update={"paths": (*data, *experiment.data.paths)})
    experiment = experiment.model_copy(update={"data": sources})
    if estimate:
        return show_estimate(estimate_training(experiment), Console(), advice(experiment))
    if run is None:
        raise InputError("a training needs --run FOLDER (or --estimate)")
    trained = train(experiment, run, resume, note)
    show_training(trained, run, Console())

"""The command `weather train`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sciml.cli import Overrides


def train(
    data: list[str],
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
        Analyses, a time series, and static fields if there are any: NetCDF, GRIB or
        Zarr, as files, globs, URLs or a short name such as arco-era5.
    run:
        Folder for the model (model.safetensors), logs and checkpoints.
    config:
        A shipped configuration (small, small_graph, pangu, graphcast, ...) or a YAML file.
    resume:
        Continue a run that was stopped.
    """
    from rich.console import Console

    from sciml.config import load_config, named_config
    from weather.training.experiment import ExperimentConfig, train
    from weather.training.report import show_training

    experiment = load_config(ExperimentConfig, named_config("weather", config), set_ or ())
    sources = experiment.data.model_copy(update={"paths": (*data, *experiment.data.paths)})
    trained = train(experiment.model_copy(update={"data": sources}), run, resume)
    show_training(trained, run, Console())

"""The command `weather pretrain`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sciml.cli import Overrides


def pretrain(
    data: list[str],
    /,
    *,
    config: str = "pretrain",
    run: Path = Path("runs/pretrain"),
    resume: Annotated[bool, Parameter(negative="")] = False,
    set_: Overrides = None,
) -> None:
    """Pre-train a model on fields whose order in time is not used, to start `train` from.

    Parameters
    ----------
    data:
        Analyses, and static fields if there are any: NetCDF, GRIB or Zarr, as files, globs,
        URLs or a short name such as arco-era5.
    config:
        A shipped configuration (pretrain) or a YAML file.
    run:
        Folder for the model; new or empty.
    resume:
        Continue a run that was stopped.
    """
    from rich.console import Console

    from sciml.cli import note
    from sciml.config import load_config, named_config
    from weather.training.pretraining import PretrainConfig
    from weather.training.pretraining import pretrain as pretrain_model
    from weather.training.report import show_pretraining

    experiment = load_config(PretrainConfig, named_config("weather", config), set_ or ())
    sources = experiment.data.model_copy(update={"paths": (*data, *experiment.data.paths)})
    experiment = experiment.model_copy(update={"data": sources})
    show_pretraining(pretrain_model(experiment, run, resume, note), run, Console())

"""The command `weather pretrain`."""

from pathlib import Path

from sciml.cli import Overrides
from weather.commands.begun import settings_file, with_sources


def pretrain(
    data: list[str] | None = None,
    /,
    *,
    config: str | None = None,
    run: Path = Path("runs/pretrain"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Pre-train a model on fields whose order in time is not used, to start `train` from.

    Args:
        data: Analyses, and static fields if there are any: NetCDF, GRIB or Zarr, as files, globs,
            URLs or a short name such as arco-era5. Default: those that the configuration or the run
            to resume names.
        config: A shipped configuration or a YAML file. Default: pretrain; of a run to resume, that
            it was begun with.
        run: Folder for the model; new or empty.
        resume: Continue a run that was stopped, with the same data, wherever they are now.
    """
    from rich.console import Console

    from sciml.cli import note
    from sciml.config import load_config
    from sciml.run_folder import resumable
    from weather.training.pretraining import PretrainConfig
    from weather.training.pretraining import pretrain as pretrain_model
    from weather.training.report import show_pretraining

    source = settings_file(config, "pretrain", run, resume)
    experiment = load_config(PretrainConfig, source, set_ or ())
    sources = with_sources(experiment.data, data, source, run)
    experiment = experiment.model_copy(update={"data": sources})
    with resumable(run, resume):
        pretrained = pretrain_model(experiment, run, resume, note)
    show_pretraining(pretrained, run, Console())

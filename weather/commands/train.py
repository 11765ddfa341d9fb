"""The command `weather train`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sciml.cli import Overrides
from weather.commands.begun import settings_file, with_sources


def train(
    data: list[str] | None = None,
    /,
    *,
    run: Path | None = None,
    config: str | None = None,
    resume: bool = False,
    estimate: bool = False,
    set_: Overrides = None,
) -> None:
    """Train a model on analyses.

    Args:
        data: Analyses, a time series, and static fields if there are any: NetCDF, GRIB or Zarr, as
            files, globs, URLs or a short name such as arco-era5. Default: those that the
            configuration or the run to resume names.
        run: Folder for the model (model.safetensors), logs and checkpoints.
        config: A shipped configuration (small, small_graph, pangu, graphcast, downscaling, ...) or
            a YAML file. Default: small; of a run to resume, that it was begun with.
        resume: Continue a run that was stopped, with the same data, wherever they are now.
        estimate: Only tell how much memory, time and disk it would take; --run is not needed.
    """
    from rich.console import Console

    from sciml.cli import note
    from sciml.config import parse_config, read_settings
    from sciml.errors import InputError
    from sciml.run_folder import resumable
    from weather.forecasting.estimate import show_estimate
    from weather.training.estimate import advice, estimate_training
    from weather.training.experiment import ExperimentConfig, train
    from weather.training.report import show_training

    source = settings_file(config, "small", run, resume)
    settings = read_settings(source, set_ or ())
    if _kind(settings) == "downscaling":
        return _train_downscaler(settings, set_ or (), source, data, run, resume, estimate)
    experiment = parse_config(ExperimentConfig, settings, str(source), set_ or ())
    sources = with_sources(experiment.data, data, source, run)
    experiment = experiment.model_copy(update={"data": sources})
    if estimate:
        less = advice(experiment.training, experiment.model, experiment.objective.longest)
        return show_estimate(estimate_training(experiment), Console(), less)
    if run is None:
        raise InputError("a training needs --run FOLDER (or --estimate)")
    with resumable(run, resume):
        trained = train(experiment, run, resume, note)
    show_training(trained, run, Console())


def _kind(settings: dict[str, Any]) -> object:
    """What is trained, as `objective.kind` says."""
    objective = settings.get("objective")
    return objective.get("kind") if isinstance(objective, dict) else None


def _train_downscaler(
    settings: dict[str, Any],
    overrides: Sequence[str],
    source: Path,
    data: list[str] | None,
    run: Path | None,
    resume: bool,
    estimate: bool,
) -> None:
    from rich.console import Console

    from sciml.cli import note
    from sciml.config import parse_config
    from sciml.errors import InputError
    from sciml.run_folder import resumable
    from weather.downscaling.estimate import estimate_downscaling_training
    from weather.downscaling.experiment import DownscalingConfig, train_downscaler
    from weather.downscaling.report import show_downscaling
    from weather.forecasting.estimate import show_estimate
    from weather.training.estimate import advice

    experiment = parse_config(DownscalingConfig, settings, str(source), overrides)
    sources = with_sources(experiment.data, data, source, run)
    experiment = experiment.model_copy(update={"data": sources})
    if estimate:
        less = advice(experiment.training, experiment.model)
        return show_estimate(estimate_downscaling_training(experiment), Console(), less)
    if run is None:
        raise InputError("a training needs --run FOLDER (or --estimate)")
    with resumable(run, resume):
        trained = train_downscaler(experiment, run, resume, note)
    show_downscaling(trained, run, Console())

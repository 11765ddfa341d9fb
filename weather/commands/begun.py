"""The settings of a training: of a configuration, or of the run that is to go on."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weather.training.data import DataConfig


def settings_file(config: str | None, default: str, run: Path | None, resume: bool) -> Path:
    """The YAML file of a training's settings.

    Args:
        config: shipped configuration or YAML file, if one was given.
        default: shipped configuration of a new run.
        run: folder.
        resume: whether the run in it goes on: then, without `config`, as it was begun.

    Raises:
        InputError: no such configuration, or no run to go on with.
    """
    from sciml.config import named_config
    from sciml.errors import InputError
    from sciml.run_folder import CONFIG, claim_run

    if config is not None or not resume:
        return named_config("weather", config or default)
    if run is None:
        raise InputError("--resume needs the folder of the run: --run FOLDER")
    claim_run(run, resume)
    if not (run / CONFIG).exists():
        raise InputError(f"{run} is no folder of a run: it has no {CONFIG}")
    return run / CONFIG


def with_sources(
    data: "DataConfig", given: list[str] | None, settings: Path, run: Path | None
) -> "DataConfig":
    """The data section with what the command line names.

    Of a run that goes on as it was begun, this takes the place of what its folder names;
    otherwise it comes before what the configuration names.

    Raises:
        InputError: a run goes on with data that are not where they were.
    """
    from sciml.errors import InputError
    from weather.files.sources import expand

    begun = run is not None and settings.parent == run
    if not begun:
        return data.model_copy(update={"paths": (*(given or ()), *data.paths)})
    if given:
        return data.model_copy(update={"paths": (*given,)})
    try:
        expand(data.paths)
    except InputError as error:
        raise InputError(
            f"{error}: {run} was begun with it; name the data where they are now, before --resume"
        ) from None
    return data

"""The folder of a training: made once, and gone on with as it was begun."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from sciml.cli import note
from sciml.config import Config, dump_config
from sciml.epochs import EPOCHS, require_same_epochs
from sciml.errors import InputError
from sciml.files import write_text

CONFIG = "config.yaml"
TOLD = "it was said how to go on"  # what an interrupt carries then
# what torchrun, Lightning and Slurm tell a process of its place among all
_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
_LENGTHS = ("training.epochs", "training.max_steps")  # may grow, where epochs do not
_FREE = (  # how fast, and how long to wait, but not what is learned
    "training.accelerator",
    "training.checkpoint_minutes",
    "training.devices",
    "training.patience",
    "training.strategy",
    "training.workers",
    "data.cache",
    "data.memory",
    "data.split_file",  # the folds themselves are compared
)


def claim_run(run: Path, resume: bool) -> None:
    """Make the folder `run` for a new training run, or accept the one to resume.

    Raises:
        InputError: if `run` holds something already and `resume` is not set, or
            if there is nothing to resume.
    """
    if not is_first_process():
        return
    occupied = run.exists() and (not run.is_dir() or any(run.iterdir()))
    if occupied and not resume:
        raise InputError(
            f"{run} is not empty; add --resume to continue that run, or give another --run folder"
        )
    if resume and not occupied:
        raise InputError(f"nothing to resume in {run}; leave out --resume to start a new run")
    run.mkdir(parents=True, exist_ok=True)


@contextmanager
def resumable(run: Path, resume: bool) -> Iterator[None]:
    """Say on Ctrl-C how to go on, also between trainings and after them.

    Args:
        run: the folder.
        resume: whether its run goes on; without, one that is there already is another's.
    """
    of_another = not resume and (run / CONFIG).exists()
    try:
        yield
    except KeyboardInterrupt as stopped:
        begun = (run / CONFIG).exists() and not of_another
        if TOLD not in stopped.args and begun and is_first_process():
            note(f"stopped; --resume goes on with {run}")
        raise


def is_first_process() -> bool:
    """Whether this is the process of a run that writes its folder, of all on all machines."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def open_run(
    run: Path,
    config: Config,
    resume: bool,
    may_grow: bool = True,
    free: Collection[str] = (),
) -> None:
    """Claim the folder `run`, and write `run/config.yaml`.

    A run that goes on must learn the same of the same data, or its weights would come from
    both and its file would tell of one. It may go on elsewhere, and for longer: in more epochs,
    but not in longer ones (see `sciml.epochs`).

    Args:
        run: the folder.
        config: of the whole run.
        resume: whether it goes on.
        may_grow: whether it may go on for more epochs; parts of it that are done do not.
        free: further keys that may change, such as that of data which are compared themselves.

    Raises:
        InputError: as `claim_run`; or a run to resume was begun with another configuration, or
            with shorter or longer epochs.
    """
    claim_run(run, resume)
    if not is_first_process():
        return
    path = run / CONFIG
    if resume and path.exists():
        before = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, old, new in _changes(before, config):
            if key not in free:
                _require_allowed(run, key, old, new, may_grow)
        if may_grow:
            _require_same_epochs(run, config)
    write_text(path, dump_config(config))


def _changes(
    before: Mapping[str, Any], config: Config, prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Dotted key, old and new value of what differs; of a key that is new, nothing."""
    for name, value in config.model_dump(mode="json").items():
        own, old = getattr(config, name), before.get(name, value)
        if isinstance(own, Config) and isinstance(old, Mapping):
            yield from _changes(old, own, f"{prefix}{name}.")
        elif old != value:
            yield f"{prefix}{name}", old, value


def _require_allowed(run: Path, key: str, old: Any, new: Any, may_grow: bool) -> None:
    if key in _LENGTHS and may_grow:
        if _length(new) < _length(old):
            raise InputError(
                f"{run} was begun with {key} {_told(old)}, which sets the course of the learning "
                f"rate; expected no less, came {_told(new)}"
            )
    elif key not in _FREE:
        raise InputError(
            f"{run} was begun with {key} {_told(old)}, not {_told(new)}; resume it with that, or "
            "give another --run folder"
        )


def _require_same_epochs(run: Path, config: Config) -> None:
    """Of the training in the folder, and of those in folders in it."""
    training = getattr(config, "training", None)
    for noted in sorted([*run.glob(EPOCHS), *run.glob(f"*/{EPOCHS}")]):
        if training is not None:
            require_same_epochs(noted.parent, training)


def _length(value: int | None) -> float:
    return float("inf") if value is None else value


def _told(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()

"""How a training is cut into epochs; one that goes on keeps their length.

Lightning goes on by the numbers of an epoch and of a batch in it. With longer or shorter epochs
it would leave out some of the training, or all of it, without a word.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sciml.errors import InputError
from sciml.files import write_text

if TYPE_CHECKING:
    from sciml.training import TrainingConfig

EPOCHS = "epochs.json"


def epochs_and_batches(samples: int, config: "TrainingConfig") -> tuple[int, int]:
    """Number of epochs, and of batches in each.

    Each `accumulate` batches are a step, and so are fewer at the end of an epoch.
    """
    batches = max(1, samples // config.batch_size)
    if config.max_steps is None:
        return config.epochs, batches
    steps = -(-batches // config.accumulate)
    epochs = min(config.epochs, -(-config.max_steps // steps))
    return epochs, min(batches, config.max_steps // epochs * config.accumulate)


def note_epochs(run: Path, samples: int, config: "TrainingConfig") -> None:
    """Write `run/epochs.json`: the number of samples, and of batches in an epoch."""
    _, batches = epochs_and_batches(samples, config)
    write_text(run / EPOCHS, json.dumps({"samples": samples, "batches": batches}))


def require_same_epochs(run: Path, config: "TrainingConfig") -> None:
    """Check that the epochs of a run to resume are as long as they were; if that was noted.

    Raises:
        InputError: they are not.
    """
    path = run / EPOCHS
    if not path.exists():
        if config.max_steps is not None and config.accumulate > 1:  # cut otherwise then
            raise InputError(
                f"{run} was begun by an earlier version, which cut its epochs otherwise; give "
                "another --run folder"
            )
        return
    begun = json.loads(path.read_text(encoding="utf-8"))
    _, batches = epochs_and_batches(begun["samples"], config)
    if batches != begun["batches"]:
        raise InputError(
            f"{run} was begun with {begun['batches']:,} batches in an epoch; training.max_steps "
            f"{config.max_steps} and training.epochs {config.epochs} would make them {batches:,}: "
            "resume it with those of before, or give another --run folder and go on from its "
            "weights (transfer.checkpoint)"
        )

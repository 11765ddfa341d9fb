"""How a training is cut into epochs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sciml.training import TrainingConfig


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

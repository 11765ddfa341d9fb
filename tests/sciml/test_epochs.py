"""How a training is cut into epochs: as many steps as asked for, and never more."""

from itertools import product

import pytest

from sciml.epochs import epochs_and_batches
from sciml.training import TrainingConfig


@pytest.mark.parametrize("accumulate", [1, 2, 3, 7])
def test_steps_are_shared_out_among_epochs(accumulate: int) -> None:
    """Each epoch has a step less than it could only where the sum would be too large."""
    for samples, limit, most in product(range(1, 20), range(1, 40), (1, 3, 50)):
        settings = TrainingConfig(batch_size=1, max_steps=limit, accumulate=accumulate, epochs=most)
        epochs, batches = epochs_and_batches(samples, settings)
        steps = epochs * -(-batches // accumulate)
        assert steps <= limit
        assert 1 <= batches <= samples
        assert epochs <= most
        assert (epochs, batches) == (most, samples) or limit - steps < epochs

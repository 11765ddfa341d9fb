"""Means over an epoch: over samples, not over batches."""

import pytest
import torch

from sciml.epoch_means import EpochMeans


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_many_batches_in_low_precision(dtype: torch.dtype) -> None:
    """In bfloat16 a sum stands still from 256 ones on."""
    means = EpochMeans()
    for _ in range(1000):
        means.add({"loss": torch.ones((), dtype=dtype)}, samples=1)
    means.add({"loss": torch.tensor(3.0, dtype=dtype)}, samples=1000)
    assert means.take() == {"loss": 2.0}
    assert means.take() == {}

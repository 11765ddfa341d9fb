"""Normalization to mean zero and standard deviation one, and its statistics in one pass."""

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, nn


class RunningMoments:
    """Mean and standard deviation of a stream, in float64, without keeping it.

    Chunks are merged by Chan, Golub and LeVeque's formula (1983). NaN counts as
    unmeasured.

    Args:
        channels: number of separate channels.

    Attributes:
        count, mean: (channel,) so far.
        squares: (channel,) sum of squared deviations from the mean.
    """

    def __init__(self, channels: int) -> None:
        self.count = torch.zeros(channels, dtype=torch.float64)
        self.mean = torch.zeros(channels, dtype=torch.float64)
        self.squares = torch.zeros(channels, dtype=torch.float64)

    def update(self, values: Tensor) -> None:
        """Take in (..., channel)."""
        rows = values.reshape(-1, values.shape[-1]).to(torch.float64)
        measured = ~rows.isnan()
        count = measured.sum(0).to(torch.float64)
        mean = torch.where(measured, rows, 0.0).sum(0) / count.clamp(min=1)
        self.merge(count, mean, torch.where(measured, (rows - mean).square(), 0.0).sum(0))

    def merge(self, count: Tensor, mean: Tensor, squares: Tensor) -> None:
        """Take in the moments of another stream.

        Args:
            count, mean: (channel,) number of values and their mean.
            squares: (channel,) sum of squared deviations from that mean.
        """
        total = self.count + count
        delta = mean - self.mean
        share = count / total.clamp(min=1)
        self.squares += squares + delta.square() * self.count * share
        self.mean += delta * share
        self.count = total

    @property
    def std(self) -> Tensor:
        """Standard deviation (channel,), of the population; zero where nothing was measured."""
        return (self.squares / self.count.clamp(min=1)).sqrt()


class Normalizer(nn.Module):
    """(x - mean) / std and back, per channel of the last axis.

    A channel that never changes is only shifted (std 1). Mean and std are buffers, so
    they travel with the weights.

    Args:
        mean, std: (channel,) in the unit of x.
        persistent: whether they are saved with the weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor, persistent: bool = True) -> None:
        super().__init__()
        std = torch.where(std > 1e-12 * mean.abs().clamp(min=1e-30), std, torch.ones_like(std))
        self.register_buffer("mean", mean.to(torch.float32), persistent=persistent)
        self.register_buffer("std", std.to(torch.float32), persistent=persistent)

    @classmethod
    def fit(cls, chunks: Iterable[Tensor]) -> Self:
        """Statistics of all chunks (..., channel), NaN left out.

        Raises:
            ValueError: if there is no chunk.
        """
        moments: RunningMoments | None = None
        for chunk in chunks:
            moments = moments or RunningMoments(chunk.shape[-1])
            moments.update(chunk)
        if moments is None:
            raise ValueError("no data to take mean and standard deviation of")
        return cls(moments.mean, moments.std)

    def normalize(self, x: Tensor) -> Tensor:
        """Physical units to mean zero and standard deviation one, (..., channel)."""
        return (x - self.mean) / self.std

    def denormalize(self, x: Tensor) -> Tensor:
        """Undo `normalize`."""
        return x * self.std + self.mean

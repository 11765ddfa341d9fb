"""Biases of window attention on the Earth's grid."""

import math

import torch
from torch import Tensor, nn

from sciml.layers import truncated_normal_
from sciml.transformer_config import BlockShape


class EarthBias(nn.Module):
    """Earth-specific positional bias (Bi et al. 2023, Pangu-Weather, methods).

    A window's place in level and latitude has a table of its own, and within a window
    levels and latitudes count absolutely, longitudes relatively: for a window of
    (2, 6, 12) tokens (2 * 12 - 1) * 6² * 2² = 3312 entries per place and head. Windows at
    all longitudes share a table; it is broadcast to them, never copied.

    Args:
        shape: of the block; its last axis is longitude.
    """

    index: Tensor

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.places = math.prod(
            n for n, periodic in zip(shape.windows, shape.periodic, strict=True) if not periodic
        )
        self.heads = shape.heads
        *bounded, columns = _sizes(shape)
        offsets = [_pairs(size) for size in bounded] + [_differences(columns)]
        ranges = [size**2 for size in bounded] + [2 * columns - 1]
        self.register_buffer("index", _combine(offsets, ranges), persistent=False)
        self.table = nn.Parameter(torch.empty(math.prod(ranges), self.places, shape.heads))
        truncated_normal_(self.table)

    def forward(self, geometry: None = None) -> Tensor:
        """(1, window, head, token, token)."""
        tokens = self.index.shape[0]
        values = self.table.flatten(1).t().index_select(1, self.index.flatten())
        values = values.view(self.places, self.heads, tokens, tokens)
        return values.unsqueeze(0)


class RelativeBias(nn.Module):
    """A bias by the difference of positions, the same in all windows (Liu et al. 2021, Swin).

    Args:
        shape: of the block.
    """

    index: Tensor

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        sizes = _sizes(shape)
        ranges = [2 * size - 1 for size in sizes]
        index = _combine([_differences(size) for size in sizes], ranges)
        self.register_buffer("index", index, persistent=False)
        self.table = nn.Parameter(torch.empty(math.prod(ranges), shape.heads))
        truncated_normal_(self.table)

    def forward(self, geometry: None = None) -> Tensor:
        """(1, 1, head, token, token)."""
        tokens = self.index.shape[0]
        values = self.table.t().index_select(1, self.index.flatten())
        return values.view(1, 1, -1, tokens, tokens)


def _sizes(shape: BlockShape) -> list[int]:
    if any(size is None for size in shape.window):
        raise ValueError(f"window {shape.window} has a free axis; the Earth's grid has none")
    return [size for size in shape.window if size is not None]


def _pairs(size: int) -> Tensor:
    """(size, size) number of each ordered pair of positions."""
    return torch.arange(size)[:, None] + size * torch.arange(size)[None, :]


def _differences(size: int) -> Tensor:
    """(size, size) difference of two positions, from zero."""
    return torch.arange(size)[:, None] - torch.arange(size)[None, :] + size - 1


def _combine(offsets: list[Tensor], ranges: list[int]) -> Tensor:
    """(token, token) one number from those of each axis, the last axis running fastest."""
    index = torch.zeros(1, 1, dtype=torch.long)
    for offset, size in zip(offsets, ranges, strict=True):
        index = index[:, None, :, None] * size + offset[None, :, None, :]
        index = index.flatten(2, 3).flatten(0, 1)
    return index

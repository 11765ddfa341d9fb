"""Mixing of neighbouring tokens: a depthwise convolution over a grid with any axes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sciml.layers import truncated_normal_

_CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


class LocalMixing(nn.Module):
    """x + k * x: to each token a weighted sum of itself and its neighbours, channel by channel.

    Beyond the ends of a bounded axis lie zeros; a periodic one goes on at its other end.

    Args:
        dim: channels.
        size: tokens of the kernel along each axis, odd.
        periodic: whether each axis closes on itself; one to three axes.
    """

    def __init__(self, dim: int, size: int, periodic: tuple[bool, ...]) -> None:
        super().__init__()
        self.reach, self.periodic = size // 2, periodic
        self.weight = nn.Parameter(torch.empty(dim, 1, *[size] * len(periodic)))
        truncated_normal_(self.weight, size ** (-len(periodic) / 2))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, *axes, dim) -> the same."""
        fields = x.movedim(-1, 1)  # in memory channels stay last, which is fastest
        for axis, periodic in enumerate(self.periodic):
            if periodic:
                fields = _wrap(fields, 2 + axis, self.reach)
        padding = tuple(0 if periodic else self.reach for periodic in self.periodic)
        convolve = _CONVOLVE[len(self.periodic)]
        mixed = convolve(fields, self.weight, self.bias, padding=padding, groups=x.shape[-1])
        return x + mixed.movedim(1, -1)


def _wrap(x: Tensor, axis: int, reach: int) -> Tensor:
    size = x.shape[axis]
    return torch.cat([x.narrow(axis, size - reach, reach), x, x.narrow(axis, 0, reach)], axis)

"""Between the stages of a U: neighbouring tokens become one, and one becomes its neighbours."""

import math

import torch.nn.functional as F
from torch import Tensor, nn


class Merge(nn.Module):
    """Neighbouring tokens become one of twice the channels (Swin; Pangu-Weather's down-sampling).

    Axes are padded with zeros at the end up to a multiple of `factors`.
    """

    def __init__(self, dim: int, factors: tuple[int, ...]) -> None:
        super().__init__()
        self.factors = factors
        cells = math.prod(factors)
        self.norm = nn.LayerNorm(cells * dim)
        self.linear = nn.Linear(cells * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, *axes, dim) -> (batch, *ceil(axes / factors), 2 dim)."""
        amounts = [-n % f for n, f in zip(x.shape[1:-1], self.factors, strict=True)]
        x = F.pad(x, [0, 0] + [p for n in reversed(amounts) for p in (0, n)])
        pairs = [m for n, f in zip(x.shape[1:-1], self.factors, strict=True) for m in (n // f, f)]
        axes = len(self.factors)
        x = x.reshape(x.shape[0], *pairs, x.shape[-1])
        x = x.permute(0, *range(1, 2 * axes, 2), *range(2, 2 * axes + 1, 2), 2 * axes + 1)
        return self.linear(self.norm(x.flatten(axes + 1)))


class Split(nn.Module):
    """Undoes a `Merge`: one token becomes its neighbours of half the channels."""

    def __init__(self, dim: int, factors: tuple[int, ...]) -> None:
        super().__init__()
        self.factors, self.dim = factors, dim
        self.expand = nn.Linear(2 * dim, math.prod(factors) * dim, bias=False)
        self.norm = nn.LayerNorm(dim)
        self.linear = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        """(batch, *axes, 2 dim) -> (batch, *size, dim), cropped at the end."""
        axes = len(self.factors)
        coarse = x.shape[1:-1]
        x = self.expand(x).view(x.shape[0], *coarse, *self.factors, self.dim)
        order = [a for axis in range(axes) for a in (1 + axis, 1 + axes + axis)]
        x = x.permute(0, *order, 2 * axes + 1)
        x = x.reshape(
            x.shape[0], *(n * f for n, f in zip(coarse, self.factors, strict=True)), self.dim
        )
        x = x[(slice(None), *(slice(n) for n in size))]
        return self.linear(self.norm(x))

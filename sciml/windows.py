"""Cutting a grid of tokens into windows, and which tokens of a window may see each other.

A grid has any number of axes; each is either periodic (longitude) or bounded
(level, latitude, the atoms of a molecule). Windows along periodic axes are all alike,
so they are folded into the batch; windows along bounded axes stay apart, since their
bias and their mask depend on where they are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

MASKED = -1e4  # added to a logit; exp(MASKED) is exactly 0 in float64 and in bfloat16


@dataclass(frozen=True)
class Windows:
    """A partition of a grid of tokens into windows.

    Attributes:
        size: tokens of the grid along each axis, before padding.
        window: tokens of a window along each axis.
        periodic: whether each axis closes on itself.
        shift: tokens by which the partition is moved along each axis.
    """

    size: tuple[int, ...]
    window: tuple[int, ...]
    periodic: tuple[bool, ...]
    shift: tuple[int, ...]

    @property
    def count(self) -> tuple[int, ...]:
        """Number of windows along each axis; the last one of a bounded axis may be padded."""
        return tuple(math.ceil(n / w) for n, w in zip(self.size, self.window, strict=True))

    @property
    def padded(self) -> tuple[int, ...]:
        """Tokens along each axis after padding bounded axes at the end."""
        return tuple(n * w for n, w in zip(self.count, self.window, strict=True))

    @property
    def bounded(self) -> int:
        """Number of windows along the bounded axes together."""
        return math.prod(n for n, p in zip(self.count, self.periodic, strict=True) if not p)

    def split(self, x: Tensor) -> Tensor:
        """Cut into windows: (batch, *size, ...) -> (batch * periodic, bounded, token, ...)."""
        axes = len(self.size)
        x = _pad(x, self.size, self.padded)
        if any(self.shift):
            x = x.roll([-s for s in self.shift], dims=list(range(1, axes + 1)))
        rest = x.shape[axes + 1 :]
        pairs = [n for pair in zip(self.count, self.window, strict=True) for n in pair]
        x = x.reshape(x.shape[0], *pairs, *rest)
        x = x.permute(0, *self._order(), *range(2 * axes + 1, x.ndim))
        batch = x.shape[0] * math.prod(self.count) // self.bounded
        return x.reshape(batch, self.bounded, math.prod(self.window), *rest)

    def join(self, x: Tensor) -> Tensor:
        """Undo `split`: (batch * periodic, bounded, token, ...) -> (batch, *size, ...)."""
        axes = len(self.size)
        rest = x.shape[3:]
        order = self._order()
        pairs = [n for pair in zip(self.count, self.window, strict=True) for n in pair]
        batch = x.shape[0] * self.bounded // math.prod(self.count)
        x = x.reshape(batch, *(pairs[i - 1] for i in order), *rest)
        inverse = [order.index(i) + 1 for i in range(1, 2 * axes + 1)]
        x = x.permute(0, *inverse, *range(2 * axes + 1, x.ndim))
        x = x.reshape(batch, *self.padded, *rest)
        if any(self.shift):
            x = x.roll(list(self.shift), dims=list(range(1, axes + 1)))
        return x[(slice(None), *(slice(n) for n in self.size))]

    def mask(self) -> Tensor | None:
        """What keeps tokens apart that only the partition brought together.

        Two tokens of a window may see each other if both lie in the grid (not in the
        padding) and no bounded axis was wrapped between them by the shift.

        Returns:
            (bounded, token, token), 0 or MASKED, float32; None where all may see all.
        """
        needs_padding = any(
            n != m and not p for n, m, p in zip(self.size, self.padded, self.periodic, strict=True)
        )
        needs_shift = any(s and not p for s, p in zip(self.shift, self.periodic, strict=True))
        if not (needs_padding or needs_shift):
            return None
        region = torch.zeros(1, *(1 if p else m for m, p in self._padded_axes()), dtype=torch.long)
        for axis, (padded, periodic) in enumerate(self._padded_axes()):
            if periodic:
                continue
            label = torch.zeros(padded, dtype=torch.long)
            label[self.size[axis] :] = 2
            label = label.roll(-self.shift[axis])
            if self.shift[axis]:
                label[-self.shift[axis] :] += 1
            region = 4 * region + label.view(-1, *[1] * (len(self.size) - axis - 1))
        region = region.expand(
            1, *(w if p else m for (m, p), w in zip(self._padded_axes(), self.window, strict=True))
        )
        still = Windows(
            tuple(region.shape[1:]), self.window, self.periodic, tuple(0 for _ in self.size)
        )
        region = still.split(region)[0]  # (bounded, token)
        apart = region.unsqueeze(1) != region.unsqueeze(2)
        return torch.zeros(apart.shape).masked_fill_(apart, MASKED)

    def _padded_axes(self) -> list[tuple[int, bool]]:
        return list(zip(self.padded, self.periodic, strict=True))

    def _order(self) -> list[int]:
        """Axes of (batch, count_1, window_1, count_2, ...): periodic counts, bounded, windows."""
        counts = range(1, 2 * len(self.size) + 1, 2)
        periodic = [c for c, p in zip(counts, self.periodic, strict=True) if p]
        bounded = [c for c, p in zip(counts, self.periodic, strict=True) if not p]
        return periodic + bounded + [c + 1 for c in counts]


def _pad(x: Tensor, size: Sequence[int], padded: Sequence[int]) -> Tensor:
    """Zeros at the end of each axis after the first, up to `padded`."""
    if tuple(size) == tuple(padded):
        return x
    amounts = [m - n for n, m in zip(size, padded, strict=True)]
    trailing = x.ndim - 1 - len(amounts)
    return F.pad(x, [0, 0] * trailing + [p for n in reversed(amounts) for p in (0, n)])

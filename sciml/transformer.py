"""The first backbone: a shifted-window transformer on a grid of tokens with any axes.

On (level, lat, lon) with an Earth-specific bias it is Pangu-Weather's; on one axis of
atoms, which a single window spans, with a bias from pair distances it is Uni-Mol's.
It knows neither: the domain gives the axes, says which are periodic, and makes the bias.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sciml.block import Block
from sciml.errors import InputError
from sciml.resolution import Merge, Split
from sciml.transformer_config import BlockShape, WindowTransformerConfig
from sciml.windows import Windows

MakeBias = Callable[[BlockShape], nn.Module]


class WindowTransformer(nn.Module):
    """Shifted-window transformer that keeps the shape of its input.

    Args:
        config: see `WindowTransformerConfig`.
        axes: tokens along each axis; None for an axis whose length changes from batch
            to batch, which one window then spans.
        periodic: whether each axis closes on itself. Its windows wrap around, so that
            rolling the input by a window rolls the output.
        make_bias: makes a block's bias module. `bias(geometry)` returns a tensor that
            broadcasts to (batch, window, head, token, token), `window` running over
            the windows of the axes that are not periodic.
        condition: length of a vector that the whole model depends on, by adaptive layer
            norms (DiT); None for none.

    Raises:
        InputError: if a periodic axis is not a whole number of windows.
    """

    def __init__(
        self,
        config: WindowTransformerConfig,
        axes: tuple[int | None, ...],
        periodic: tuple[bool, ...],
        make_bias: MakeBias,
        condition: int | None = None,
    ) -> None:
        super().__init__()
        stages = len(config.depths)
        self.out_dim = config.dim if stages == 1 else 2 * config.dim
        sizes = [_merged_size(axes, config.merge, config.level(s), periodic) for s in range(stages)]
        rates = torch.linspace(0, config.drop_path, sum(config.depths), device="cpu").split(
            config.depths
        )
        self.stages = nn.ModuleList(
            _Stage(
                config, stage, sizes[stage], periodic, make_bias, rates[stage].tolist(), condition
            )
            for stage in range(stages)
        )
        half = stages // 2
        self.merges = nn.ModuleList(
            Merge(config.stage_dim(s), config.merge or ()) for s in range(half - 1 + stages % 2)
        )
        self.splits = nn.ModuleList(
            Split(config.stage_dim(s), config.merge or ()) for s in range(half + 1, stages)
        )

    def forward(
        self,
        x: Tensor,
        valid: Tensor | None = None,
        geometry: Any = None,
        condition: Tensor | None = None,
    ) -> Tensor:
        """Transform a grid of tokens.

        Args:
            x: (batch, *axes, dim).
            valid: (batch, *axes) bool; tokens that are False are seen by no other token.
            geometry: handed to every bias as it is.
            condition: (batch, condition), of a model that depends on one.

        Returns:
            (batch, *axes, out_dim): out_dim is dim, or for a U 2 dim, the first stage's
            output beside the last one's (Pangu-Weather's skip connection).
        """
        if len(self.stages) == 1:
            return self.stages[0](x, valid, geometry, condition)
        if valid is not None:
            raise ValueError("a mask of valid tokens needs a transformer of one stage")
        half = len(self.stages) // 2
        skips = []
        for stage in range(half):
            x = self.stages[stage](x, None, geometry, condition)
            if stage < half - 1:
                skips.append(x)
                x = self.merges[stage](x)
        for stage in range(half, len(self.stages)):
            if stage > half:
                skip = skips.pop()
                x = self.splits[stage - half - 1](x, skip.shape[1:-1])
                outermost = stage == len(self.stages) - 1
                x = x if outermost else x + skip
            x = self.stages[stage](x, None, geometry, condition)
        return torch.cat([skip, x], dim=-1)


class _Stage(nn.Module):
    """Blocks at one resolution; every second one cuts the grid half a window further on."""

    def __init__(
        self,
        config: WindowTransformerConfig,
        stage: int,
        size: tuple[int | None, ...],
        periodic: tuple[bool, ...],
        make_bias: MakeBias,
        rates: list[float],
        condition: int | None,
    ) -> None:
        super().__init__()
        self.size, self.window, self.periodic = size, config.window, periodic
        self.checkpoint = config.checkpoint
        dim, heads = config.stage_dim(stage), config.heads[stage]
        self.free = any(n is None for n in size)
        if self.free and config.window is not None:
            raise InputError("an axis of free length needs window: null, which spans it")
        if self.free and config.local is not None:
            raise InputError("an axis of free length has no neighbours; set local to null")
        plain = None if self.free else self._windows(size, shifted=False)  # type: ignore[arg-type]
        window = size if plain is None else plain.window
        count = tuple(1 for _ in size) if plain is None else plain.count
        self.blocks = nn.ModuleList(
            Block(
                config,
                dim,
                heads,
                make_bias(BlockShape(heads, window, count, periodic)),
                rate,
                periodic,
                condition,
            )
            for rate in rates
        )
        self.partitions = (
            None if plain is None else (plain, self._windows(size, shifted=config.shift))  # type: ignore[arg-type]
        )
        for number, partition in enumerate(self.partitions or ()):
            self.register_buffer(f"mask_{number}", partition.mask(), persistent=False)

    def forward(
        self, x: Tensor, valid: Tensor | None, geometry: Any, condition: Tensor | None
    ) -> Tensor:
        """(batch, *axes, dim) -> the same."""
        for index, block in enumerate(self.blocks):
            windows, mask = self._partition(index, x)
            if self.checkpoint and self.training:
                x = checkpoint(
                    block, x, windows, mask, valid, geometry, condition, use_reentrant=False
                )
            else:
                x = block(x, windows, mask, valid, geometry, condition)
        return x

    def _partition(self, index: int, x: Tensor) -> tuple[Windows, Tensor | None]:
        if self.partitions is None:
            size = tuple(x.shape[1:-1])
            return Windows(size, size, self.periodic, tuple(0 for _ in size)), None
        return self.partitions[index % 2], getattr(self, f"mask_{index % 2}")

    def _windows(self, size: tuple[int, ...], shifted: bool) -> Windows:
        window = size if self.window is None else self.window
        if len(window) != len(size):
            raise InputError(f"window {window} has {len(window)} axes; expected {len(size)}")
        window = tuple(min(w, n) for w, n in zip(window, size, strict=True))
        for n, w, closed in zip(size, window, self.periodic, strict=True):
            if closed and n % w:
                raise InputError(
                    f"a periodic axis of {n} tokens is not a whole number of windows of {w}; "
                    f"choose for it in backbone.window {_either(n)}"
                )
        shift = tuple(w // 2 if shifted and n > w else 0 for n, w in zip(size, window, strict=True))
        return Windows(size, window, self.periodic, shift)


def _either(size: int) -> str:
    """The windows that fit along an axis: `1, 2, 3 or 6`."""
    *most, last = (str(window) for window in range(1, size + 1) if size % window == 0)
    return f"{', '.join(most)} or {last}" if most else last


def _merged_size(
    axes: tuple[int | None, ...],
    merge: tuple[int, ...] | None,
    times: int,
    periodic: tuple[bool, ...],
) -> tuple[int | None, ...]:
    for _ in range(times):
        assert merge is not None
        if len(merge) != len(axes):
            raise InputError(f"merge {merge} has {len(merge)} axes; expected {len(axes)}")
        for n, f, closed in zip(axes, merge, periodic, strict=True):
            if closed and n is not None and n % f:
                raise InputError(
                    f"a periodic axis of {n} tokens does not merge by {f} without a seam; choose "
                    "another backbone.merge or patch for it"
                )
        pairs = zip(axes, merge, strict=True)
        axes = tuple(None if n is None else math.ceil(n / f) for n, f in pairs)
    return axes

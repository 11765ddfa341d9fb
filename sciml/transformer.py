"""The first backbone: a shifted-window transformer on a grid of tokens with any axes.

On (level, lat, lon) with an Earth-specific bias it is Pangu-Weather's; on one axis of
atoms, which a single window spans, with a bias from pair distances it is Uni-Mol's.
It knows neither: the domain gives the axes, says which are periodic, and makes the bias.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sciml.attention import WindowAttention
from sciml.config import Config
from sciml.errors import InputError
from sciml.layers import MLP, Activation, DropPath, Modulation
from sciml.local import LocalMixing
from sciml.resolution import Merge, Split
from sciml.windows import MASKED, Windows


class WindowTransformerConfig(Config):
    """Configuration of a `WindowTransformer`.

    Attributes:
        dim: channels of the outermost stages; doubled at each merge.
        depths: blocks per stage. One stage keeps its resolution; four, six, ... make
            a U: the first half merges tokens, the second half splits them again.
        heads: attention heads per stage.
        window: tokens of a window along each axis; None spans the whole axes.
        merge: tokens merged into one between stages, along each axis.
        local: tokens along each axis of a depthwise convolution at the front of each block,
            an odd number; None for none.
        activation: of each MLP; `bilinear` makes its hidden channels products.
        mlp_ratio: hidden channels of the MLP over its input's.
        shift: move every second block's windows by half a window.
        norm: `post` normalizes a branch's output (Pangu-Weather, Swin v2),
            `pre` its input.
        drop_path: rate of dropped branches in the last block, rising linearly from zero.
        checkpoint: recompute activations in the backward pass to save memory.
    """

    kind: Literal["window_transformer"] = "window_transformer"
    dim: int = Field(96, gt=0)
    depths: tuple[int, ...] = (4,)
    heads: tuple[int, ...] = (4,)
    window: tuple[int, ...] | None = None
    merge: tuple[int, ...] | None = None
    shift: bool = True
    local: int | None = Field(None, ge=3)
    activation: Activation = "gelu"
    mlp_ratio: float = Field(4.0, gt=0)
    norm: Literal["pre", "post"] = "pre"
    drop_path: float = Field(0.0, ge=0, lt=1)
    checkpoint: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        stages = len(self.depths)
        if stages != len(self.heads):
            raise ValueError(f"{stages} depths and {len(self.heads)} heads; give one per stage")
        if stages > 1 and (stages % 2 or stages < 4 or self.merge is None):
            raise ValueError("a U of stages needs four, six, ... depths, and merge")
        if self.local is not None and self.local % 2 == 0:
            raise ValueError(f"local is {self.local}; a kernel with a middle has an odd number")
        for stage, heads in enumerate(self.heads):
            if self.stage_dim(stage) % heads:
                raise ValueError(f"{heads} heads do not divide {self.stage_dim(stage)} channels")
        return self

    def level(self, stage: int) -> int:
        """How often tokens have been merged before this stage."""
        return min(stage, len(self.depths) - 1 - stage)

    def stage_dim(self, stage: int) -> int:
        """Channels in this stage."""
        return self.dim * 2 ** self.level(stage)


@dataclass(frozen=True)
class BlockShape:
    """Where a block stands and how it is cut, for whoever makes its bias.

    Attributes:
        stage, index: stage, and block within it.
        dim, heads: channels and attention heads.
        window: tokens per window along each axis; None for an axis of free length.
        windows: windows along each axis.
        periodic: whether each axis closes on itself.
    """

    stage: int
    index: int
    dim: int
    heads: int
    window: tuple[int | None, ...]
    windows: tuple[int, ...]
    periodic: tuple[bool, ...]


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
        sizes = [_merged_size(axes, config.merge, config.level(s)) for s in range(stages)]
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
                make_bias(BlockShape(stage, index, dim, heads, window, count, periodic)),
                rate,
                periodic,
                condition,
            )
            for index, rate in enumerate(rates)
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
                    f"choose a window among {[d for d in range(1, n + 1) if n % d == 0]}"
                )
        shift = tuple(w // 2 if shifted and n > w else 0 for n, w in zip(size, window, strict=True))
        return Windows(size, window, self.periodic, shift)


class Block(nn.Module):
    """Attention in windows, then an MLP on each token, each added to the input.

    Neighbours may be mixed first, which lets differences between them reach the MLP.

    A condition scales and shifts what a norm gives, and with norms before the branches it
    gates their outputs too; after them that would be the same scale again.
    """

    def __init__(
        self,
        config: WindowTransformerConfig,
        dim: int,
        heads: int,
        bias: nn.Module,
        rate: float,
        periodic: tuple[bool, ...],
        condition: int | None = None,
    ) -> None:
        super().__init__()
        self.local = LocalMixing(dim, config.local, periodic) if config.local else nn.Identity()
        self.post = config.norm == "post"
        self.attention = WindowAttention(dim, heads)
        self.bias = bias
        self.mlp = MLP(dim, round(config.mlp_ratio * dim), dim, config.activation)
        self.norm_attention, self.norm_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.drop_path = DropPath(rate)
        parts = 4 if self.post else 6
        self.modulation = None if condition is None else Modulation(condition, dim, parts)

    def forward(
        self,
        x: Tensor,
        windows: Windows,
        mask: Tensor | None,
        valid: Tensor | None,
        geometry: Any,
        condition: Tensor | None = None,
    ) -> Tensor:
        """(batch, *axes, dim) -> the same; `mask` (window, token, token) keeps regions apart."""

        def attend(x: Tensor) -> Tensor:
            return self._attend(x, windows, mask, valid, geometry)

        x = self.local(x)
        changes = self._changes(condition, x.ndim - 2)
        half = len(changes) // 2
        x = x + self.drop_path(self._branch(x, attend, self.norm_attention, changes[:half]))
        return x + self.drop_path(self._branch(x, self.mlp, self.norm_mlp, changes[half:]))

    def _branch(
        self,
        x: Tensor,
        function: Callable[[Tensor], Tensor],
        norm: nn.Module,
        changes: tuple[Tensor, ...],
    ) -> Tensor:
        """Norm and function, in this order or the other, as the condition changes them."""
        if not changes:
            return norm(function(x)) if self.post else function(norm(x))
        scale, shift, *gate = changes
        if self.post:
            return norm(function(x)) * (1 + scale) + shift
        return function(norm(x) * (1 + scale) + shift) * (1 + gate[0])

    def _changes(self, condition: Tensor | None, axes: int) -> tuple[Tensor, ...]:
        """(batch, *1, dim) each, for attention and then for the MLP; none without a condition."""
        if self.modulation is None:
            return ()
        if condition is None:
            raise ValueError("this model depends on a condition; give one")
        return self.modulation(condition[(slice(None), *[None] * axes)])

    def _attend(
        self,
        x: Tensor,
        windows: Windows,
        mask: Tensor | None,
        valid: Tensor | None,
        geometry: Any,
    ) -> Tensor:
        tokens = windows.split(x)
        bias = self.bias(geometry)  # (1 or batch, window, head, token, token)
        copies = tokens.shape[0] // x.shape[0]
        if bias.shape[0] > 1 and copies > 1:
            bias = bias.repeat_interleave(copies, dim=0)
        if mask is not None:
            bias = bias + mask.unsqueeze(1).to(bias.dtype)
        if valid is not None:
            hidden = ~windows.split(valid)[:, :, None, None, :]
            bias = bias + hidden.to(bias.dtype) * MASKED
        return windows.join(self.attention(tokens, bias))


def _merged_size(
    axes: tuple[int | None, ...], merge: tuple[int, ...] | None, times: int
) -> tuple[int | None, ...]:
    for _ in range(times):
        assert merge is not None
        if len(merge) != len(axes):
            raise InputError(f"merge {merge} has {len(merge)} axes; expected {len(axes)}")
        pairs = zip(axes, merge, strict=True)
        axes = tuple(None if n is None else math.ceil(n / f) for n, f in pairs)
    return axes

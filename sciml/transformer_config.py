"""Sizes of a window transformer, and how each of its blocks is cut."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from sciml.config import Config
from sciml.layers import Activation


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
    """How a block is cut, for whoever makes its bias.

    Attributes:
        heads: of its attention.
        window: tokens per window along each axis; None for an axis of free length.
        windows: windows along each axis.
        periodic: whether each axis closes on itself.
    """

    heads: int
    window: tuple[int | None, ...]
    windows: tuple[int, ...]
    periodic: tuple[bool, ...]

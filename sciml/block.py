"""A block of the window transformer: attention in windows, then an MLP on each token."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from sciml.attention import WindowAttention
from sciml.layers import MLP, DropPath, Modulation
from sciml.local import LocalMixing
from sciml.transformer_config import WindowTransformerConfig
from sciml.windows import MASKED, Windows


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

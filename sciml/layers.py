"""Small layers that both backbones use."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Literal["gelu", "relu", "silu", "bilinear"]


def activation_layer(name: Activation) -> nn.Module:
    """The activation of that name."""
    match name:
        case "gelu":
            return nn.GELU()
        case "relu":
            return nn.ReLU()
        case "silu":
            return nn.SiLU()
        case "bilinear":
            return Product()


def width_before(activation: Activation, hidden: int) -> int:
    """Channels that an activation turns into `hidden`."""
    return 2 * hidden if activation == "bilinear" else hidden


class Product(nn.Module):
    """The first half of the channels times the second: (..., 2 dim) -> (..., dim).

    Between two linear maps it is the bilinear unit of Shazeer (2020, arXiv 2002.05202). Where
    the law to be learned is itself a sum of products, such as advection, it needs few hidden
    channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the halves."""
        left, right = x.chunk(2, dim=-1)
        return left * right


class MLP(nn.Sequential):
    """Linear, activation, linear, and optionally LayerNorm: (..., inputs) -> (..., outputs)."""

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        activation: Activation = "gelu",
        norm: bool = False,
    ) -> None:
        layers = [
            nn.Linear(inputs, width_before(activation, hidden)),
            activation_layer(activation),
            nn.Linear(hidden, outputs),
        ]
        super().__init__(*layers, *([nn.LayerNorm(outputs)] if norm else []))


class Modulation(nn.Module):
    """Scales, shifts and gates of a residual branch from a conditioning vector; at first zero.

    Adaptive layer norm (Peebles & Xie 2023, DiT, section 3.2). Whoever uses it takes
    1 + scale and 1 + gate, so that a fresh model is what it is without a condition and can
    go on from one that was trained without.

    Args:
        condition: length of the conditioning vector.
        dim: channels of the branch.
        parts: number of vectors to make.
    """

    def __init__(self, condition: int, dim: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.weight = nn.Parameter(torch.zeros(parts * dim, condition))
        self.bias = nn.Parameter(torch.zeros(parts * dim))

    def forward(self, condition: Tensor) -> tuple[Tensor, ...]:
        """(..., condition) -> `parts` times (..., dim)."""
        return F.linear(condition, self.weight, self.bias).chunk(self.parts, dim=-1)


class DropPath(nn.Module):
    """Drops a residual branch for whole samples (stochastic depth, Huang et al. 2016).

    While training, each sample along the first axis is zeroed with probability
    `rate` and the others are divided by `1 - rate`; otherwise the identity.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) -> the same."""
        if not self.training or self.rate == 0.0:
            return x
        keep = x.new_empty(x.shape[0]).bernoulli_(1 - self.rate) / (1 - self.rate)
        return x * keep.view(-1, *[1] * (x.ndim - 1))

    def extra_repr(self) -> str:
        """Show the rate when printed."""
        return f"rate={self.rate:g}"


def truncated_normal_(tensor: Tensor, std: float = 0.02) -> Tensor:
    """Fill in place from a normal distribution cut at two standard deviations."""
    with torch.no_grad():
        return nn.init.trunc_normal_(tensor, std=std, a=-2 * std, b=2 * std)

"""Noise that a model depends on, so that its members differ.

One vector scales and shifts the norms everywhere at once, so what it changes hangs together
in space and among variables (Alet et al. 2025, FGN, arXiv 2506.10772).
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from weather.models.steps import WIDTH


class NoiseConfig(Config):
    """Noise of a model.

    Attributes:
        dim: independent normal numbers, drawn anew for each time step; 32 in FGN.
    """

    dim: int = Field(32, ge=1)


class NoiseEmbedding(nn.Linear):
    """Normal numbers (..., dim) to a conditioning vector (..., `WIDTH`); zeros to zeros."""

    def __init__(self, config: NoiseConfig) -> None:
        super().__init__(config.dim, WIDTH, bias=False)

    def draw(self, like: Tensor) -> Tensor:
        """(batch, dim) normal numbers by torch's own generator, for `like` (batch, ...)."""
        return torch.randn(len(like), self.in_features, device=like.device)

"""Numbers to vectors: Gaussian kernels of distances, Fourier features of positions and times."""

import math

import torch
from torch import Tensor, nn


class GaussianKernels(nn.Module):
    """Learned Gaussian kernels of a distance (Uni-Mol; Transformer-M, section 3).

    Kernel k of distance d is exp(-((d - mean_k) / width_k)^2 / 2) / (sqrt(2 pi) width_k).

    Args:
        kernels: number of kernels.
        low, high: range over which the means start out evenly spaced.
    """

    def __init__(self, kernels: int, low: float, high: float) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.linspace(low, high, kernels))
        self.log_width = nn.Parameter(torch.full((kernels,), math.log((high - low) / kernels)))

    def forward(self, distance: Tensor) -> Tensor:
        """(...) distances -> (..., kernel), dimension 1 / length."""
        width = self.log_width.exp()
        scaled = (distance.unsqueeze(-1) - self.mean) / width
        return torch.exp(-0.5 * scaled.square()) / (math.sqrt(2 * math.pi) * width)


def fourier_features(x: Tensor, shortest: float, longest: float, features: int) -> Tensor:
    """Sines and cosines of x at wavelengths spaced evenly in the logarithm.

    Args:
        x: (...) in any unit.
        shortest, longest: wavelengths in the unit of x.
        features: even; half of them sines.

    Returns:
        (..., features), computed in float64 and cast to x's type.
    """
    if features % 2:
        raise ValueError(f"{features} Fourier features; expected an even number")
    spacing = torch.linspace(
        math.log(shortest), math.log(longest), features // 2, dtype=torch.float64, device=x.device
    )
    phase = 2 * math.pi * x.to(torch.float64).unsqueeze(-1) / spacing.exp()
    return torch.cat([phase.sin(), phase.cos()], dim=-1).to(x.dtype)

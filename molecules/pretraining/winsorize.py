"""Descriptors made comparable: extremes cut off, then mean zero and standard deviation one."""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sciml.normalize import Normalizer

_TAIL = 1e-3  # share of molecules beyond either limit
_MOST = 6.0  # standard deviations, beyond which a rare descriptor counts no more


class Winsorizer(nn.Module):
    """Cut values off at limits, then normalize; a descriptor that never changes is zero.

    Args:
        low, high: (descriptor,) limits.
        normalizer: of the values between them.
    """

    low: Tensor
    high: Tensor

    def __init__(self, low: Tensor, high: Tensor, normalizer: Normalizer) -> None:
        super().__init__()
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        self.normalizer = normalizer

    @classmethod
    def fit(cls, sample: NDArray[np.float32]) -> Self:
        """Limits and moments of (molecule, descriptor), NaN left out."""
        values = torch.from_numpy(sample)
        known = np.where(np.isfinite(sample).any(axis=0), sample, 0.0)
        low, high = (
            torch.from_numpy(np.nanquantile(known, tail, axis=0).astype(np.float32))
            for tail in (_TAIL, 1 - _TAIL)
        )
        return cls(low, high, Normalizer.fit([values.clamp(low, high)]))

    def forward(self, values: Tensor) -> Tensor:
        """(molecule, descriptor) in its units -> normalized, NaN where unknown."""
        cut = values.clamp(self.low, self.high)
        return self.normalizer.normalize(cut).clamp(-_MOST, _MOST)

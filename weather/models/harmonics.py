"""Waves on the sphere that a latitude-longitude grid can carry, by their total wavenumber.

The Laplacian is that of finite volumes along meridians and exact along parallels. For each
zonal wavenumber m it is then a symmetric matrix, and its eigenvectors are the grid's
associated Legendre functions, with eigenvalues near n (n + 1). Over a limited area they are
those of its own box, across whose edges nothing flows.

For a vector field u + iv, m^2 / cos^2 lat becomes (m + sin lat)^2 / cos^2 lat + 1 (spin-weighted
harmonics: Goldberg et al. 1967, J. Math. Phys. 8, 2155), so that a flow across a pole is a
long wave.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from weather.grid import LatLonGrid

Numbers = NDArray[np.float64]


class Zonal(nn.Module):
    """Fields as sums of cosines and sines along parallels, and back.

    Args:
        grid: across the ends of parallels that do not close on themselves, fields are mirrored.

    Attributes:
        waves: (m,) zonal wavenumbers, not whole over a limited area.
    """

    to_waves: Tensor
    to_cells: Tensor

    def __init__(self, grid: LatLonGrid) -> None:
        super().__init__()
        columns = grid.shape[1]
        if grid.periodic:
            number, angles = np.arange(columns // 2 + 1), 2 * np.pi * np.arange(columns) / columns
            self.waves = number.astype(np.float64)
        else:
            number, angles = np.arange(columns), np.pi * (np.arange(columns) + 0.5) / columns
            width = np.radians(grid.lon[-1] - grid.lon[0]) * columns / (columns - 1)
            self.waves = np.pi * number / width
        phases = angles[:, None] * number
        parts = np.stack([np.cos(phases), np.sin(phases) * grid.periodic])  # (2, lon, m)
        norm = np.maximum((parts**2).sum(axis=1, keepdims=True), 1e-9)
        self.register_buffer("to_waves", torch.from_numpy(parts).float(), persistent=False)
        self.register_buffer("to_cells", torch.from_numpy(parts / norm).float(), persistent=False)

    def analyse(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        """(..., lon) -> cosines and sines, each (..., m)."""
        return fields @ self.to_waves[0], fields @ self.to_waves[1]

    def compose(self, cosines: Tensor, sines: Tensor) -> Tensor:
        """Inverse of `analyse`."""
        return cosines @ self.to_cells[0].T + sines @ self.to_cells[1].T


class Meridional(nn.Module):
    """Waves along meridians of each zonal wavenumber.

    Args:
        grid: latitudes.
        waves: (m,) zonal wavenumbers.
        spin: 0 for scalars, 1 for u + iv.

    Attributes:
        scale: (m, n) eigenvalues of minus the Laplacian, near n (n + 1).
    """

    to_waves: Tensor
    to_cells: Tensor
    scale: Tensor

    def __init__(self, grid: LatLonGrid, waves: Numbers, spin: int = 0) -> None:
        super().__init__()
        root, laplacian = _laplacian(grid, waves, spin)
        scale, vectors = np.linalg.eigh(laplacian)
        buffers = {
            "to_waves": np.swapaxes(vectors, 1, 2) * root,
            "to_cells": vectors / root[:, None],
            "scale": scale.clip(min=0),
        }
        for name, values in buffers.items():
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def forward(self, fields: Tensor, factors: Tensor) -> Tensor:
        """Multiply each wave.

        Args:
            fields: (batch, channel, lat, m).
            factors: (channel, m, n).
        """
        waves = torch.einsum("mnl,bclm->bcmn", self.to_waves, fields) * factors
        return torch.einsum("mln,bcmn->bclm", self.to_cells, waves)


def _laplacian(grid: LatLonGrid, waves: Numbers, spin: int) -> tuple[Numbers, Numbers]:
    """Roots of the rows' areas (lat,), and minus the Laplacian (m, lat, lat) between them."""
    lat, bounds = np.radians(grid.lat), np.radians(grid.latitude_bounds())
    area = -np.diff(np.sin(bounds))
    cosine = area / -np.diff(bounds)  # mean over a row, above zero at a pole too
    flux = np.cos(bounds[1:-1]) / -np.diff(lat)
    along = np.diag(np.append(flux, 0) + np.append(0, flux)) - np.diag(flux, 1) - np.diag(flux, -1)
    across = ((waves[:, None] + spin * np.sin(lat)) / cosine) ** 2 + spin**2
    root = np.sqrt(area)
    return root, along / np.outer(root, root) + across[:, :, None] * np.eye(len(lat))

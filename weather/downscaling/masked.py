"""The same for fields that have no value in some cells, such as sea temperature.

With v one in cells that have a value and zero in masked ones, V = diag(v) and the means R of
`separable`, a coarse value is the mean of the fine ones in its cell,

    y = D^-1 R V x,   D = diag(R v)

and masked where more than half of the cell's area is, as regridding has it. Masked coarse cells
take the value of the nearest other one before they are interpolated. The smallest correction in
the area-weighted norm that gives x the means y is

    x + V W^-1 R' p,   (R V W^-1 R') p = D y - R V x

over the coarse cells that are not masked. Where coarse cells share fine ones a mask is no
product of latitude and longitude: the equations are solved by conjugate gradients, with their
diagonal as preconditioner.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor, nn

from sciml.errors import InputError
from weather.downscaling.separable import Interpolation, Separable
from weather.grid import LatLonGrid
from weather.training.regrid import Regridder

_ITERATIONS = 30  # residual below 1e-12 on coastlines of 0.5 to 5 degrees


class MaskedMaps(nn.Module):
    """Maps of fields (batch, time, variable, ..., lat, lon), some of which have masks.

    Variables without a mask are mapped as if there were none.

    Args:
        plain: maps of fields without masks.
        masked: (variable, ..., lat, lon) true where masked, on the fine grid.
        names: of the variables that have masks, by their number.

    Raises:
        InputError: a mask that leaves no coarse cell.
    """

    which: Tensor
    valid: Tensor
    share: Tensor
    there: Tensor
    nearest: Tensor
    diagonal: Tensor

    def __init__(self, plain: Separable, masked: Tensor, names: Mapping[int, str]) -> None:
        super().__init__()
        self.plain, self.names = plain, tuple(names.values())
        which = torch.tensor(list(names))
        valid = ~masked.cpu()[which]
        share = plain.coarsen(valid.double())
        there = _there(plain, valid)
        for name, cells in zip(self.names, there, strict=True):
            if not cells.flatten(-2).any(-1).all():
                raise InputError(
                    f"{name} has values in so few cells that none of half the resolution keeps "
                    "one; leave it out of data.variables"
                )
        self._keep("which", which)
        self._keep("valid", valid)
        self._keep("share", torch.where(there, share, 1.0))
        self._keep("there", there)
        self._keep("nearest", _nearest(there, plain.coarse))
        self._keep("diagonal", torch.where(there, _diagonal(plain, valid), 1.0))

    def coarse_masks(self) -> dict[str, Tensor]:
        """True in masked coarse cells (..., lat, lon), by variable."""
        return dict(zip(self.names, ~self.there, strict=True))

    def coarsen(self, fields: Tensor) -> Tensor:
        """Means over the fine cells that have a value; NaN in masked coarse cells."""
        return self._with(self.plain.coarsen(fields), self._coarsen(self._those(fields)))

    def interpolate(self, fields: Tensor, kind: Interpolation) -> Tensor:
        """Values between those of coarse cells that have some; NaN in masked fine cells."""
        own = self._those(fields).flatten(-2)
        own = own.gather(-1, self.nearest.flatten(-2).expand_as(own))
        own = self.plain.interpolate(own.unflatten(-1, self.there.shape[-2:]), kind)
        own = torch.where(self.valid, own, torch.nan)
        return self._with(self.plain.interpolate(fields, kind), own)

    def conserve(self, fields: Tensor, coarse: Tensor) -> Tensor:
        """Fine fields with the means of coarse ones, where those have some."""
        own, wanted = self._those(fields), self._those(coarse)
        lack = wanted.double() - self._coarsen(own.double())
        lack = torch.where(self.there, lack * self.share, 0.0)
        solved = torch.where(self.there, _Solution.apply(lack, self._equations, self.diagonal), 0.0)
        correction = torch.where(self.valid, self.plain.product("back", solved), 0.0)
        own = (own.double() + correction).to(fields.dtype)
        return self._with(self.plain.conserve(fields, coarse), own)

    def _coarsen(self, own: Tensor) -> Tensor:
        means = self.plain.coarsen(torch.where(self.valid, own, 0.0).double()) / self.share
        return torch.where(self.there, means, torch.nan).to(own.dtype)

    def _equations(self, p: Tensor) -> Tensor:
        """R V W^-1 R' p in cells that are not masked; p is zero in others."""
        within = torch.where(self.valid, self.plain.product("back", p), 0.0)
        return torch.where(self.there, self.plain.coarsen(within), 0.0)

    def _those(self, fields: Tensor) -> Tensor:
        return fields.index_select(2, self.which)

    def _with(self, fields: Tensor, own: Tensor) -> Tensor:
        return fields.index_copy(2, self.which, own)

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)


class _Solution(torch.autograd.Function):
    """Of symmetric equations, by conjugate gradients; its gradient is one too."""

    @staticmethod
    def forward(
        ctx: Any, right: Tensor, equations: Callable[[Tensor], Tensor], diagonal: Tensor
    ) -> Tensor:
        ctx.equations, ctx.diagonal = equations, diagonal
        return _solve(equations, right, diagonal)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _solve(ctx.equations, gradient, ctx.diagonal), None, None


def _solve(equations: Callable[[Tensor], Tensor], right: Tensor, diagonal: Tensor) -> Tensor:
    """Conjugate gradients on each field (..., lat, lon), with a diagonal preconditioner."""
    solution, residual = torch.zeros_like(right), right
    direction = right / diagonal
    size = _inner(residual, direction)
    end = 1e-32 * size  # where only rounding is left
    for _ in range(_ITERATIONS):
        image = equations(direction)
        length = torch.where(size > end, size / _inner(image, direction), 0.0)
        solution = solution + length * direction
        residual = residual - length * image
        preconditioned = residual / diagonal
        before, size = size, _inner(residual, preconditioned)
        direction = preconditioned + torch.where(before > end, size / before, 0.0) * direction
    return solution


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((-2, -1), keepdim=True)


def _there(plain: Separable, valid: Tensor) -> Tensor:
    """Coarse cells that keep a value; of those half masked rounding decides, here as there."""
    ones = np.where(valid.numpy(), 1.0, np.nan)
    return torch.from_numpy(~np.isnan(Regridder(plain.fine, plain.coarse)(ones)))


def _diagonal(plain: Separable, valid: Tensor) -> Tensor:
    """Diagonal of R V W^-1 R'."""
    lat, lon = (getattr(plain, f"mean_{a}") * getattr(plain, f"back_{a}").T for a in ("lat", "lon"))
    return torch.as_tensor(lat @ valid.double() @ lon.T)


def _nearest(there: Tensor, grid: LatLonGrid) -> Tensor:
    """(..., lat, lon) number of the nearest cell that is there, along a great circle."""
    lat, lon = np.meshgrid(np.radians(grid.lat), np.radians(grid.lon), indexing="ij")
    places = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    places = places.reshape(-1, 3)
    rows = []
    for cells in there.flatten(-2).reshape(-1, len(places)).numpy():
        known = np.flatnonzero(cells)
        rows.append(known[cKDTree(places[known]).query(places)[1]])
    return torch.from_numpy(np.stack(rows)).reshape(there.shape)

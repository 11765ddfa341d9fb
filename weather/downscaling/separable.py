"""Means over coarse cells, interpolation between them, and fields that have given means.

All three are products of a matrix along latitude and one along longitude, in float64. The
means R are conservative: weighted by area, over the cells of the coarse grid. The correction

    x + P (y - R x),   R P = 1

gives a fine field x the means of a coarse field y, by the smallest change in the norm that
weighs cells by their area, P = W^-1 R' (R W^-1 R')^-1; where coarse cells are made of whole
fine ones it adds a constant to each block. What may not fall below zero is scaled instead,

    x S (y / R x)

with S the shares of a fine cell's area in the coarse ones (Richardson 1972, Lucy 1974): it keeps
the mean over all cells, and where coarse cells are made of whole fine ones it ends in one step.
Where they share fine ones it comes near, to about 1e-3 of the largest mean and mostly much nearer.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from torch import Tensor, nn

from weather.grid import LatLonGrid
from weather.training.regrid import Regridder

SCALINGS = 50  # at most; where coarse cells share fine ones
_SEED = 1e-4  # of the mean, in cells that count as zero: what is zero stays so under scaling
_EXACT = 1e-6  # of a field's largest mean

Matrix = NDArray[np.float64]
Interpolation = Literal["bilinear", "bicubic"]


class Separable(nn.Module):
    """Maps of fields (..., lat, lon) between a fine grid and a coarse one."""

    def __init__(self, fine: LatLonGrid, coarse: LatLonGrid) -> None:
        super().__init__()
        self.fine, self.coarse = fine, coarse
        means, shares = Regridder(fine, coarse).weights, Regridder(coarse, fine).weights
        area = {"lat": fine.area_weights(), "lon": np.ones(len(fine.lon))}
        for axis in ("lat", "lon"):
            mean = means[axis].transpose(f"target_{axis}", axis).values
            back = mean.T / area[axis][:, None]
            self._keep(f"mean_{axis}", mean)
            self._keep(f"back_{axis}", back)
            self._keep(f"share_{axis}", shares[axis].transpose(f"target_{axis}", axis).values)
            self._keep(f"spread_{axis}", back @ np.linalg.inv(mean @ back))
            closed = axis == "lon" and fine.periodic
            nodes, places = (np.array(getattr(grid, axis)) for grid in (coarse, fine))
            for kind, degree in (("bilinear", 1), ("bicubic", 3)):
                self._keep(f"{kind}_{axis}", _splines(nodes, places, degree, closed))

    def coarsen(self, fields: Tensor) -> Tensor:
        """Means R over the cells of the coarse grid."""
        return self.product("mean", fields)

    def interpolate(self, fields: Tensor, kind: Interpolation) -> Tensor:
        """Values between those of the coarse grid's cells, the outermost beyond them."""
        return self.product(kind, fields)

    def conserve(self, fields: Tensor, coarse: Tensor) -> Tensor:
        """Fine fields with the means of coarse ones."""
        return fields + self.product("spread", coarse - self.coarsen(fields))

    def scale(self, fields: Tensor, coarse: Tensor) -> Tensor:
        """Fine fields without values below zero, scaled to the means of coarse ones.

        Below zero these count as zero.
        """
        scaled, wanted = fields.double(), coarse.double().clamp(min=0)
        scaled = torch.where(scaled > 0, scaled, _SEED * self.product("share", wanted))
        off = _EXACT * wanted.amax((-2, -1), keepdim=True)
        for _ in range(SCALINGS):
            means = self.coarsen(scaled)
            if bool(((means - wanted).abs() <= off).all()):
                break
            scaled = self.scaled_once(scaled, means, wanted)
        return scaled.to(fields.dtype)

    def scaled_once(self, fields: Tensor, means: Tensor, wanted: Tensor) -> Tensor:
        """A step of `scale`: fields of some means, nearer to those that are wanted."""
        return fields * self.product("share", torch.where(means > 0, wanted / means, 0.0))

    def product(self, name: str, fields: Tensor) -> Tensor:
        """(..., lat, lon) by the matrices of a name: mean R, back W^-1 R', spread P, share S..."""
        lat, lon = getattr(self, f"{name}_lat"), getattr(self, f"{name}_lon")
        return (lat @ fields.double() @ lon.T).to(fields.dtype)

    def _keep(self, name: str, matrix: Matrix) -> None:
        self.register_buffer(name, torch.from_numpy(matrix), persistent=False)


def _splines(nodes: Matrix, places: Matrix, degree: int, closed: bool) -> Matrix:
    """(place, node) values at some places of the splines through one at a node."""
    order = np.argsort(nodes)
    at, values = nodes[order], np.eye(len(nodes))[order]
    if closed:
        at, values = np.append(at, at[0] + 360), np.vstack([values, values[:1]])
        places = (places - at[0]) % 360 + at[0]
    spline = make_interp_spline(at, values, degree, bc_type="periodic" if closed else None)
    return np.asarray(spline(places.clip(at[0], at[-1])))

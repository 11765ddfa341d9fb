"""Between a grid and the one of half its resolution: means, interpolation, conservation.

All three are products of a matrix along latitude and one along longitude, in float64. The
means R are conservative: weighted by area, over the cells of the coarse grid. The correction

    x + P (y - R x),   R P = 1

gives a fine field x the means of a coarse field y, by the smallest change in the norm that
weighs cells by their area, P = W^-1 R' (R W^-1 R')^-1; where coarse cells are made of whole
fine ones it adds a constant to each block.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from torch import Tensor, nn

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.state import State
from weather.training.regrid import Regridder

Matrix = NDArray[np.float64]
Interpolation = Literal["bilinear", "bicubic"]


class Refinement(nn.Module):
    """Maps between a fine grid and the coarse one that `coarse_grid` makes of it.

    Args:
        fine: of an even number of columns; of rows, an odd number where one lies on each
            pole, else an even one.

    Raises:
        InputError: another number.
    """

    def __init__(self, fine: LatLonGrid) -> None:
        super().__init__()
        self.fine, self.coarse = fine, coarse_grid(fine)
        means = Regridder(fine, self.coarse).weights
        area = {"lat": fine.area_weights(), "lon": np.ones(len(fine.lon))}
        for axis in ("lat", "lon"):
            mean = means[axis].transpose(f"target_{axis}", axis).values
            self._keep(f"mean_{axis}", mean)
            self._keep(f"spread_{axis}", _right_inverse(mean, area[axis]))
            closed = axis == "lon" and fine.periodic
            nodes, places = (np.array(getattr(grid, axis)) for grid in (self.coarse, fine))
            for kind, degree in (("bilinear", 1), ("bicubic", 3)):
                self._keep(f"{kind}_{axis}", _splines(nodes, places, degree, closed))

    def coarsen(self, state: State) -> State:
        """Means over the cells of the coarse grid."""
        return self._map(state, lambda x: self._product("mean", x), self.coarse)

    def interpolate(self, state: State, kind: Interpolation = "bicubic") -> State:
        """Values between those of the coarse grid's cells, the outermost beyond them."""
        return self._map(state, lambda x: self._product(kind, x), self.fine)

    def conserve(self, state: State, coarse: State) -> State:
        """A fine state with the means of a coarse one."""
        lack = self.coarsen(state)
        return replace(
            state,
            surface=state.surface + self._product("spread", coarse.surface - lack.surface),
            upper=state.upper + self._product("spread", coarse.upper - lack.upper),
        )

    def start(self, coarse: State) -> State:
        """What a model starts from: interpolated bicubically, with the means of `coarse`."""
        return self.conserve(self.interpolate(coarse), coarse)

    def _keep(self, name: str, matrix: Matrix) -> None:
        self.register_buffer(name, torch.from_numpy(matrix), persistent=False)

    def _product(self, name: str, fields: Tensor) -> Tensor:
        """(..., lat, lon) by the matrices of that name."""
        lat, lon = getattr(self, f"{name}_lat"), getattr(self, f"{name}_lon")
        return (lat @ fields.double() @ lon.T).to(fields.dtype)

    def _map(self, state: State, function: Callable[[Tensor], Tensor], grid: LatLonGrid) -> State:
        return replace(
            state, surface=function(state.surface), upper=function(state.upper), grid=grid
        )


def coarse_grid(fine: LatLonGrid) -> LatLonGrid:
    """The grid of half the resolution.

    Around the globe it has every second column, from the first on, and with rows on the poles
    every second row; else a row stands for two, and so does a column of a limited area. These
    are the grids that archives of both resolutions have.

    Raises:
        InputError: an odd number of columns, or of rows without poles; or an even number of
            rows with poles.
    """
    lat, lon = np.array(fine.lat), np.array(fine.lon)
    if len(lat) % 2 != fine.has_poles or len(lon) % 2 or min(len(lat), len(lon)) < 4:
        raise InputError(
            f"{fine.describe()} has no grid of half the resolution; an even number of columns is "
            "needed, and of rows an even number, or an odd one with rows on both poles"
        )
    rows = lat[::2] if fine.has_poles else (lat[::2] + lat[1::2]) / 2
    columns = lon[::2] if fine.periodic else (lon[::2] + lon[1::2]) / 2
    return LatLonGrid(lat=rows.tolist(), lon=columns.tolist())


def _right_inverse(mean: Matrix, area: Matrix) -> Matrix:
    spread = mean.T / area[:, None]
    return spread @ np.linalg.inv(mean @ spread)


def _splines(nodes: Matrix, places: Matrix, degree: int, closed: bool) -> Matrix:
    """(place, node) values at some places of the splines through one at a node."""
    order = np.argsort(nodes)
    at, values = nodes[order], np.eye(len(nodes))[order]
    if closed:
        at, values = np.append(at, at[0] + 360), np.vstack([values, values[:1]])
        places = (places - at[0]) % 360 + at[0]
    spline = make_interp_spline(at, values, degree, bc_type="periodic" if closed else None)
    return np.asarray(spline(places.clip(at[0], at[-1])))

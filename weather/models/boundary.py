"""The frame of a limited area: cells at its edges that are given, not forecast.

After each step they take the values of boundary data: analyses in training and
hindcasts, a driving forecast otherwise (Oskarsson et al. 2023, arXiv 2309.17370). The
model may also see how they will change over the coming step, so that what enters the
area meanwhile is known (Adamov et al. 2025, arXiv 2504.09340).
"""

from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.statistics import Statistics
from weather.state import State


class BoundaryConfig(Config):
    """A frame of boundary data around a limited area.

    Attributes:
        width: rows and columns of cells at each edge that are given.
        lookahead: give the model the frame of the time it forecasts.
    """

    width: int = Field(ge=1)
    lookahead: bool = True


class Frame(nn.Module):
    """The given cells of a limited area.

    Args:
        config: see `BoundaryConfig`.
        grid: latitudes and longitudes.

    Raises:
        InputError: a grid that goes around the globe, or that has no cell inside the frame.
    """

    cells: Tensor

    def __init__(self, config: BoundaryConfig, grid: LatLonGrid) -> None:
        super().__init__()
        self.width, self.lookahead = config.width, config.lookahead
        self.register_buffer("cells", frame(grid, config.width), persistent=False)

    def overwrite(self, forecast: State, boundary: State) -> State:
        """The forecast inside, boundary data of the same time in the frame."""
        return replace(
            forecast,
            surface=torch.where(self.cells, boundary.surface, forecast.surface),
            upper=torch.where(self.cells, boundary.upper, forecast.upper),
        )

    def channels(
        self, last: State, boundary: State, statistics: Statistics, which: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Inputs: where the frame is, and the changes to come in it; zero inside.

        Args:
            last: (batch, 1, ...) present state.
            boundary: (batch, 1, ...) boundary data one step later; only the frame is read.
            statistics: of the model.
            which: of its time steps.

        Returns:
            (batch, 1 + variable, lat, lon) and (batch, variable, level, lat, lon); without
            the changes where there is no lookahead.
        """
        where = self.cells.expand(len(last), 1, *self.cells.shape).to(last.surface.dtype)
        surface = (boundary.surface - last.surface).squeeze(1) / statistics.surface("change", which)
        upper = (boundary.upper - last.upper).squeeze(1) / statistics.upper("change", which)
        if not self.lookahead:
            return where, upper[:, :0]
        surface, upper = (torch.where(self.cells, field, 0.0) for field in (surface, upper))
        return torch.cat([where, surface], dim=1), upper


def frame(grid: LatLonGrid, width: int) -> Tensor:
    """(lat, lon) true in the outermost `width` rows and columns.

    Raises:
        InputError: a grid that goes around the globe, or that has no cell inside the frame.
    """
    if grid.periodic:
        raise InputError(
            f"a grid around the globe ({grid.describe()}) has no boundary; leave model.boundary out"
        )
    if 2 * width >= min(grid.shape):
        raise InputError(
            f"a frame of {width} cells leaves nothing of {grid.shape[0]} x {grid.shape[1]} "
            "cells; choose a smaller model.boundary.width"
        )
    cells = torch.ones(grid.shape, dtype=torch.bool)
    cells[width:-width, width:-width] = False
    return cells

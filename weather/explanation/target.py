"""The forecast number that is explained: the mean of one field over a disc or a region."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciml.config import nearest
from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.sphere import cell_areas, centre, distance, place
from weather.state import State


@dataclass(frozen=True)
class Area:
    """Cells that are averaged.

    Attributes:
        weights: (lat, lon) of the mean; their sum is one.
        lat, lon: of the middle, in degrees.
        text: `500 km around 47.0 N, 8.0 E`.
    """

    weights: NDArray[np.float64]
    lat: float
    lon: float
    text: str

    @classmethod
    def disc(cls, grid: LatLonGrid, lat: float, lon: float, radius: float) -> Self:
        """Cells whose centre lies within `radius` km of a point; at least the nearest one.

        Raises:
            InputError: a point outside the grid.
        """
        bounds, step = grid.latitude_bounds(), grid.lon[1] - grid.lon[0]
        beside = (lon - grid.lon[0] + step / 2) % 360
        if not bounds[-1] <= lat <= bounds[0] or beside > step * len(grid.lon) + 1e-6:
            raise InputError(
                f"{place(lat, lon)} lies outside the model's grid, {grid.describe()}; give "
                "another --point"
            )
        away = distance(lat, lon, np.array(grid.lat)[:, None], np.array(grid.lon))
        inside = (away <= radius) | (away == away.min())
        text = f"{radius:g} km around {place(lat, lon)}"
        return cls(_mean_over(inside, grid), lat, lon, text)

    @classmethod
    def box(cls, grid: LatLonGrid, west: float, east: float, south: float, north: float) -> Self:
        """Cells whose centre lies between these edges in degrees; `east` may cross 180.

        Raises:
            InputError: edges that enclose no cell.
        """
        rows, columns = np.array(grid.lat)[:, None], np.array(grid.lon)
        width = 360.0 if east - west >= 360 else (east - west) % 360
        inside = (rows >= south) & (rows <= north) & ((columns - west) % 360 <= width)
        text = f"{west:g}..{east:g} E, {south:g}..{north:g} N"
        if not inside.any():
            raise InputError(
                f"no cell of the model's grid, {grid.describe()}, lies in {text}; give west, east, "
                "south and north of a larger --extent"
            )
        weights = _mean_over(inside, grid)
        return cls(weights, *centre(rows, columns, weights), text)


@dataclass(frozen=True)
class Target:
    """The mean of a field over an area.

    Attributes:
        channel: such as `t850`.
        area: the cells.
    """

    channel: str
    area: Area

    @classmethod
    def of_model(cls, model: WeatherModel, channel: str, area: Area) -> Self:
        """What a model forecasts there: without cells that are masked or given.

        Raises:
            InputError: a channel that the model does not have; no cell is left.
        """
        names = model.variables.channels
        if channel not in names:
            raise InputError(
                f"the model forecasts no {channel}{nearest(channel, names)} "
                f"(it has {', '.join(names)})"
            )
        counted = model.counted()
        if counted is None:
            return cls(channel, area)
        surface, upper = (cells.cpu() for cells in counted)
        there = torch.cat([surface, upper.flatten(0, 1)])[names.index(channel)].numpy()
        weights = area.weights * there
        if not weights.any():
            raise InputError(
                f"the model does not forecast {channel} in {area.text}: all cells there are masked "
                "or given by boundary data; choose another place"
            )
        return cls(channel, replace(area, weights=weights / weights.sum()))

    def of(self, state: State) -> Tensor:
        """The mean at the last time of a single state; differentiable.

        Cells outside the area, which may be NaN, do not count.
        """
        fields = torch.cat([state.surface[0, -1], state.upper[0, -1].flatten(0, 1)])
        rows, columns = (torch.from_numpy(index) for index in np.nonzero(self.area.weights))
        values = fields[state.variables.channels.index(self.channel), rows, columns]
        weights = torch.from_numpy(self.area.weights)[rows, columns]
        return (values * weights.to(values)).sum()


def _mean_over(inside: NDArray[np.bool_], grid: LatLonGrid) -> NDArray[np.float64]:
    weights = inside * cell_areas(grid)[:, None]
    return weights / weights.sum()

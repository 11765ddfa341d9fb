"""Fields that are defined on part of the grid only: sea temperature, levels below ground.

A masked cell is one where a variable, at a level, never has a value. There the input is
the variable's mean, zero once normalized, and the forecast is NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from weather.grid import LatLonGrid
from weather.models.statistics import Statistics
from weather.state import State
from weather.variables import Variables


class Masks(nn.Module):
    """Masked cells of each variable that has some, as buffers of the variable's name.

    Args:
        variables: names and levels.
        grid: latitudes and longitudes.
        masked: the variables that have a mask.
    """

    nowhere: Tensor

    def __init__(self, variables: Variables, grid: LatLonGrid, masked: Sequence[str]) -> None:
        super().__init__()
        self.variables, self.masked = variables, tuple(masked)
        nowhere = torch.zeros(1, *grid.shape, dtype=torch.bool)
        self.register_buffer("nowhere", nowhere, persistent=False)
        self.cells = nn.Module()
        for name in masked:
            upper = name in variables.upper
            cells = nowhere.repeat(len(variables.levels), 1, 1) if upper else nowhere[0].clone()
            self.cells.register_buffer(name, cells)

    def set(self, masks: Mapping[str, Tensor]) -> None:
        """Take masks, true where masked: (lat, lon), or (level, lat, lon) of an upper one."""
        for name, cells in self.named().items():
            cells.copy_(masks[name])

    def named(self) -> dict[str, Tensor]:
        """The masks, by the name of the variable."""
        return dict(self.cells.named_buffers())

    def surface(self) -> Tensor:
        """(variable, lat, lon) true where masked."""
        return self._stack(self.variables.surface, self.nowhere[0])

    def upper(self) -> Tensor:
        """(variable, level, lat, lon) true where masked."""
        return self._stack(self.variables.upper, self._nowhere_aloft())

    def holed(self) -> Tensor:
        """(channel,) whether some cell of it is masked, in the order of `Variables.channels`."""
        surface, upper = self.surface().flatten(1), self.upper().flatten(0, 1).flatten(1)
        return torch.cat([surface, upper]).any(dim=1)

    def counted(self) -> tuple[Tensor, Tensor] | None:
        """Cells that are not masked, as `surface` and `upper`; None for all."""
        return (~self.surface(), ~self.upper()) if self.masked else None

    def channels(self, batch: int) -> tuple[Tensor, Tensor]:
        """Inputs: one where masked.

        Returns:
            (batch, masked variable, lat, lon) and (batch, masked variable, level, lat, lon).
        """
        surface = [name for name in self.variables.surface if name in self.masked]
        upper = [name for name in self.variables.upper if name in self.masked]
        on_surface = self._stack(surface, self.nowhere[0])
        on_levels = self._stack(upper, self._nowhere_aloft())
        return on_surface.expand(batch, -1, -1, -1), on_levels.expand(batch, -1, -1, -1, -1)

    def fill(self, state: State, statistics: Statistics) -> State:
        """The mean in masked cells, whatever was there."""
        return self._put(state, statistics.surface("mean"), statistics.upper("mean"))

    def blank(self, state: State) -> State:
        """NaN in masked cells, whatever was there."""
        nan = torch.tensor(torch.nan)
        return self._put(state, nan, nan)

    def _put(self, state: State, surface: Tensor, upper: Tensor) -> State:
        if not self.masked:
            return state
        device = state.surface.device
        return replace(
            state,
            surface=torch.where(self.surface().to(device), surface.to(device), state.surface),
            upper=torch.where(self.upper().to(device), upper.to(device), state.upper),
        )

    def _nowhere_aloft(self) -> Tensor:
        return self.nowhere.expand(len(self.variables.levels), -1, -1)

    def _stack(self, names: Sequence[str], nowhere: Tensor) -> Tensor:
        named = self.named()
        masks = [named.get(name, nowhere) for name in names]
        return torch.stack(masks) if masks else nowhere.new_zeros(0, *nowhere.shape)

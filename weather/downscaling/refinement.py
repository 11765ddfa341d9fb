"""Between states on a grid and on the one of half its resolution: means, interpolation, both.

See `separable` for the maps, and `masked` for those of variables that have masks.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from weather.downscaling.masked import MaskedMaps
from weather.downscaling.separable import Interpolation, Separable
from weather.grid import LatLonGrid
from weather.models.masks import Masks
from weather.state import State

Maps = Separable | MaskedMaps


class Refinement(nn.Module):
    """Maps between a fine grid and the coarse one that `LatLonGrid.halved` gives.

    Args:
        fine: of an even number of columns; of rows, an odd number where one lies on each
            pole, else an even one.
        masks: on that grid; taken as they are now.

    Raises:
        InputError: another number, or a variable whose mask leaves no coarse cell.
    """

    surface: Maps
    upper: Maps

    def __init__(self, fine: LatLonGrid, masks: Masks | None = None) -> None:
        super().__init__()
        self.fine, self.coarse, self.masks = fine, fine.halved(), masks
        self.plain = plain = Separable(fine, self.coarse)
        self.surface = self.upper = plain
        self.coarse_masks: Masks | None = None
        if masks is not None and masks.masked:
            variables = masks.variables
            self.surface = _maps(plain, masks, variables.surface, masks.surface())
            self.upper = _maps(plain, masks, variables.upper, masks.upper())
            self.coarse_masks = Masks(variables, self.coarse, masks.masked)
            self.coarse_masks.set(_coarse(self.surface) | _coarse(self.upper))

    def coarsen(self, state: State) -> State:
        """Means over the cells of the coarse grid."""
        return self._map(state, lambda maps, x: maps.coarsen(x), self.coarse)

    def interpolate(self, state: State, kind: Interpolation = "bicubic") -> State:
        """Values between those of the coarse grid's cells, the outermost beyond them."""
        return self._map(state, lambda maps, x: maps.interpolate(x, kind), self.fine)

    def conserve(self, state: State, coarse: State) -> State:
        """A fine state with the means of a coarse one."""
        return replace(
            state,
            surface=self.surface.conserve(state.surface, coarse.surface),
            upper=self.upper.conserve(state.upper, coarse.upper),
        )

    def start(self, coarse: State) -> State:
        """What a model starts from: interpolated bicubically, with the means of `coarse`."""
        return self.conserve(self.interpolate(coarse), coarse)

    def without_negatives(self, state: State, coarse: State) -> State:
        """A fine state at least zero where fields have no values below, near its means.

        See `Separable.scale`; a field with a mask is only cut off at zero.
        """
        cut, names = state.without_negatives(), state.variables
        return replace(
            cut,
            surface=self._scaled(cut.surface, state.surface, coarse.surface, names.surface),
            upper=self._scaled(cut.upper, state.upper, coarse.upper, names.upper),
        )

    def _scaled(self, cut: Tensor, fields: Tensor, coarse: Tensor, names: Sequence[str]) -> Tensor:
        """Those of the variables that lost something in the cut, with the means of before."""
        masked = self.masks.masked if self.masks is not None else ()
        lost = (cut > fields).transpose(0, 2).flatten(1).any(1).tolist()
        chosen = [n for n, name in enumerate(names) if lost[n] and name not in masked]
        if not chosen:
            return cut
        which = torch.tensor(chosen, device=cut.device)
        scaled = self.plain.scale(cut.index_select(2, which), coarse.index_select(2, which))
        return cut.index_copy(2, which, scaled)

    def _map(
        self, state: State, function: Callable[[Maps, Tensor], Tensor], grid: LatLonGrid
    ) -> State:
        surface, upper = function(self.surface, state.surface), function(self.upper, state.upper)
        return replace(state, surface=surface, upper=upper, grid=grid)


def _maps(plain: Separable, masks: Masks, names: Sequence[str], cells: Tensor) -> Maps:
    """Of the surface variables, or of those on levels."""
    which = {number: name for number, name in enumerate(names) if name in masks.masked}
    return MaskedMaps(plain, cells, which) if which else plain


def _coarse(maps: Maps) -> dict[str, Tensor]:
    return maps.coarse_masks() if isinstance(maps, MaskedMaps) else {}

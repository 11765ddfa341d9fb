"""The model of pre-training: fields are told from what is not hidden of them.

A hidden cell is to the backbone what a masked one is to a forecast (`masks`): it holds the
mean, and a channel of ones tells of it. Here every variable has such a channel, and what is
hidden differs from sample to sample.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.fields import Inputs
from weather.models.model import ModelConfig, WeatherModel
from weather.state import State
from weather.variables import Variables

KIND = "weather.pretrained"  # of a file that holds what a reconstruction leaves to others
SINGLE = 0  # seconds of the time step: there is none
LEFT_BEHIND = ("backbone.head.*", "*.change")  # what belongs to a task


class Reconstruction(WeatherModel):
    """Tells normalized fields from parts of them.

    Its weights are those of a `WeatherModel` of the same configuration, but for the channels
    that tell what is hidden; with nothing hidden they add nothing.

    Args:
        config: see `ModelConfig`; a model with a history sees one state several times.
        variables: names and levels.
        grid: latitudes and longitudes.

    Raises:
        InputError: a model with a frame, whose coming change no single field tells, or one
            with noise or diffusion.
    """

    def __init__(self, config: ModelConfig, variables: Variables, grid: LatLonGrid) -> None:
        if config.boundary is not None:
            raise InputError(
                "pre-training sees single fields and no boundary data: leave out model.boundary, "
                'and name "*boundary*" in transfer.anew of the training that follows'
            )
        if config.noise is not None:
            raise InputError(
                "pre-training draws no members: leave out model.noise, and name "
                '"embed_noise.*" and "*.modulation.*" in transfer.anew of the training that follows'
            )
        if config.diffusion is not None:
            raise InputError(
                "pre-training takes no time step to damp: leave out model.diffusion, and name "
                '"diffusion.*" in transfer.anew of the training that follows'
            )
        hideable = (*variables.surface, *variables.upper)
        super().__init__(config, variables, grid, SINGLE, hideable)

    def reconstruct(self, state: State, hidden: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Tell all cells from those that are not hidden.

        Args:
            state: with one time.
            hidden: true in (batch, variable, lat, lon) of the surface and
                (batch, variable, level, lat, lon) of the upper air; masked cells are
                hidden too.

        Returns:
            Normalized fields of the same shapes.
        """
        on_surface = hidden[0] | self.masks.surface()
        on_levels = hidden[1] | self.masks.upper()
        mean = self.statistics
        seen = replace(
            state,
            surface=torch.where(on_surface.unsqueeze(1), mean.surface("mean"), state.surface),
            upper=torch.where(on_levels.unsqueeze(1), mean.upper("mean"), state.upper),
        )
        inputs = self.inputs(seen.as_history(self.history), SINGLE)
        inputs = _with_hidden(inputs, on_surface, on_levels)
        surface, upper = self.backbone(inputs)
        return surface.to(state.surface.dtype), upper.to(state.upper.dtype)

    def normalized(self, state: State) -> tuple[Tensor, Tensor]:
        """What is to be told of a state of one time; NaN in masked cells."""
        usual = self.statistics
        surface = (state.surface[:, 0] - usual.surface("mean")) / usual.surface("std")
        upper = (state.upper[:, 0] - usual.upper("mean")) / usual.upper("std")
        return surface, upper


def _with_hidden(inputs: Inputs, on_surface: Tensor, on_levels: Tensor) -> Inputs:
    """The channels of masks, which stand last, told of each sample."""
    others = inputs.extra.shape[1] - on_surface.shape[1]
    fields = inputs.upper.shape[1] - on_levels.shape[1]
    dtype = inputs.extra.dtype
    return replace(
        inputs,
        extra=torch.cat([inputs.extra[:, :others], on_surface.to(dtype)], dim=1),
        upper=torch.cat([inputs.upper[:, :fields], on_levels.to(dtype)], dim=1),
    )

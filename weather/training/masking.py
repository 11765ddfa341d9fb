"""Pre-training without labels: hide parts of single fields, and tell what they were.

Masked autoencoding (He et al. 2022, section 3) of fields on a grid. What is hidden is drawn
for each variable, so that two kinds of relations are asked for: across space, where a block
of a variable is gone, and across variables, where a variable is gone as a whole and must be
told from the others, as wind from geopotential.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from weather.grid import LatLonGrid
from weather.models.reconstruction import Reconstruction
from weather.state import State
from weather.training.objectives import cell_weights
from weather.variables import Variables


class MaskedFieldsConfig(Config):
    """What `MaskedFields` hides.

    Attributes:
        share: of the blocks of a variable that are hidden, on average.
        whole: probability that all blocks of a variable are hidden in a sample.
        block: levels, latitudes and longitudes of a block, in cells.
    """

    share: float = Field(0.5, gt=0, lt=1)
    whole: float = Field(0.2, ge=0, lt=1)
    block: tuple[int, int, int] = (4, 4, 8)


class MaskedFields(nn.Module):
    """Squared error of hidden cells, in standard deviations of their field.

    The mean over the area that is hidden of a variable, on all levels and in all samples;
    then the mean over variables. One is the error of telling each field's mean.

    Args:
        config: see `MaskedFieldsConfig`.
        variables: of the model.
        grid: of the model.
        counted: cells that count, by variable (see `WeatherModel.counted`); None for all.
    """

    surface: Tensor
    upper: Tensor

    def __init__(
        self,
        config: MaskedFieldsConfig,
        variables: Variables,
        grid: LatLonGrid,
        counted: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        shapes = (len(variables.surface),), (len(variables.upper), len(variables.levels))
        areas = [cell_weights(grid, cells).float() for cells in counted or (None, None)]
        for name, axes, area in zip(("surface", "upper"), shapes, areas, strict=True):
            self.register_buffer(name, area.expand(*axes, *grid.shape).clone())

    def forward(self, model: Reconstruction, batch: State) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch of single times, without further terms."""
        hidden = draw(self.config, batch)
        told, truth = model.reconstruct(batch, hidden), model.normalized(batch)
        areas = (self.surface, self.upper)
        kinds = [_error(*parts) for parts in zip(told, truth, hidden, areas, strict=True)]
        errors, weights = (torch.cat(parts) for parts in zip(*kinds, strict=True))
        losses = errors / weights.clamp(min=1e-6)
        return losses.sum() / (weights > 0).sum().clamp(min=1), {}


def _error(told: Tensor, truth: Tensor, hidden: Tensor, area: Tensor) -> tuple[Tensor, Tensor]:
    """Sums (variable,) of squared errors over the area that is hidden, and that area."""
    weight = hidden * area
    error = torch.where(weight > 0, told - truth, 0.0).float().square() * weight
    others = [axis for axis in range(error.ndim) if axis != 1]
    return error.sum(others), weight.sum(others)


def draw(config: MaskedFieldsConfig, batch: State) -> tuple[Tensor, Tensor]:
    """Which cells of a batch are hidden, drawn from torch's random numbers.

    Returns:
        (batch, variable, lat, lon) and (batch, variable, level, lat, lon), true where hidden.
    """
    samples, _, surface, *grid = batch.surface.shape
    _, _, upper, levels, *_ = batch.upper.shape
    on_surface = _blocks((samples, surface), (1, *grid), config)[:, :, 0]
    on_levels = _blocks((samples, upper), (levels, *grid), config)
    return on_surface.to(batch.surface.device), on_levels.to(batch.upper.device)


def _blocks(each: tuple[int, int], size: tuple[int, ...], config: MaskedFieldsConfig) -> Tensor:
    """Hidden blocks (*each, *size), the first of them cut at a random place."""
    drawn = torch.rand(*each, *(-(-n // b) + 1 for n, b in zip(size, config.block, strict=True)))
    hidden = (drawn < config.share) | (torch.rand(*each, 1, 1, 1) < config.whole)
    for axis, (cells, block) in enumerate(zip(size, config.block, strict=True), start=2):
        first = int(torch.randint(block, ()))
        hidden = hidden.repeat_interleave(block, axis).narrow(axis, first, cells)
    return hidden

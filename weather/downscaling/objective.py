"""The loss of downscaling."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from weather.downscaling.downscaler import refine
from weather.downscaling.refinement import Refinement
from weather.models.model import WeatherModel
from weather.state import State
from weather.training.objectives import ForecastLoss, ForecastLossConfig, Weight


class DownscalingLossConfig(Config):
    """Configuration of a `DownscalingLoss`.

    Attributes:
        kind: tells this objective from a forecast's.
        norm: absolute or squared error.
        levels: weight of levels: all alike, or proportional to pressure.
        weights: of variables; those not named weigh 1.
    """

    kind: Literal["downscaling"] = "downscaling"
    norm: Literal["l1", "mse"] = "mse"
    levels: Literal["uniform", "pressure"] = "uniform"
    weights: dict[str, Weight] = Field(default={})


class DownscalingLoss(nn.Module):
    """Error of what a model makes of a field's means, in units of interpolation's usual error.

    Args:
        config: see `DownscalingLossConfig`.
        refinement: of the model's grid and masks.
        model: for its variables.
    """

    def __init__(
        self, config: DownscalingLossConfig, refinement: Refinement, model: WeatherModel
    ) -> None:
        super().__init__()
        options = config.model_dump(exclude={"kind"})
        self.refinement = refinement
        counted = refinement.masks.counted() if refinement.masks else None
        self.loss = ForecastLoss(
            ForecastLossConfig(**options), model.variables, model.grid, counted
        )

    def forward(self, model: WeatherModel, batch: State) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch of single times, without further terms."""
        fine = refine(model, self.refinement, self.refinement.coarsen(batch))
        return self.loss.error(model, fine, batch), {}

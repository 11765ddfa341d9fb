"""Boundary data of a limited area, at the times a forecast needs them."""

from collections.abc import Callable

from torch import Tensor

from weather.models.model import WeatherModel
from weather.state import State


def bounded(model: WeatherModel, later: Callable[[Tensor], State]) -> Callable[[State], State]:
    """A step model that is given boundary data; a model without a frame as it is.

    Args:
        model: one time step.
        later: boundary data (batch, 1, ...) of valid times (batch,).
    """
    if model.frame is None:
        return model
    return lambda state: model(state, later(state.time[:, -1] + model.step))

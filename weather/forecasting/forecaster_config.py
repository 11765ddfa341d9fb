"""What builds a forecasting model anew, as the header of its file holds it."""

from pathlib import Path
from typing import Self

from sciml.config import Config
from sciml.model_file import read_config
from weather.grid import LatLonGrid
from weather.models.model import ModelConfig, WeatherModel
from weather.models.steps import StepHours, in_seconds
from weather.variables import Variables

KIND = "weather.forecaster"


class ForecasterConfig(Config):
    """All that builds a model anew.

    Attributes:
        model: backbone and inputs; null for a model of another program.
        variables: names and levels.
        grid: the only grid it works on.
        step_hours: time step, or several that the model takes at choice.
        masked: variables that are defined on part of the grid.
    """

    model: ModelConfig | None
    variables: Variables
    grid: LatLonGrid
    step_hours: StepHours
    masked: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The configuration in the header of a model file; the weights are not read.

        Raises:
            InputError: not a model file, or one of another kind or format.
        """
        return read_config(cls, path, KIND)

    def build(self) -> WeatherModel:
        """A model with fresh weights."""
        if self.model is None:
            raise ValueError("a model of another program is not built here; load its file")
        steps = in_seconds(self.step_hours)
        return WeatherModel(self.model, self.variables, self.grid, steps, self.masked)

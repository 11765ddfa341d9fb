"""The forecast model as an equation.

x(t + dt) = x(t) + s f((x(t) - m) / d, (x(t) - x(t - dt)) / s, static, position, forcing)

m and d are the mean and standard deviation of each field, s is the standard deviation of
its change over a time step, and f is a backbone. The change is what GraphCast predicts
(supplement section 3.5); it is also how the past is best seen, since x(t - dt) itself
differs from x(t) by little. Outside f all values are physical.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.fields import Inputs, Widths
from weather.models.forcing import forcing
from weather.models.graph import GraphConfig, GridGraph
from weather.models.statistics import Statistics
from weather.models.transformer import GridTransformer, TransformerConfig
from weather.state import State
from weather.variables import Variables

Backbone = Annotated[TransformerConfig | GraphConfig, Field(discriminator="kind")]


class ModelConfig(Config):
    """What a user chooses of a model.

    Attributes:
        history: past states that are seen, the present one included.
        position: give sine and cosine of latitude and longitude as inputs.
        backbone: window transformer or graph network.
    """

    history: int = Field(1, ge=1, le=8)
    position: bool = True
    backbone: Backbone = TransformerConfig()


class WeatherModel(nn.Module):
    """One time step of the atmosphere.

    Statistics and static fields are buffers: set them before training; a model file
    carries them.

    Args:
        config: see `ModelConfig`.
        variables: names and levels.
        grid: latitudes and longitudes.
        step: seconds of a time step.
    """

    position: Tensor
    lat: Tensor
    lon: Tensor

    def __init__(
        self, config: ModelConfig, variables: Variables, grid: LatLonGrid, step: int
    ) -> None:
        super().__init__()
        self.history, self.step = config.history, step
        self.variables, self.grid = variables, grid
        self.statistics = Statistics(variables)
        self.static = nn.Module()
        for name in variables.static:
            self.static.register_buffer(name, torch.zeros(grid.shape))
        self.register_buffer("position", _position(grid, config.position), persistent=False)
        self.register_buffer("lat", _degrees(grid.lat), persistent=False)
        self.register_buffer("lon", _degrees(grid.lon), persistent=False)
        widths = Widths.of(variables, config.history, config.position)
        self.backbone: GridTransformer | GridGraph
        match config.backbone:
            case TransformerConfig():
                self.backbone = GridTransformer(config.backbone, widths, grid.shape, grid.periodic)
            case GraphConfig():
                self.backbone = GridGraph(config.backbone, widths, grid)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.position.device

    def set_static(self, fields: Mapping[str, Tensor]) -> None:
        """Take static fields (lat, lon) in any unit; they are kept normalized."""
        for name in self.variables.static:
            field = fields[name].to(torch.float64)
            spread = field.std(correction=0).clamp(min=1e-12)
            getattr(self.static, name).copy_((field - field.mean()) / spread)

    def forward(self, state: State) -> State:
        """Forecast one time step.

        Args:
            state: at least `history` times; the last ones are used.

        Returns:
            One time, `step` seconds after the last.
        """
        if state.times < self.history:
            raise InputError(f"{state.times} past states; this model needs {self.history}")
        state = state.at(slice(-self.history, None))
        surface, upper = self.backbone(self.inputs(state))
        # bfloat16 ends here: changes are added in single precision
        surface = surface.to(state.surface.dtype) * self.statistics.surface("change")
        upper = upper.to(state.upper.dtype) * self.statistics.upper("change")
        last = state.at(slice(-1, None))
        return replace(
            last,
            surface=last.surface + surface.unsqueeze(1),
            upper=last.upper + upper.unsqueeze(1),
            time=last.time + self.step,
        )

    def inputs(self, state: State) -> Inputs:
        """Normalized inputs of the backbone: the last state, and the changes that led to it."""
        return Inputs(
            surface=_recent(state.surface, *self.statistics.surface_moments()),
            upper=_recent(state.upper, *self.statistics.upper_moments()),
            extra=self._extra(state.time[:, -1]).to(state.surface.dtype),
        )

    def _extra(self, time: Tensor) -> Tensor:
        """Static fields, position, and forcing at the middle of the step."""
        static = [getattr(self.static, name) for name in self.variables.static]
        fixed = torch.cat([torch.stack(static), self.position]) if static else self.position
        driven = forcing(self.variables.forcing, time + self.step // 2, self.lat, self.lon)
        return torch.cat([fixed.expand(time.shape[0], -1, -1, -1), driven], dim=1)


def _recent(fields: Tensor, mean: Tensor, std: Tensor, change: Tensor) -> Tensor:
    """(batch, time, variable, ...) -> (batch, variable * time, ...), each of order one."""
    last = (fields[:, -1:] - mean) / std
    return torch.cat([last, fields.diff(dim=1) / change], dim=1).transpose(1, 2).flatten(1, 2)


def _degrees(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _position(grid: LatLonGrid, wanted: bool) -> Tensor:
    """(channel, lat, lon) sine and cosine of latitude and longitude."""
    if not wanted:
        return torch.zeros(0, *grid.shape)
    lat = torch.deg2rad(_degrees(grid.lat))[:, None].expand(grid.shape)
    lon = torch.deg2rad(_degrees(grid.lon))[None, :].expand(grid.shape)
    return torch.stack([lat.sin(), lat.cos(), lon.sin(), lon.cos()]).float()

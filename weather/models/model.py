"""The forecast model as an equation.

x(t + dt) = D [x(t) + s f((x(t) - m) / d, (x(t) - x(t - dt)) / s, static, position, forcing)]

m and d are the mean and standard deviation of each field, s is the standard deviation of
its change over a time step, and f is a backbone. The change is what GraphCast predicts
(supplement section 3.5); it is also how the past is best seen, since x(t - dt) itself
differs from x(t) by little. Outside f all values are physical. D damps the shortest waves,
or is left out (`diffusion`).

With several time steps dt, f also depends on dt, s is dt's, and one state is seen: so
steps may follow each other in any order (Nguyen et al. 2024, Stormer, section 3). Where
members are to differ, f depends on a vector of noise too (`noise`).

Cells where a field is not defined hold m inside f, which is told of them by a channel of
ones (`masks`). Over a limited area f is also given the coming change in the frame around
it, and x(t + dt) there is that of boundary data (`boundary`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.models.boundary import BoundaryConfig, Frame
from weather.models.diffusion import Diffusion, DiffusionConfig
from weather.models.fields import Inputs, Widths
from weather.models.forcing import forcing
from weather.models.graph import GraphConfig, GridGraph
from weather.models.low_pass import LowPass
from weather.models.masks import Masks
from weather.models.noise import NoiseConfig, NoiseEmbedding
from weather.models.statistics import Statistics
from weather.models.steps import WIDTH, StepEmbedding, in_hours
from weather.models.transformer import GridTransformer, TransformerConfig
from weather.state import State
from weather.variables import Variables

Backbone = Annotated[TransformerConfig | GraphConfig, Field(discriminator="kind")]


class ModelConfig(Config):
    """What a user chooses of a model.

    Attributes:
        history: past states that are seen, the present one included.
        position: give sine and cosine of latitude and longitude as inputs.
        cutoff: shortest waves that changes may hold, as the `LowPass` counts them; null
            for all. With 0.67 forecasts of smooth data gain a little; near-surface winds
            and moisture of analyses hold much beyond it.
        diffusion: damping of short waves in each new state; null for none.
        backbone: window transformer or graph network.
        boundary: cells at the edges of a limited area that are given, not forecast.
        noise: that the members of an ensemble differ by; trained with `objective.kind: crps`.
    """

    history: int = Field(1, ge=1, le=8)
    position: bool = True
    cutoff: float | None = Field(None, gt=0)
    diffusion: DiffusionConfig | None = None
    backbone: Backbone = TransformerConfig()
    boundary: BoundaryConfig | None = None
    noise: NoiseConfig | None = None


class WeatherModel(nn.Module):
    """One time step of the atmosphere, or one of several at choice.

    Statistics, static fields and masks are buffers: set them before training; a model
    file carries them.

    Args:
        config: see `ModelConfig`.
        variables: names and levels.
        grid: latitudes and longitudes.
        step: seconds of a time step, or of several that the model can take.
        masked: variables that are defined on part of the grid (see `Masks`).

    Attributes:
        steps: seconds, ascending.
        step: the shortest.

    Raises:
        InputError: several time steps and a history.
    """

    position: Tensor
    lat: Tensor
    lon: Tensor

    def __init__(
        self,
        config: ModelConfig,
        variables: Variables,
        grid: LatLonGrid,
        step: int | Sequence[int],
        masked: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.steps = (step,) if isinstance(step, int) else tuple(sorted(set(step)))
        self.history, self.step = config.history, self.steps[0]
        several = len(self.steps) > 1
        if several and self.history > 1:
            raise InputError(
                f"model.history is {self.history}; a model of several time steps sees one "
                "state, so that any step may follow any other: set model.history to 1"
            )
        self.variables, self.grid = variables, grid
        self.statistics = Statistics(variables, len(self.steps))
        self.static = nn.Module()
        for name in variables.static:
            self.static.register_buffer(name, torch.zeros(grid.shape))
        self.register_buffer("position", _position(grid, config.position), persistent=False)
        self.register_buffer("lat", _degrees(grid.lat), persistent=False)
        self.register_buffer("lon", _degrees(grid.lon), persistent=False)
        self.masks = Masks(variables, grid, masked)
        self.frame = Frame(config.boundary, grid) if config.boundary else None
        widths = Widths.of(variables, config.history, config.position, masked, config.boundary)
        condition = WIDTH if several or config.noise else None
        self.backbone: GridTransformer | GridGraph
        match config.backbone:
            case TransformerConfig():
                self.backbone = GridTransformer(
                    config.backbone, widths, grid.shape, grid.periodic, condition
                )
            case GraphConfig():
                self.backbone = GridGraph(config.backbone, widths, grid, condition)
        self.low_pass = LowPass(variables, grid, config.cutoff) if config.cutoff else None
        self.diffusion = Diffusion(config.diffusion, variables, grid) if config.diffusion else None
        self.embed_step = StepEmbedding() if several else None
        self.embed_noise = NoiseEmbedding(config.noise) if config.noise else None

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.position.device

    def set_static(self, fields: Mapping[str, Tensor]) -> None:
        """Take static fields (lat, lon) in any unit; they are kept normalized."""
        for name in self.variables.static:
            field = fields[name].to(torch.float64)
            known = field[field.isfinite()]
            spread = known.std(correction=0).clamp(min=1e-12)
            getattr(self.static, name).copy_(((field - known.mean()) / spread).nan_to_num())

    def forward(
        self,
        state: State,
        step: int | None = None,
        boundary: State | None = None,
        noise: Tensor | None = None,
    ) -> State:
        """Forecast one time step.

        Args:
            state: at least `history` times; the last ones are used.
            step: seconds, one of `steps`; default the shortest.
            boundary: one time, `step` seconds after the last, for a model with a frame;
                only the frame is read.
            noise: (batch, noise) normal numbers, for a model that depends on some; None
                takes zeros, in the middle of its members.

        Returns:
            One time, `step` seconds after the last; NaN in masked cells.

        Raises:
            InputError: too few states, a step that the model does not take, or no boundary
                data for a model with a frame.
        """
        step = step or self.step
        which = self.which(step)
        if state.times < self.history:
            raise InputError(f"{state.times} past states; this model needs {self.history}")
        state = self.masks.fill(state.at(slice(-self.history, None)), self.statistics)
        if boundary is not None:
            boundary = self.masks.fill(boundary.to(state.surface.device), self.statistics)
        inputs = self.inputs(state, step, boundary)
        surface, upper = self.backbone(inputs, self._condition(step, inputs.extra, noise))
        if self.low_pass is not None:
            surface, upper = self.low_pass(surface, upper)
        # bfloat16 ends here: changes are added in single precision
        surface = surface.to(state.surface.dtype) * self.statistics.surface("change", which)
        upper = upper.to(state.upper.dtype) * self.statistics.upper("change", which)
        last = state.at(slice(-1, None))
        forecast = replace(
            last,
            surface=last.surface + surface.unsqueeze(1),
            upper=last.upper + upper.unsqueeze(1),
            time=last.time + step,
        )
        if self.diffusion is not None:
            forecast = self._damp(self.diffusion, forecast, step)
        if self.frame is not None and boundary is not None:
            forecast = self.frame.overwrite(forecast, boundary)
        return self.masks.blank(forecast)

    def which(self, step: int) -> int:
        """Place of a time step in seconds among `steps`.

        Raises:
            InputError: the model does not take it.
        """
        if step not in self.steps:
            raise InputError(
                f"a time step of {step / 3600:g} h; this model takes {in_hours(self.steps)}: "
                "choose among these"
            )
        return self.steps.index(step)

    def inputs(self, state: State, step: int, boundary: State | None = None) -> Inputs:
        """Normalized inputs of the backbone: the last state, and the changes that led to it."""
        extra = [self._extra(state.time[:, -1], step).to(state.surface.dtype)]
        aloft = [_recent(state.upper, *self.statistics.upper_moments())]
        last, which = state.at(slice(-1, None)), self.which(step)
        for on_surface, on_levels in self._regional(last, boundary, which):
            extra.append(on_surface)
            aloft.append(on_levels)
        return Inputs(
            surface=_recent(state.surface, *self.statistics.surface_moments()),
            upper=torch.cat(aloft, dim=1),
            extra=torch.cat(extra, dim=1),
        )

    def counted(self) -> tuple[Tensor, Tensor] | None:
        """Cells that a loss or score counts: neither masked nor given; None for all.

        Returns:
            (variable, lat, lon) and (variable, level, lat, lon).
        """
        if self.frame is None:
            return self.masks.counted()
        surface, upper = ~self.masks.surface(), ~self.masks.upper()
        return surface & ~self.frame.cells, upper & ~self.frame.cells

    def normal(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of the training data by channel, such as `z500`."""
        moments = [self.statistics.channels(name).tolist() for name in ("mean", "std")]
        return dict(zip(self.variables.channels, zip(*moments, strict=True), strict=True))

    def _damp(self, diffusion: Diffusion, state: State, step: int) -> State:
        """A state of one time without some of its short waves.

        A field that is not defined everywhere stays as it is: it has no waves, and what stands
        in its holes would run into the rest.
        """
        surface, upper = state.surface[:, 0], state.upper[:, 0].flatten(1, 2)
        mean = self.statistics.channels("mean")[:, None, None]
        before = torch.cat([surface, upper], dim=1)
        fields = diffusion(before - mean, step / 3600) + mean
        if self.masks.masked:
            fields = torch.where(self.masks.holed()[:, None, None], before, fields)
        surface, upper = fields.split([surface.shape[1], upper.shape[1]], dim=1)
        return replace(state, surface=surface.unsqueeze(1), upper=upper.reshape(state.upper.shape))

    def _condition(self, step: int, like: Tensor, noise: Tensor | None = None) -> Tensor | None:
        """(batch, condition), where there are several time steps or noise."""
        parts = []
        if self.embed_step is not None:
            parts.append(self.embed_step(like.new_full((like.shape[0],), step)))
        if self.embed_noise is not None:
            zeros = like.new_zeros(like.shape[0], self.embed_noise.in_features)
            parts.append(self.embed_noise(zeros if noise is None else noise.to(like)))
        elif noise is not None:
            raise ValueError("noise for a model that does not depend on any; leave it out")
        return torch.stack(parts).sum(0) if parts else None

    def _regional(
        self, last: State, boundary: State | None, which: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs of masks and of the frame, on the surface and on levels."""
        if self.masks.masked:
            yield self.masks.channels(len(last))
        if self.frame is not None:
            if boundary is None:
                raise InputError(
                    "this model covers a limited area and needs boundary data of each valid time; "
                    "give them with --boundary"
                )
            yield self.frame.channels(last, boundary, self.statistics, which)

    def _extra(self, time: Tensor, step: int) -> Tensor:
        """Static fields, position, and forcing at the middle of the step."""
        static = [getattr(self.static, name) for name in self.variables.static]
        fixed = torch.cat([torch.stack(static), self.position]) if static else self.position
        driven = forcing(self.variables.forcing, time + step // 2, self.lat, self.lon)
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

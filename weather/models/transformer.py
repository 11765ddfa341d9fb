"""The window transformer on the Earth's grid: patches to tokens and back.

With patches of a few levels the tokens stand on (level, lat, lon), the surface in front
of the lowest levels, as in Pangu-Weather; with patches of all levels they stand on
(lat, lon), and surface and upper air share a token.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sciml.errors import InputError
from sciml.transformer import WindowTransformer
from sciml.transformer_config import WindowTransformerConfig
from weather.models.bias import EarthBias, RelativeBias
from weather.models.channels import NamedInputs, NamedOutputs, side_by_side
from weather.models.fields import Inputs, Widths
from weather.models.halo import with_halo


class TransformerConfig(WindowTransformerConfig):
    """A `WindowTransformer` on a grid.

    Attributes:
        patch: levels, latitudes and longitudes of a token; levels null takes all levels
            and the surface together, which leaves a 2-D grid of tokens.
        halo: cells around a patch that its token also sees; 2-D tokens only.
        bias: `earth` (Pangu-Weather) or `relative` (Swin).
    """

    patch: tuple[int | None, int, int] = (None, 1, 1)
    halo: int = Field(0, ge=0)
    bias: Literal["earth", "relative"] = "relative"


class GridTransformer(nn.Module):
    """Fields to tokens, a `WindowTransformer`, tokens to fields; all values normalized.

    Where the grid is not a whole number of patches it is padded at the end, and cropped
    afterwards. Longitude closes on itself where the grid spans the globe. No norm stands
    before the head: by way of the residual stream it sees a linear map of the fields around
    each token, which is most of a short step, and learns it sooner.

    Args:
        config: see `TransformerConfig`.
        widths: channels of each variable.
        grid: (lat, lon) cells.
        periodic: whether longitude closes on itself.
        condition: length of a vector that the changes depend on; None for none.
    """

    def __init__(
        self,
        config: TransformerConfig,
        widths: Widths,
        grid: tuple[int, int],
        periodic: bool,
        condition: int | None = None,
    ) -> None:
        super().__init__()
        patch_levels, *patch = config.patch
        if periodic and grid[1] % patch[1]:
            raise InputError(
                f"{grid[1]} longitudes around the globe are not a whole number of patches of "
                f"{patch[1]}; choose another model.backbone.patch"
            )
        tokens = tuple(math.ceil(n / p) for n, p in zip(grid, patch, strict=True))
        self.embed: PlanarEmbedding | LevelEmbedding
        self.head: PlanarHead | LevelHead
        axes: tuple[int, ...] = tokens
        closed: tuple[bool, ...] = (False, periodic)
        if patch_levels is None:
            self.embed = PlanarEmbedding(config, widths, periodic)
        else:
            axes = (1 + math.ceil(widths.levels / patch_levels), *tokens)
            closed = (False, False, periodic)
            self.embed = LevelEmbedding(config, widths)
        self.transformer = WindowTransformer(config, axes, closed, _make_bias(config), condition)
        features = self.transformer.out_dim
        head = PlanarHead if patch_levels is None else LevelHead
        self.head = head(config, widths, features, grid)

    def forward(self, inputs: Inputs, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Normalized inputs, and (batch, condition), to normalized changes.

        Returns:
            Surface (batch, variable, lat, lon) and upper air
            (batch, variable, level, lat, lon).
        """
        return self.head(self.transformer(self.embed(inputs), condition=condition))


class PlanarEmbedding(nn.Module):
    """All fields around a patch of (lat, lon) to one token: a strided convolution."""

    def __init__(self, config: TransformerConfig, widths: Widths, periodic: bool) -> None:
        super().__init__()
        _, *self.patch = config.patch
        self.halo, self.periodic = config.halo, periodic
        kernel = [size + 2 * config.halo for size in self.patch]
        fan_in = math.prod(kernel) * sum(widths.inputs.values())
        self.surface = NamedInputs(config.dim, widths.surface, fan_in, kernel)
        self.extra = NamedInputs(config.dim, widths.extra, fan_in, kernel)
        self.upper = NamedInputs(config.dim, widths.upper_with_levels, fan_in, kernel)
        aloft = widths.extra_upper_with_levels
        self.extra_upper = NamedInputs(config.dim, aloft, fan_in, kernel)
        self.bias = nn.Parameter(torch.zeros(config.dim))

    def forward(self, inputs: Inputs) -> Tensor:
        """-> (batch, lat, lon, dim) tokens."""
        fields = torch.cat([inputs.surface, inputs.extra, inputs.upper.flatten(1, 2)], dim=1)
        weight = side_by_side(self.surface, self.extra, self.upper, self.extra_upper)
        fields = self._pad(fields)
        if self.halo == 0 and self.patch == [1, 1]:
            return F.linear(fields.permute(0, 2, 3, 1), weight.flatten(1), self.bias)
        return F.conv2d(fields, weight, self.bias, stride=self.patch).permute(0, 2, 3, 1)

    def _pad(self, fields: Tensor) -> Tensor:
        """The halo, and zeros up to whole patches."""
        end = _missing(fields.shape[-2:], self.patch)
        return F.pad(with_halo(fields, self.halo, self.periodic), end)


class LevelEmbedding(nn.Module):
    """Upper air by patches of (level, lat, lon), the surface as a plane of tokens in front.

    Levels run from the ground upwards, so that the surface's neighbours are the lowest.
    """

    def __init__(self, config: TransformerConfig, widths: Widths) -> None:
        super().__init__()
        if config.halo:
            raise InputError("a halo needs 2-D tokens; set the first number of patch to null")
        if not widths.levels:
            raise InputError("no levels in the data; set the first number of patch to null")
        levels, *self.patch = config.patch
        self.levels = levels or widths.levels
        area = math.prod(self.patch)
        on_surface = area * sum([*widths.surface.values(), *widths.extra.values()])
        aloft = self.levels * area * sum([*widths.upper.values(), *widths.extra_upper.values()])
        kernel = (self.levels, *self.patch)
        self.surface = NamedInputs(config.dim, widths.surface, on_surface, self.patch)
        self.extra = NamedInputs(config.dim, widths.extra, on_surface, self.patch)
        self.upper = NamedInputs(config.dim, widths.upper, aloft, kernel)
        self.extra_upper = NamedInputs(config.dim, widths.extra_upper, aloft, kernel)
        self.surface_bias = nn.Parameter(torch.zeros(config.dim))
        self.upper_bias = nn.Parameter(torch.zeros(config.dim))

    def forward(self, inputs: Inputs) -> Tensor:
        """-> (batch, 1 + level, lat, lon, dim) tokens."""
        end = _missing(inputs.extra.shape[-2:], self.patch)
        ground = F.pad(torch.cat([inputs.surface, inputs.extra], dim=1), end)
        weight = side_by_side(self.surface, self.extra)
        plane = F.conv2d(ground, weight, self.surface_bias, stride=self.patch)
        upper = inputs.upper.flip(2)
        upper = F.pad(upper, (*end, 0, -upper.shape[2] % self.levels))
        stride = [self.levels, *self.patch]
        weight = side_by_side(self.upper, self.extra_upper)
        planes = F.conv3d(upper, weight, self.upper_bias, stride=stride)
        return torch.cat([plane.unsqueeze(2), planes], dim=2).permute(0, 2, 3, 4, 1)


class PlanarHead(nn.Module):
    """Each token of (lat, lon) to all fields of its patch."""

    def __init__(
        self, config: TransformerConfig, widths: Widths, features: int, grid: tuple[int, int]
    ) -> None:
        super().__init__()
        _, *self.patch = config.patch
        self.grid, self.levels = grid, widths.levels
        area = math.prod(self.patch)
        self.surface = NamedOutputs(features, dict.fromkeys(widths.surface, area))
        self.upper = NamedOutputs(features, dict.fromkeys(widths.upper, area * widths.levels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, lat, lon, feature) -> fields."""
        surface = _unpatch(self.surface(x), self.patch, self.grid)
        upper = _unpatch(self.upper(x), self.patch, self.grid)
        return surface, upper.unflatten(1, (len(self.upper), self.levels))


class LevelHead(nn.Module):
    """The first plane of tokens to the surface, the others to the upper air."""

    def __init__(
        self, config: TransformerConfig, widths: Widths, features: int, grid: tuple[int, int]
    ) -> None:
        super().__init__()
        levels, *self.patch = config.patch
        self.grid, self.levels, self.patch_levels = grid, widths.levels, levels or widths.levels
        area = math.prod(self.patch)
        aloft = area * self.patch_levels
        self.surface = NamedOutputs(features, dict.fromkeys(widths.surface, area))
        self.upper = NamedOutputs(features, dict.fromkeys(widths.upper, aloft))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1 + level, lat, lon, feature) -> fields."""
        surface = _unpatch(self.surface(x[:, 0]), self.patch, self.grid)
        patch = [self.patch_levels, *self.patch]
        upper = _unpatch(self.upper(x[:, 1:]), patch, (self.levels, *self.grid))
        return surface, upper.flip(2)


def _missing(size: Sequence[int], patch: Sequence[int]) -> tuple[int, int, int, int]:
    """What `F.pad` adds at the end of (lat, lon) to make whole patches."""
    return 0, -size[1] % patch[1], 0, -size[0] % patch[0]


def _unpatch(x: Tensor, patch: list[int], size: tuple[int, ...]) -> Tensor:
    """(batch, *tokens, variable * patch) -> (batch, variable, *size), cropped at the end."""
    axes = len(patch)
    tokens = x.shape[1:-1]
    x = x.unflatten(-1, (x.shape[-1] // math.prod(patch), *patch))
    order = [a for axis in range(axes) for a in (1 + axis, 2 + axes + axis)]
    x = x.permute(0, 1 + axes, *order)
    x = x.reshape(*x.shape[:2], *(n * p for n, p in zip(tokens, patch, strict=True)))
    return x[(slice(None), slice(None), *(slice(n) for n in size))]


def _make_bias(config: TransformerConfig) -> type[EarthBias] | type[RelativeBias]:
    match config.bias:
        case "earth":
            return EarthBias
        case "relative":
            return RelativeBias

"""Scale-selective damping of the new state, as spectral models of the atmosphere have it.

What is wrong near the grid's shortest waves costs a forecast of a few days next to nothing,
so that little in a training takes it away; over weeks it piles up. Each wave of total
wavenumber n is therefore multiplied after a time step of h hours by

    exp(-h r (n (n + 1) / (N (N + 1)))^order) <= 1,

as in Held & Suarez (1994, Bull. Amer. Meteor. Soc. 75, 1825), where `order` is 4. N is the
shortest wave whose products the grid can carry, two thirds of all (Orszag 1971, J. Atmos. Sci.
28, 1074). The rates r are learned, one for each field; the network learns what is to be given
back.
"""

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from weather.grid import LatLonGrid
from weather.models.harmonics import Meridional, Zonal
from weather.variables import Variables, describe


class DiffusionConfig(Config):
    """How a new state is damped.

    Attributes:
        order: of the Laplacian; the larger, the less the longer waves are damped.
        hours: in which wave N falls to 1/e before training.
    """

    order: int = Field(4, ge=1, le=8)
    hours: float = Field(24.0, gt=0)


class Diffusion(nn.Module):
    """Damps the short waves of each variable and level at a rate of its own.

    The components of a wind have one rate; over a limited area they are damped as scalars. A
    model leaves fields with masked cells as they are.

    Args:
        config: see `DiffusionConfig`.
        variables: names and levels.
        grid: latitudes and longitudes; memory grows as the third power of its rows, some 0.14 GB
            at 1 degree and 9 GB at a quarter.
    """

    order: Tensor
    back: Tensor

    def __init__(self, config: DiffusionConfig, variables: Variables, grid: LatLonGrid) -> None:
        super().__init__()
        self.power, self.shortest = config.order, _shortest(grid)
        widths = dict.fromkeys(variables.surface, 1)
        widths |= dict.fromkeys(variables.upper, len(variables.levels))
        winds = [*_winds(variables.surface), *_winds(variables.upper)] if grid.periodic else []
        self.east, north = [u for u, _ in winds], [v for _, v in winds]
        self.single = [name for name in widths if name not in {*self.east, *north}]
        self.log_rate = nn.ParameterDict()
        for name in (*self.single, *self.east):
            start = torch.full((widths[name],), -float(np.log(config.hours)))
            self.log_rate[name] = nn.Parameter(start)
        groups = (self.single, self.east, north)
        self.counts = [sum(widths[name] for name in group) for group in groups]
        places = torch.arange(sum(widths.values())).split(list(widths.values()))
        place = dict(zip(widths, places, strict=True))
        order = torch.cat([place[name] for group in groups for name in group])
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)
        self.zonal = Zonal(grid)
        waves = self.zonal.waves
        self.scalars = Meridional(grid, waves)
        self.eastward = Meridional(grid, waves, spin=1) if winds else None
        self.westward = Meridional(grid, -waves, spin=1) if winds else None

    def forward(self, fields: Tensor, hours: float) -> Tensor:
        """(batch, channel, lat, lon) in the order of `Variables.channels` -> the same."""
        with torch.autocast(fields.device.type, enabled=False):
            inside = fields.to(self.zonal.to_waves.dtype)
            single, u, v = inside[:, self.order].split(self.counts, dim=1)
            damped = torch.cat([self._scalars(single, hours), *self._winds(u, v, hours)], dim=1)
        return damped[:, self.back].to(fields.dtype)

    def _scalars(self, fields: Tensor, hours: float) -> Tensor:
        if not self.single:
            return fields
        factors = self._factors(self.single, self.scalars, hours)
        return self.zonal.compose(*(self.scalars(w, factors) for w in self.zonal.analyse(fields)))

    def _winds(self, u: Tensor, v: Tensor, hours: float) -> tuple[Tensor, Tensor]:
        """u + iv is a sum of waves exp(imx) and exp(-imx), whose Laplacians differ."""
        if self.eastward is None or self.westward is None:
            return u, v
        (u_cos, u_sin), (v_cos, v_sin) = self.zonal.analyse(u), self.zonal.analyse(v)
        plus = self._factors(self.east, self.eastward, hours)
        minus = self._factors(self.east, self.westward, hours)
        plus_real = self.eastward(u_cos + v_sin, plus) / 2
        plus_imaginary = self.eastward(v_cos - u_sin, plus) / 2
        minus_real = self.westward(u_cos - v_sin, minus) / 2
        minus_imaginary = self.westward(v_cos + u_sin, minus) / 2
        u = self.zonal.compose(plus_real + minus_real, minus_imaginary - plus_imaginary)
        v = self.zonal.compose(plus_imaginary + minus_imaginary, plus_real - minus_real)
        return u, v

    def _factors(self, names: Sequence[str], waves: Meridional, hours: float) -> Tensor:
        """(channel, m, n) of these variables."""
        rate = torch.cat([self.log_rate[name] for name in names]).exp()
        selective = (waves.scale / (self.shortest * (self.shortest + 1))) ** self.power
        return torch.exp(-hours * rate[:, None, None] * selective)


def _winds(group: Sequence[str]) -> list[tuple[str, str]]:
    """Names of the components of each wind, which differ in their first letter alone."""
    known = [(name, describe(name)) for name in group]
    eastward = [name for name, each in known if each and each.standard_name == "eastward_wind"]
    pairs = [(name, f"v{name[1:]}") for name in eastward]
    return [(u, v) for u, v in pairs if v in group]


def _shortest(grid: LatLonGrid) -> float:
    """Two thirds of the waves that the spacing of rows can carry."""
    spacing = np.radians(grid.lat[0] - grid.lat[-1]) / (len(grid.lat) - 1)
    return float(2 / 3 * np.pi / spacing)

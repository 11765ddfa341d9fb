"""Forecast changes without the waves that are too short for the grid to carry.

What a network adds near the length of two cells is noise wherever the data hold nothing
there, and over a long forecast it piles up: most of all close to the poles, where the cells
of a latitude-longitude grid stand much closer than the atmosphere's waves.

Waves are those of a double Fourier series on the sphere (Merilees 1973; Orszag 1974, Monthly
Weather Review 102, 56): a meridian goes on over the pole along the opposite one, where the
components of wind change sign. Across the edges of a limited area fields are mirrored.
"""

import torch
from torch import Tensor, nn

from weather.grid import LatLonGrid
from weather.variables import Variables, describe

_WINDS = ("eastward_wind", "northward_wind")


class LowPass(nn.Module):
    """Leaves out the waves shorter than a limit, and changes nothing else.

    Args:
        variables: names and levels.
        grid: rows as good as evenly spaced, as Gaussian ones are.
        cutoff: wavenumber that is kept, over the largest that the grid can carry along a
            parallel, or along a meridian; above zero. Two thirds keep products on the grid
            free of aliasing (Orszag 1971, J. Atmos. Sci. 28, 1074).
    """

    keep: Tensor
    surface_sign: Tensor
    upper_sign: Tensor

    def __init__(self, variables: Variables, grid: LatLonGrid, cutoff: float) -> None:
        super().__init__()
        self.rows, self.columns = grid.shape
        self.poles = grid.periodic and self.columns % 2 == 0 and _reaches_poles(grid)
        self.pole_rows = self.poles and grid.has_poles
        self.periodic = grid.periodic
        self.register_buffer("keep", self._wavenumbers() <= cutoff + 1e-9, persistent=False)
        for name, group in (("surface", variables.surface), ("upper", variables.upper)):
            self.register_buffer(f"{name}_sign", _signs(group, self.poles), persistent=False)

    def forward(self, surface: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, variable, lat, lon), (batch, variable, level, lat, lon): in float32 at least."""
        surface = self._filter(surface.unsqueeze(2), self.surface_sign).squeeze(2)
        return surface, self._filter(upper, self.upper_sign)

    def _filter(self, fields: Tensor, sign: Tensor) -> Tensor:
        """(batch, variable, level, lat, lon) -> the same."""
        if not fields.numel():
            return fields
        if fields.dtype in (torch.float16, torch.bfloat16):
            fields = fields.float()  # no Fourier transform in these
        extended = self._extend(fields, sign)
        waves = torch.fft.rfft2(extended) * self.keep
        return torch.fft.irfft2(waves, s=extended.shape[-2:])[..., : self.rows, : self.columns]

    def _extend(self, fields: Tensor, sign: Tensor) -> Tensor:
        """A field that goes on at its end where it began, along both axes."""
        if not self.periodic:
            fields = torch.cat([fields, fields.flip(-1)], dim=-1)
        beyond = fields.flip(-2)
        if self.pole_rows:
            beyond = beyond[..., 1:-1, :]
        if self.poles:
            beyond = beyond.roll(self.columns // 2, dims=-1) * sign
        return torch.cat([fields, beyond], dim=-2)

    def _wavenumbers(self) -> Tensor:
        """(lat, lon), the shortest wave along an axis having one."""
        rows = 2 * self.rows - (2 if self.pole_rows else 0)
        columns = self.columns if self.periodic else 2 * self.columns
        along = 2 * torch.fft.rfftfreq(columns, dtype=torch.float64)
        across = 2 * torch.fft.fftfreq(rows, dtype=torch.float64)
        return (along**2 + across[:, None] ** 2).sqrt()


def _reaches_poles(grid: LatLonGrid) -> bool:
    """Whether both ends of the grid meet a pole, with a row on it or none."""
    bounds = grid.latitude_bounds()
    on_pole = [abs(abs(lat) - 90) < 1e-3 for lat in (grid.lat[0], grid.lat[-1])]
    return bool(bounds[0] == 90 and bounds[-1] == -90 and on_pole[0] == on_pole[1])


def _signs(group: tuple[str, ...], poles: bool) -> Tensor:
    """(variable, 1, 1, 1): -1 for components of wind, which turn round beyond a pole."""
    known = [describe(name) for name in group]
    turns = [poles and each is not None and each.standard_name in _WINDS for each in known]
    return torch.tensor([-1.0 if turn else 1.0 for turn in turns]).view(-1, 1, 1, 1)

"""From terrain-following sigma layers to pressure levels, in hydrostatic balance.

Between layer centres temperature and wind are linear in ln p, so the hydrostatic
equation dΦ = -R T dln p integrates exactly. From the lowest centre down, and on
below the ground, temperature follows the standard lapse rate of 6.5 K km⁻¹: with
α = R Γ / g, T ∝ p^α, again integrated exactly. Wind below the lowest centre is held
constant. This is the usual reduction (Trenberth et al. 1993, NCAR/TN-396, §3;
ECMWF IFS documentation, part VI "FULL-POS") without its special cases for very
warm and very cold ground.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]

GRAVITY = 9.80665  # m s-2, standard gravity (ISO 80000-3)
LAPSE_RATE = 0.0065  # K m-1, ICAO standard atmosphere


@dataclass(frozen=True)
class SigmaColumn:
    """Temperature on sigma layers above a surface; all arrays in float64.

    Attributes:
        sigma: (layer,) centres, p / surface pressure, top to bottom.
        temperature: (layer, lat, lon) K.
        surface_pressure: (lat, lon) Pa.
        surface_geopotential: (lat, lon) m2 s-2.
        gas_constant: of dry air, J kg-1 K-1.
    """

    sigma: Field
    temperature: Field
    surface_pressure: Field
    surface_geopotential: Field
    gas_constant: float

    @property
    def alpha(self) -> float:
        """Exponent R Γ / g of temperature in pressure under the standard lapse rate."""
        return self.gas_constant * LAPSE_RATE / GRAVITY

    def geopotential(self) -> Field:
        """Geopotential at the layer centres, (layer, lat, lon) in m2 s-2."""
        lowest = self._sink(self.temperature[-1], -np.log(self.sigma[-1]))
        mean = 0.5 * (self.temperature[1:] + self.temperature[:-1])
        thickness = self.gas_constant * mean * np.diff(np.log(self.sigma))[:, None, None]
        above = np.cumsum(thickness[::-1], axis=0)[::-1]
        bottom = self.surface_geopotential + lowest
        return bottom + np.concatenate([above, np.zeros_like(above[:1])])

    def mean_sea_level_pressure(self) -> Field:
        """Pressure at geopotential zero, (lat, lon) in Pa."""
        temperature = self.temperature[-1]
        bottom = self.surface_geopotential + self._sink(temperature, -np.log(self.sigma[-1]))
        scale = self.alpha * bottom / (self.gas_constant * temperature)
        return self.surface_pressure * self.sigma[-1] * (1 + scale) ** (1 / self.alpha)

    def to_pressure(self, pressure: Field) -> tuple[Field, Field]:
        """Temperature (K) and geopotential (m2 s-2) on pressure levels.

        Args:
            pressure: (level,) Pa, below the highest layer centre.

        Returns:
            Two arrays (level, lat, lon).
        """
        index, depth, weight = self._bracket(pressure)
        lower = np.take_along_axis(self.temperature, index, 0)
        upper = np.take_along_axis(self.temperature, index - 1, 0)
        inside = upper + weight * (lower - upper)
        below = np.maximum(depth, 0)  # ln(p / p_lowest) where p lies under the lowest centre
        temperature = np.where(depth > 0, lower * np.exp(self.alpha * below), inside)
        rise = 0.5 * self.gas_constant * (inside + lower) * -np.minimum(depth, 0)
        geopotential = np.take_along_axis(self.geopotential(), index, 0)
        return temperature, geopotential + rise - self._sink(lower, below)

    def interpolate(self, field: Field, pressure: Field) -> Field:
        """`field` (layer, lat, lon) on levels in Pa, linear in ln p, constant below."""
        index, _, weight = self._bracket(pressure)
        lower = np.take_along_axis(field, index, 0)
        upper = np.take_along_axis(field, index - 1, 0)
        return upper + np.minimum(weight, 1) * (lower - upper)

    def _sink(self, temperature: Field, depth: Field | float) -> Field:
        """Geopotential lost from a centre down to `depth` = ln p / p_centre ≥ 0."""
        return self.gas_constant * temperature / self.alpha * np.expm1(self.alpha * depth)

    def _bracket(self, pressure: Field) -> tuple[NDArray[np.int64], Field, Field]:
        """Index of the centre below each level, ln p / p of that centre, and its weight."""
        target = np.log(pressure)[:, None, None] - np.log(self.surface_pressure)
        centres = np.log(self.sigma)
        index = np.clip(np.searchsorted(centres, target), 1, len(centres) - 1)
        depth = target - centres[index]
        return index, depth, 1 + depth / (centres[index] - centres[index - 1])

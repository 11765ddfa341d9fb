"""Random fields on the sphere with a correlation length, and correlated from level to level."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import sph_legendre_p_all

from weather.grid import LatLonGrid
from weather.sphere import EARTH_RADIUS

_TAIL = 1e-4  # of the variance that may lie beyond the last wave number
_MOST = 300  # wave numbers
Values = NDArray[np.float64]


class SphericalNoise:
    """Gaussian noise, isotropic on the sphere, with variance one everywhere.

    A sum of spherical harmonics with independent normal coefficients of variance

        C_l ~ exp(-l (l + 1) L^2 / (2 a^2)),

    the heat kernel of the sphere of radius a, so that two points d apart correlate as
    exp(-d^2 / (2 L^2)) where d is much shorter than a.

    Args:
        grid: where it is wanted, any latitudes and longitudes.
        length: L, km.

    Attributes:
        variances: (degree,) share of the variance at each wave number l, summing to one.
    """

    def __init__(self, grid: LatLonGrid, length: float) -> None:
        if not length > 0:
            raise ValueError(f"a correlation length of {length:g} km; expected more than 0")
        every = np.arange(_MOST + 1)
        spectrum = (2 * every + 1) * np.exp(-every * (every + 1) * (length / EARTH_RADIUS) ** 2 / 2)
        share = np.cumsum(spectrum) / spectrum.sum()
        self.degree = int(np.argmax(share >= 1 - _TAIL))
        self.variances = spectrum[: self.degree + 1] / spectrum[: self.degree + 1].sum()
        self.harmonics = self._harmonics(np.asarray(grid.lat))
        orders = np.arange(self.degree + 1)[:, None] * np.radians(np.asarray(grid.lon))
        self.cosines, self.sines = np.cos(orders), np.sin(orders)

    def sample(self, generator: np.random.Generator, number: int) -> Values:
        """Independent fields, (number, lat, lon)."""
        shape = (2, number, self.degree + 1, self.degree + 1)
        real, imaginary = generator.standard_normal(shape)  # (field, degree, order)
        along = np.einsum("flm,lmy->fmy", real, self.harmonics)
        across = np.einsum("flm,lmy->fmy", imaginary, self.harmonics)
        return np.einsum("fmy,mx->fyx", along, self.cosines) + np.einsum(
            "fmy,mx->fyx", across, self.sines
        )

    def _harmonics(self, lat: Values) -> Values:
        """(degree, order, lat), each scaled so that its coefficients have variance one."""
        angle = np.pi / 2 - np.radians(lat)
        values = sph_legendre_p_all(self.degree, self.degree, angle)[0][:, : self.degree + 1]
        power = 4 * np.pi * self.variances / (2 * np.arange(self.degree + 1) + 1)
        values = values * np.sqrt(power)[:, None, None]
        values[:, 1:] *= np.sqrt(2)
        return values


def vertical_factor(levels: tuple[float, ...], depth: float) -> Values:
    """Makes columns of independent noise correlate as exp(-|ln p - ln p'| / depth).

    Args:
        levels: hPa.
        depth: in units of ln p; a scale height is one.

    Returns:
        (level, level), to multiply independent noise (level, ...) with.
    """
    height = np.log(np.asarray(levels, float))
    return np.linalg.cholesky(np.exp(-np.abs(np.subtract.outer(height, height)) / depth))

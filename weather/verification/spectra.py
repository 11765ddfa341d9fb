"""Power by zonal wavenumber: how much of the small scales a forecast keeps.

Around the globe a row is a Fourier series. A limited area is not periodic: its rows
are cosine series, whose variance has no jump at the edges (Denis, Côté and Laprise
2002, Monthly Weather Review 130, 1812, §2).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from weather.grid import LatLonGrid
from weather.sphere import EARTH_RADIUS

BAND = (30.0, 60.0)  # degrees from the equator: where weather systems are
LONGEST = 5000.0  # km, from which on shorter waves are looked for
KEPT = 0.5  # share of power below which a scale counts as lost

Values = NDArray[np.float64]


def zonal_spectrum(field: NDArray[np.floating], periodic: bool) -> Values:
    """Power by zonal wavenumber; its sum over wavenumbers is the mean square of a row.

    Args:
        field: (..., lon) evenly spaced.
        periodic: whether the row goes around the globe.

    Returns:
        (..., wavenumber): 0 .. lon / 2 around the globe; 0 .. lon - 1 half waves across
        a limited area. In the square of the field's unit.
    """
    length = field.shape[-1]
    if not periodic:
        return fft.dct(field, type=2, norm="ortho") ** 2 / length
    power = np.abs(fft.rfft(field)) ** 2 / length**2
    both = slice(1, (length + 1) // 2)  # a wave and its mirror; not the mean, nor the shortest
    power[..., both] *= 2
    return power


def band_weights(grid: LatLonGrid) -> Values:
    """(lat,) weights of the rows, with sum one: 30 to 60 degrees of both hemispheres.

    All rows of a grid that has none there.
    """
    distance = np.abs(np.array(grid.lat))
    weights = grid.area_weights() * ((distance >= BAND[0]) & (distance <= BAND[1]))
    weights = weights if weights.any() else grid.area_weights()
    return weights / weights.sum()


def band_spectrum(fields: NDArray[np.floating], grid: LatLonGrid, weights: Values) -> Values:
    """Mean spectrum of the rows of a band; NaN if any of its cells is.

    Args:
        fields: (..., lat, lon).
        grid: of the fields.
        weights: (lat,) from `band_weights`.

    Returns:
        (..., wavenumber)
    """
    rows = weights > 0
    power = zonal_spectrum(fields[..., rows, :], grid.periodic)
    return np.einsum("...yk,y->...k", power, weights[rows])


def wavelengths(grid: LatLonGrid, weights: Values) -> Values:
    """(wavenumber,) km, at the band's mean latitude; infinite for wavenumber 0."""
    circle = 2 * np.pi * EARTH_RADIUS * float(np.cos(np.radians(grid.lat)) @ weights)
    if grid.periodic:
        wavenumber = np.arange(len(grid.lon) // 2 + 1)
        length = circle
    else:
        wavenumber = np.arange(len(grid.lon))
        length = 2 * circle * (grid.lon[1] - grid.lon[0]) * len(grid.lon) / 360
    return np.divide(length, wavenumber, out=np.full(len(wavenumber), np.inf), where=wavenumber > 0)


def effective_resolution(forecast: Values, truth: Values, wavelength: Values) -> float:
    """The shortest wave that the forecast still has: km.

    Going from 5000 km to shorter waves, the last before the power falls below half of the
    analyses', or rises above twice: what is noise is not resolved. The shortest wave of
    the grid if that never happens; longer waves are too few to be judged by their power.

    Args:
        forecast, truth: (wavenumber,) power, wavenumber 0 first and left out of account.
        wavelength: (wavenumber,) km.
    """
    own, true = forecast[1:], truth[1:]
    if not (np.isfinite(own).all() and np.isfinite(true).all()):
        return float("nan")
    lost = np.flatnonzero((own < KEPT * true) | (KEPT * own > true))
    lost = lost[wavelength[1:][lost] <= LONGEST]
    last = lost[0] if len(lost) else len(wavelength) - 1
    return float(wavelength[last])

"""The standard atmosphere: which height belongs to which pressure."""

import math

from weather.files.units import STANDARD_GRAVITY

GAS_CONSTANT = 287.05287  # J kg-1 K-1, dry air, ICAO Doc 7488/3
SEA_LEVEL_PRESSURE = 1013.25  # hPa

# Geopotential height (m), temperature (K) and its gradient (K m-1) where layers begin.
_LAYERS = (
    (0.0, 288.15, -6.5e-3),
    (11e3, 216.65, 0.0),
    (20e3, 216.65, 1e-3),
    (32e3, 228.65, 2.8e-3),
    (47e3, 270.65, 0.0),
    (51e3, 270.65, -2.8e-3),
    (71e3, 214.65, -2e-3),
)


def standard_pressure(height: float) -> float:
    """Pressure in hPa at a geopotential height in m; see `standard_height`."""
    pressure = SEA_LEVEL_PRESSURE
    for number, (base, temperature, gradient) in enumerate(_LAYERS):
        above = _LAYERS[number + 1][0] if number + 1 < len(_LAYERS) else math.inf
        top = min(height, above)
        pressure *= _ratio(top - base, temperature, gradient)
        if height <= above:
            break
    return pressure


def standard_height(pressure: float) -> float:
    """Geopotential height in m at a pressure in hPa.

    Within a layer that begins at height h0, pressure p0 and temperature T0 with
    gradient L: h = h0 + (T0 / L) ((p / p0)^(-R L / g) - 1), and without a gradient
    h = h0 - (R T0 / g) ln(p / p0): ICAO Doc 7488/3 (1993), which is the US Standard
    Atmosphere 1976 up to 80 km; the topmost layer is continued.
    """
    bases = [standard_pressure(layer[0]) for layer in _LAYERS]
    number = max([0, *(i for i, base in enumerate(bases) if pressure < base)])
    height, temperature, gradient = _LAYERS[number]
    logarithm = math.log(pressure / bases[number])
    if gradient == 0:
        return height - GAS_CONSTANT * temperature / STANDARD_GRAVITY * logarithm
    exponent = -GAS_CONSTANT * gradient / STANDARD_GRAVITY
    return height + temperature / gradient * math.expm1(exponent * logarithm)


def _ratio(thickness: float, temperature: float, gradient: float) -> float:
    """Pressure at the top of a layer over that at its bottom."""
    if gradient == 0:
        return math.exp(-STANDARD_GRAVITY * thickness / (GAS_CONSTANT * temperature))
    warmer = 1 + gradient * thickness / temperature
    return float(warmer ** (-STANDARD_GRAVITY / (GAS_CONSTANT * gradient)))

"""Specific humidity from relative humidity, where a file has only the latter."""

import numpy as np
import xarray as xr

from weather.files.chunks import computable
from weather.files.history import noted
from weather.variables import KNOWN

GAS_CONSTANTS = 287.0597 / 461.5250  # dry air over water vapour
TRIPLE_POINT, ALL_ICE = 273.16, 250.16  # K


def saturation_pressure(temperature: xr.DataArray) -> xr.DataArray:
    """Saturation vapour pressure over water, ice below 250.16 K, and mixed between.

    Teten's formula, 611.21 Pa exp(a (T - 273.16 K) / (T - b)), with a = 17.502 and
    b = 32.19 K over water, 22.587 and -0.7 K over ice; the share of water is
    ((T - 250.16 K) / 23 K)^2 (IFS documentation Cy47r3, part IV, section 7.4.2).

    Args:
        temperature: K.

    Returns:
        Pa.
    """
    above = temperature - TRIPLE_POINT
    water = 611.21 * np.exp(17.502 * above / (temperature - 32.19))
    ice = 611.21 * np.exp(22.587 * above / (temperature + 0.7))
    share = ((temperature - ALL_ICE) / (TRIPLE_POINT - ALL_ICE)).clip(0, 1) ** 2
    return share * water + (1 - share) * ice


def with_specific_humidity(dataset: xr.Dataset) -> xr.Dataset:
    """Add `q` to a canonical data set that has `r` and `t` on levels but no `q`.

    q = e R / (p - (1 - R) e) with vapour pressure e = r e_s(t) and R the ratio of the
    gas constants. Centres differ in what they call saturated below 0 degrees C; this is
    ECMWF's way, and NCEP's differs by some per cent in cold air.
    """
    levels = [name for name in ("r", "t") if name in dataset and "level" in dataset[name].dims]
    if "q" in dataset or levels != ["r", "t"]:
        return dataset
    ratio, pressure = GAS_CONSTANTS, 100.0 * dataset["level"]
    relative, temperature = computable(dataset["r"]), computable(dataset["t"])
    vapour = relative.clip(0) / 100 * saturation_pressure(temperature)
    q = (ratio * vapour / (pressure - (1 - ratio) * vapour)).astype(temperature.dtype)
    q = q.transpose(*temperature.dims).assign_attrs(KNOWN["q"].attributes)
    line = "q computed from r and t (IFS documentation Cy47r3, part IV, 7.4.2)"
    return noted(dataset.assign(q=q), line)

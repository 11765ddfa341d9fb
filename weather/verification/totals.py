"""Rain since the start of a forecast, as ECMWF gives it, brought to that between lead times."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from weather.dates import HOUR
from weather.files.accumulations import accumulated, accumulation, stated_hours
from weather.files.chunks import computable
from weather.files.history import SUMS_OVER
from weather.verification.checked import said

_NAMES = ("cp", "lsp", "sf", "tp")  # not radiation: its sums of few hours grow, too, till noon
_LOOKED_AT = {"time": 8, "member": 1, "lat": 64, "lon": 64}  # at most, evenly spread
_ROUNDING = 1e-4  # of the largest value; GRIB packs into 16 bits or fewer
_FEWEST = 100  # rises without a fall that are no chance


def increments(
    what: str, forecast: xr.Dataset, tell: Callable[[str], object] = lambda line: None
) -> xr.Dataset:
    """The forecast with rain since its start as sums up to each lead time from the one before.

    Rain is since the start where nothing states its hours and it never falls along lead times.
    It stays as it is where these are not evenly spaced from zero.

    Args:
        what: the forecast is, for messages.
        forecast: from `open_forecast`.
        tell: called with a line for each field that is changed.
    """
    steps = np.diff(forecast["lead_time"].values, prepend=np.timedelta64(0))
    steps = np.unique(steps[forecast["lead_time"].values > np.timedelta64(0)])
    if len(steps) != 1:
        return forecast
    hours = float(steps[0] / HOUR)
    unknown = set(accumulated(forecast)) - set(stated_hours(forecast))
    totals = [name for name in _NAMES if name in unknown and _only_grows(forecast[name])]
    fields = {
        name: _differences(forecast[name]).assign_attrs(forecast[name].attrs | accumulation(hours))
        for name in totals
    }
    ending = f"{SUMS_OVER}{hours:g} h up to each time, of totals since the start"
    return said(what, [name + ending for name in totals], forecast.assign(fields), tell)


def _differences(field: xr.DataArray) -> xr.DataArray:
    """From one lead time to the next, the first from nothing; NaN at zero. Lazily."""
    total = computable(field)
    difference = total - total.shift(lead_time=1, fill_value=0)
    return difference.where(field["lead_time"] > np.timedelta64(0))


def _only_grows(field: xr.DataArray) -> bool:
    """Whether values rise along lead times, in many cells, and fall in none."""
    most = {axis: n for axis, n in _LOOKED_AT.items() if axis in field.dims}
    steps = {axis: slice(None, None, -(-field.sizes[axis] // n)) for axis, n in most.items()}
    some = field.isel(steps).load()
    least = _ROUNDING * float(abs(some).max())
    change = some.diff("lead_time")
    return not (change < -least).any() and int((change > least).sum()) >= _FEWEST

"""Times as they stand on pictures: UTC, always."""

import re

import pandas as pd
import xarray as xr

from weather.dates import HOUR, clock
from weather.files.history import forecasts, history

_LEAD = re.compile(r"forecasts of ([\d.]+) h, by valid time")  # of `weather.files.times`


def times_line(one: xr.Dataset) -> str:
    """Initial, lead and valid time of a forecast; the valid time of an analysis."""
    if "lead_time" not in one.coords:
        return _of_analysis(one)
    initial, valid = one["time"].values, one["valid_time"].values
    return f"Init {clock(initial)}   +{one['lead_time'].values / HOUR:g} h   Valid {clock(valid)}"


def _of_analysis(one: xr.Dataset) -> str:
    """Of fields by valid time: analyses, or forecasts, whose lead time is told if it is one."""
    valid = one["time"].values
    leads = {float(found) for line in history(one) for found in _LEAD.findall(line)}
    if len(leads) != 1:
        return f"{'Forecast' if forecasts(one) else 'Analysis'}   Valid {clock(valid)}"
    (hours,) = leads
    initial = pd.Timestamp(str(valid)) - pd.Timedelta(hours=hours)
    return f"Init {clock(initial.to_datetime64())}   +{hours:g} h   Valid {clock(valid)}"

"""Signs that a file without lead times holds forecasts: initial times, and what programs note.

Of initial times: a variable (`forecast_reference_time`), an attribute of the file or, as wgrib2
has it, of its time axis, and the title of GrADS servers (NOMADS). Of fields: the type of GRIB
that cfgrib and the Climate Data Store note, NCL's `forecast_time`, the descriptions of NCAR's
archive and of NOAA PSL. A file that states none of them, such as CDO writes of GRIB, cannot be
told from analyses.
"""

import re
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from weather.dates import HOUR
from weather.variables import canonical_name, describe

INITIAL = (
    "forecast_reference_time", "reference_time", "init_time", "initial_time", "reftime",
    "initialization_time",
)  # fmt: skip
LEADS = (
    "lead_time", "prediction_timedelta", "step", "forecast_period", "leadtime", "lead",
    "forecast_time", "forecast_hour", "forecast_step",
)  # fmt: skip
_NUMBERED = re.compile(r"\d+(_hours)?$")
_GRADS = re.compile(r"starting from (\d\d)Z(\d\d[a-z]{3}\d{4})", re.IGNORECASE)
_FORECAST = re.compile(r"\bforecast\b", re.IGNORECASE)
_FORECAST_OF = re.compile(r"\bforecast of\b|(hourly|daily) forecast\b", re.IGNORECASE)  # PSL's
_LONGEST = 2 * 8784.0  # hours; an initial time farther away is not that of a forecast
_LATEST = 1e10  # seconds since 1970 that are a date


def plain(name: Hashable) -> str:
    """A name in lower case without NCL's and THREDDS' numbers: `initial_time0_hours`."""
    return _NUMBERED.sub("", str(name).lower())


def lead_hours(
    dataset: xr.Dataset, axis: Hashable, reference: Hashable | None
) -> NDArray[np.float64]:
    """Lead times that initial times tell, ascending; empty where none are stated.

    Args:
        dataset: as read from a file.
        axis: its valid times.
        reference: its initial times, if it has a variable of them.
    """
    if reference is not None and reference != axis:
        return _hours((dataset[axis] - dataset[reference]).values)
    every = (_hours(dataset[axis].values - initial) for initial in _stated(dataset, axis))
    return next((hours for hours in every if hours.size), np.empty(0))


def _hours(leads: NDArray[np.timedelta64]) -> NDArray[np.float64]:
    """Of lead times, ascending; empty where they are too long for a forecast."""
    hours = np.unique(leads[~np.isnat(leads)] / HOUR)
    believed = hours.size and np.abs(hours).max() <= _LONGEST
    return np.unique(hours.clip(min=0)) if believed else np.empty(0)


def noted(dataset: xr.Dataset) -> str:
    """What tells of forecasts without an initial time; empty where nothing does."""
    for name, variable in dataset.variables.items():
        if plain(name) not in LEADS or variable.dtype.kind not in "iuf":
            continue
        if variable.values.any() and not _counts(name, variable.values):
            return f"{name} without a unit"
    fields = [(key, field.attrs) for key, field in dataset.data_vars.items() if not _fixed(key)]
    if any(attributes.get("GRIB_dataType") == "an" for _, attributes in fields):
        return ""  # instantaneous fields that only forecasts have stand beside ERA5's analyses
    return next((f"{key} {sign}" for key, attributes in fields if (sign := _sign(attributes))), "")


def _sign(attributes: dict[str, Any]) -> str:
    """What tells that a field is a forecast; empty where nothing does."""
    kind, instant = attributes.get("GRIB_dataType"), attributes.get("GRIB_stepType")
    if kind in ("fc", "cf", "pf") and instant == "instant":  # sums are forecasts in ERA5, too
        return f"has GRIB type {kind}"
    lead = np.asarray(attributes.get("forecast_time", 0))
    if lead.dtype.kind in "iuf" and lead.any():
        return f"has forecast_time {lead.max():g} {attributes.get('forecast_time_units', 'units')}"
    for key, words in (("product_description", _FORECAST), ("long_name", _FORECAST_OF)):
        if words.search(text := str(attributes.get(key, ""))):
            return f"is {text!r}"
    return ""


def _counts(name: Hashable, values: NDArray[np.generic]) -> bool:
    """Whether these are numbers of steps of a series, as a simulation has them: no lead times."""
    return plain(name) == "step" and np.array_equal(values, np.arange(values.size))


def moving(dataset: xr.Dataset) -> list[Hashable]:
    """Fields that change with time; not ERA5's `z` at the surface, the orography."""
    return [
        key
        for key, field in dataset.data_vars.items()
        if not _fixed(key) and (key, field.attrs.get("GRIB_typeOfLevel")) != ("z", "surface")
    ]


def _fixed(key: Hashable) -> bool:
    """Whether a field does not change with time, whatever it was cut from."""
    known = describe(canonical_name(str(key)))
    return known is not None and known.static


def _stated(dataset: xr.Dataset, axis: Hashable) -> Iterator[np.datetime64]:
    """Initial times that attributes tell."""
    for key, value in dataset.attrs.items():
        if plain(key) in INITIAL and (time := _read(str(value))) is not None:
            yield time
    on_axis = dataset[axis].attrs
    seconds = _number(on_axis.get("reference_time"))
    if "fixed" in str(on_axis.get("reference_time_description", "")) and 0 < seconds < _LATEST:
        yield np.datetime64(round(seconds), "s")
    if found := _GRADS.search(str(dataset.attrs.get("title", ""))):
        day = pd.to_datetime(found[2], format="%d%b%Y", errors="coerce")
        if not pd.isna(day):
            yield (day + pd.Timedelta(hours=int(found[1]))).to_datetime64()


def _read(text: str) -> np.datetime64 | None:
    time = pd.to_datetime(text, errors="coerce", utc=True)
    return None if pd.isna(time) else time.tz_localize(None).to_datetime64()


def _number(value: object) -> float:
    """NaN for what is none."""
    try:
        return float(str(value))
    except ValueError:
        return float("nan")

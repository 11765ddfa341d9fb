"""Times that xarray makes no dates of: CDO's absolute form and cftime's are read, others named."""

import re
import warnings
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import xarray as xr

from sciml.errors import InputError
from weather.dates import YEARS

_ABSOLUTE = re.compile(r"days? as %Y%m%d(\.%f)?")  # of CDO: 20010101.25 is 06 UTC
_UNDECODED = re.compile(r"unable to decode time units '([^']*)'")
_EARTH = ("standard", "gregorian", "proleptic_gregorian")
_ADVICE = "write them as hours since a date, as `cdo setreftime,2001-01-01,00:00:00,hours` does"


@contextmanager
def decoding(source: object) -> Iterator[None]:
    """Where xarray opens a file: says which unit of time it cannot decode.

    Raises:
        InputError: if there is such a unit.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Unable to decode time axis")  # told by calendar
            yield
    except ValueError as error:
        if (found := _UNDECODED.search(str(error))) is None:
            raise
        raise InputError(f"{source}: times come in {found[1]!r}; {_ADVICE}") from error


def with_dates(dataset: xr.Dataset) -> xr.Dataset:
    """Dates of two other forms as datetime64, where they can be read as such.

    CDO's absolute form, `day as %Y%m%d.%f`, to the second; and cftime's dates of the standard
    calendar, which is the same in its proleptic form in all years that can be counted.
    """
    absolute = [k for k in dataset.variables if _ABSOLUTE.fullmatch(_unit(dataset[k]))]
    dates = {key: _dates(dataset[key]) for key in absolute}
    known = {key: time for key, time in dates.items() if not time.isnull().any()}
    for key in dataset.variables:
        foreign = _foreign(dataset, key)
        if foreign is not None and _countable(foreign):
            known[key] = dataset[key].copy(data=_exact(dataset[key].values))
    return dataset.assign(known)


def require_dates(time: xr.DataArray, source: str) -> None:
    """Check that a time axis holds dates.

    Raises:
        InputError: says what it holds, and what to do.
    """
    if time.dtype.kind == "M":
        return
    if time.dtype.kind in "OUS":
        raise InputError(
            f"{source}: times are text, such as {str(time.values[0])!r}; expected dates: "
            f"dataset.assign_coords({time.name}=dataset.{time.name}.astype('datetime64[ns]'))"
        )
    if unit := _unit(time):
        raise InputError(f"{source}: times come in {unit!r}; {_ADVICE}")
    raise InputError(
        f"{source}: times are numbers without a unit; give {time.name} the attribute units, such "
        "as 'hours since 2001-01-01'"
    )


def require_calendar(dataset: xr.Dataset, source: str) -> None:
    """Check that all dates are of the standard calendar, and of years that can be counted.

    Raises:
        InputError: names the calendar, or the years.
    """
    for key in dataset.variables:
        dates = _foreign(dataset, key)
        if dates is None:
            continue
        other = [date.calendar for date in dates if date.calendar not in _EARTH]
        if other:
            raise InputError(
                f"{source} has times of another calendar, {other[0]}; expected the standard one"
            )
        years = " to ".join(dict.fromkeys(f"{date.year}" for date in (dates.min(), dates.max())))
        raise InputError(f"{source} has times of {years}: years go from {YEARS[0]} to {YEARS[-1]}")


def _unit(variable: xr.DataArray) -> str:
    return str(variable.attrs.get("units", "")).strip()


def _dates(time: xr.DataArray) -> xr.DataArray:
    """NaT where they cannot be read, as in single precision, which holds no such days."""
    exact = np.isfinite(time.values) & (time.dtype != np.float32)
    values = np.where(exact, time.values, 0).astype(np.float64)
    days = np.floor(values).astype(np.int64)
    read = pd.to_datetime(days.ravel().astype(str), format="%Y%m%d", errors="coerce")
    seconds = np.round(86400 * (values - days)).astype("timedelta64[s]")
    dates = read.to_numpy("datetime64[ns]").reshape(time.shape) + seconds
    kept = {key: value for key, value in time.attrs.items() if key not in ("units", "calendar")}
    return time.copy(data=dates).drop_attrs().assign_attrs(kept)


def _foreign(dataset: xr.Dataset, key: Hashable) -> np.ndarray | None:
    """Dates of a variable that numpy does not have, if it holds such."""
    variable = dataset[key]
    if variable.dtype != object or not variable.size or variable.ndim > 2:
        return None
    dates = np.array([value for value in np.ravel(variable.values) if _is_foreign(value)])
    return dates if dates.size else None


def _is_foreign(value: object) -> bool:
    return type(value).__module__.startswith("cftime")


def _exact(values: np.ndarray) -> np.ndarray:
    """Dates of cftime as datetime64; NaT for what is none."""
    told = [v.isoformat() if _is_foreign(v) else "NaT" for v in np.ravel(values)]
    return np.array(told, "datetime64[ns]").reshape(values.shape)


def _countable(dates: np.ndarray) -> bool:
    """Whether dates of cftime are of the standard calendar and of years that can be counted."""
    calendars = {date.calendar for date in dates}
    return calendars <= set(_EARTH) and {dates.min().year, dates.max().year} <= set(YEARS)

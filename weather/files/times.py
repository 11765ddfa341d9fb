"""The time axis: valid times, whatever the file calls them; each once, ascending."""

from collections.abc import Hashable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import HOUR, minute
from weather.files.chunks import chunked
from weather.files.forecast_signs import INITIAL, LEADS, lead_hours, noted, plain
from weather.files.history import BY_VALID_TIME, MADE_HERE
from weather.files.time_units import require_calendar, require_dates, with_dates

THERE = "in_file"  # coordinate (initial time, lead time): whether there is anything
_DURATIONS = {  # of UDUNITS or xarray, to xarray's names
    short: name
    for name, shorts in {
        "days": ("d", "day", "days"),
        "hours": ("h", "hr", "hrs", "hour", "hours"),
        "minutes": ("min", "mins", "minute", "minutes"),
        "seconds": ("s", "sec", "secs", "second", "seconds"),
        "milliseconds": ("ms", "millisecond", "milliseconds"),
        "microseconds": ("us", "microsecond", "microseconds"),
        "nanoseconds": ("ns", "nanosecond", "nanoseconds"),
    }.items()
    for short in shorts
}


def valid_times(dataset: xr.Dataset, source: str) -> tuple[xr.Dataset, str | None, list[str]]:
    """Put the fields on one axis `time`, of the times that they are valid for.

    Analyses have it already. Forecasts get it where no two of them are valid for the
    same time: a single lead time, a single run, or runs that follow one another.

    Returns:
        The data set, its own name of the axis, and what was changed.

    Raises:
        InputError: forecasts without initial time, or with several for one time; dates of
            another calendar.
    """
    dataset = with_leads(with_dates(dataset))
    dated = [key for key in dataset.variables if dataset[key].dtype.kind == "M"]
    require_calendar(dataset, source)
    reference = _first(dataset, [k for k in dated if _is_reference(dataset[k])])
    dates = [k for k in dated if not _is_reference(dataset[k]) and _is_date(dataset, k)]
    valid = _first(dataset, [key for key in dates if _is_valid(dataset[key])])
    other = _first(dataset, [key for key in dates if not _is_valid(dataset[key])])
    lead = next((key for key in dataset.variables if _is_lead(dataset[key], "m")), None)
    bare = [str(d) for d, n in dataset.sizes.items() if plain(d) in LEADS and d != lead and n > 1]
    base = other if reference is None else reference
    if lead in dataset.dims and valid is not None and lead not in dataset[valid].dims:
        base, valid = base or valid, None
    if lead is None and not bare:
        axis = valid or other or reference
        return (*_on_axis(dataset, axis), _told_otherwise(dataset, axis, reference, source))
    if lead is None:
        raise InputError(f"{source} holds forecasts: {unreadable_lead(dataset, bare[0])}")
    if valid is None and base is None:
        raise InputError(
            f"{source} holds forecasts (dimension {lead!r}) without initial time; expected analyses"
        )
    times = dataset[valid] if valid is not None else dataset[base] + dataset[lead]
    alone = [d for d in (lead, base) if times.ndim == 2 and times.sizes.get(d) == 1][:1]
    return _by_valid_time(dataset.squeeze(alone), times.squeeze(alone), lead, base or valid, source)


def tidy_times(dataset: xr.Dataset, source: str) -> tuple[xr.Dataset, list[str]]:
    """Times ascending, each once.

    Raises:
        InputError: times that are no dates, a time that comes twice with different values.
    """
    if "time" not in dataset.dims:
        return dataset, []
    require_dates(dataset["time"], source)
    lines, times = [], dataset["time"].values
    if np.isnat(times).any():
        raise InputError(f"{source}: a time is missing; mend the file")
    if (np.diff(times) < np.timedelta64(0)).any():
        dataset = dataset.isel(time=np.argsort(times, kind="stable"))
        lines.append(f"{source}: times sorted")
    times = dataset["time"].values
    again = np.flatnonzero(np.diff(times) == np.timedelta64(0)) + 1
    for position in again:
        pair = dataset.isel(time=[position - 1, position]).drop_vars("time")
        if not pair.isel(time=0).equals(pair.isel(time=1)):
            raise InputError(
                f"{source}: time {minute(times[position])} comes twice with different values; "
                "keep one of them"
            )
    if len(again):
        lines.append(
            f"{source}: dropped {len(again)} repeated times, from {minute(times[again[0]])}"
        )
        dataset = dataset.isel(time=np.setdiff1d(np.arange(len(times)), again))
    return dataset, lines


def time_of(dataset: xr.Dataset) -> Hashable:
    """The dimension of a file as it is that runs along time; `time` where there is none."""
    dated = [d for d in dataset.dims if d in dataset.coords and dataset[d].dtype.kind == "M"]
    return dated[0] if dated else "time"


def with_leads(dataset: xr.Dataset) -> xr.Dataset:
    """Lead times as timedelta64, also where a file gives them as numbers: of hours, h, days."""
    leads = [k for k in dataset.variables if _is_lead(dataset[k], "iuf")]
    units = {key: _DURATIONS.get(_unit(dataset[key])) for key in leads}
    known = {key: dataset[key].assign_attrs(units=unit) for key, unit in units.items() if unit}
    if not known:
        return dataset
    decoded = xr.decode_cf(dataset.assign_coords(known)[list(known)], decode_timedelta=True)
    return dataset.assign_coords({key: decoded[key] for key in known})


def unreadable_lead(dataset: xr.Dataset, key: Hashable | None = None) -> str:
    """Why numbers that are named like lead times are none; empty where there are no such."""
    every = (k for k in dataset.variables if _is_lead(dataset[k], "iuf"))
    key = next(every, key)
    if key is None:
        return ""
    if dataset[key].dtype.kind == "M":
        return f"{key} holds dates; expected hours"
    unit = _unit(dataset[key])
    return f"{key} {f'comes in {unit!r}' if unit else 'has no unit'}; expected hours"


def _unit(variable: xr.DataArray) -> str:
    return str(variable.attrs.get("units", "")).strip().lower()


def _is_lead(variable: xr.DataArray, kinds: str) -> bool:
    named = (
        plain(variable.name) in LEADS or variable.attrs.get("standard_name") == "forecast_period"
    )
    return named and variable.ndim <= 1 and variable.dtype.kind in kinds


def _is_reference(variable: xr.DataArray) -> bool:
    standard = variable.attrs.get("standard_name")
    return standard == "forecast_reference_time" or plain(variable.name) in INITIAL


def _is_valid(variable: xr.DataArray) -> bool:
    return str(variable.name) == "valid_time" or variable.attrs.get("standard_name") == "time"


def _is_date(dataset: xr.Dataset, key: Hashable) -> bool:
    return key in dataset.dims or str(key) in ("time", "valid_time") or _is_valid(dataset[key])


def _first(dataset: xr.Dataset, keys: list[Hashable]) -> Hashable | None:
    """The one that spans a dimension, or else the first."""
    return next((key for key in keys if key in dataset.dims), keys[0] if keys else None)


def _on_axis(dataset: xr.Dataset, axis: Hashable | None) -> tuple[xr.Dataset, str | None]:
    """Name the axis `time` and drop what else is dated."""
    others = [k for k in dataset.variables if dataset[k].dtype.kind in "mM" and k != axis]
    others = [k for k in others if k in dataset.coords]
    if axis is None:
        return dataset.drop_vars(others), None
    along = dataset[axis].dims
    if len(along) == 1 and along[0] != axis:
        dataset = dataset.swap_dims({along[0]: axis})
    dataset = dataset.drop_vars(others).rename({axis: "time"} if axis != "time" else {})
    times = dataset["time"].values.astype("datetime64[ns]")
    return dataset.assign_coords(time=(dataset["time"].dims, times)), str(axis)


def _by_valid_time(
    dataset: xr.Dataset, times: xr.DataArray, lead: Hashable, own: Hashable, source: str
) -> tuple[xr.Dataset, str | None, list[str]]:
    """Fields of one or several runs on the axis of the valid times that they have."""
    values = times.values.astype("datetime64[ns]")
    there = dataset[THERE].values if THERE in dataset.coords else np.ones(values.shape, bool)
    if len(np.unique(values[there])) < there.sum():
        raise InputError(
            f"{source} holds forecasts, several for one time (dimensions "
            f"{', '.join(map(str, times.dims))}); select one lead time or one run first"
        )
    hours, here = np.unique(dataset[lead].values / HOUR), "model_sha256" in dataset.attrs
    dated = [key for key in dataset.coords if dataset[key].dtype.kind in "mM"]
    dataset = dataset.drop_vars(dated)
    if times.ndim == 2:
        dataset = _stacked(chunked(dataset, times.dims[0]), times.dims)  # dask reshapes lazily
        kept = np.argsort(values, axis=None, kind="stable")
        kept = kept[there.ravel()[kept]]
        dataset = dataset.isel(time=kept).assign_coords(time=values.ravel()[kept])
    elif times.ndim == 1:
        own = own if times.dims[0] == lead else times.dims[0]
        dataset = dataset.rename({times.dims[0]: "time"}).assign_coords(time=values)
    else:
        dataset = dataset.assign_coords(time=values)
    return dataset, str(own), _leads_line(hours, source, here)


def _stacked(dataset: xr.Dataset, along: tuple[Hashable, ...]) -> xr.Dataset:
    """Two dimensions as one, `time`, in the place of the first."""
    stacked = dataset.stack(valid=along, create_index=False)
    fields = {}
    for key, field in dataset.data_vars.items():
        order = ["valid" if d == along[0] else d for d in field.dims if d != along[1]]
        fields[key] = stacked[key].transpose(*order) if "valid" in order else stacked[key]
    return xr.Dataset(fields, stacked.coords, stacked.attrs).rename(valid="time")


def _told_otherwise(
    dataset: xr.Dataset, axis: Hashable | None, reference: Hashable | None, source: str
) -> list[str]:
    """What is noted of a file without lead times that holds forecasts all the same."""
    if axis is None:
        return []
    here = "model_sha256" in dataset.attrs
    hours = lead_hours(dataset, axis, reference)
    if len(hours):
        return _leads_line(hours, source, here)
    sign = "model_sha256 in its attributes" if here else noted(dataset)
    made = MADE_HERE if here else ""
    return [f"{source}: forecasts of unknown lead time ({sign}){BY_VALID_TIME}{made}"] * bool(sign)


def _leads_line(hours: NDArray[np.float64], source: str, here: bool) -> list[str]:
    """What is noted of forecasts; `here`: whether `weather forecast` made them."""
    if not hours.any():
        return []
    span = f"{hours[0]:g}" if len(hours) == 1 else f"{hours[0]:g} to {hours[-1]:g}"
    return [f"{source}: forecasts of {span} h{BY_VALID_TIME}{MADE_HERE if here else ''}"]

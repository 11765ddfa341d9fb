"""One forecast out of a file: its initial time, lead time, member, and the analysis beside it."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import HOUR, clock
from weather.grid import LatLonGrid

_DAY = np.timedelta64(24, "h")
_TAKE = {  # dimensions of which a map shows one entry
    "time": "take it with .sel(time=...)",
    "lead_time": "take them with select_forecast(forecast)",
    "member": "take it with .isel(member=...), or the mean with .mean('member')",
}


def select_initial(forecast: xr.Dataset, time: np.datetime64 | None) -> xr.Dataset:
    """The forecast of one initial time, default the first.

    Raises:
        InputError: a time that is not in the file.
    """
    times = forecast["time"].values
    time = times[0] if time is None else time
    if time not in times:
        raise InputError(f"no forecast from {clock(time)}; the file has {_some(times)}")
    return forecast.sel(time=time)


def select_forecast(
    forecast: xr.Dataset, time: np.datetime64 | None = None, lead: np.timedelta64 | None = None
) -> xr.Dataset:
    """One initial time (default the first) and lead time (default 24 h, or the last).

    Raises:
        InputError: a time that is not in the file.
    """
    one, leads = select_initial(forecast, time), forecast["lead_time"].values
    lead = (_DAY if _DAY in leads else leads[-1]) if lead is None else lead
    if lead not in leads:
        hours = ", ".join(f"{hour:g}" for hour in leads / HOUR)
        raise InputError(f"no lead time {lead / HOUR:g} h; the file has {hours} h")
    return one.sel(lead_time=lead)


def select_time(analyses: xr.Dataset, time: np.datetime64 | None) -> xr.Dataset:
    """The analysis of one time, default the last.

    Raises:
        InputError: a time that is not there, or no times at all.
    """
    if "time" not in analyses.dims:
        raise InputError("the data state no time; nothing to put on a picture as valid time")
    times = analyses["time"].values
    time = times[-1] if time is None else time
    if time not in times:
        raise InputError(f"no analysis of {clock(time)}; the file has {_some(times)}")
    return analyses.sel(time=time)


def select_member(dataset: xr.Dataset, member: int | None) -> xr.Dataset:
    """One member, or the mean of all; a data set without members as it is.

    Raises:
        InputError: a member that is not there.
    """
    if "member" not in dataset.dims:
        if member is not None:
            raise InputError(f"no member {member}: the file has no ensemble; leave out --member")
        return dataset
    if member is None:
        mean = dataset.mean("member", keep_attrs=True)
        return mean.assign_coords(members=dataset.sizes["member"])
    there = members(dataset)
    if member not in there:
        raise InputError(f"no member {member}; the file has {_listed(there)}")
    one = dataset.isel(member=there.index(member), drop=True)
    return one.assign_coords(chosen_member=member)


def require_one_time(dataset: xr.Dataset, *free: str) -> None:
    """Check that a data set is canonical and of one time, as a map shows it.

    Args:
        dataset: to be drawn.
        free: dimensions that it may have besides level, lat and lon.

    Raises:
        InputError: says what to do.
    """
    if not {"lat", "lon"} <= set(dataset.dims):
        raise InputError(
            f"the data set has the dimensions {', '.join(map(str, dataset.dims))}; a map needs "
            "lat and lon, as open_forecast or open_reanalysis gives them: "
            "draw_map(select_forecast(open_forecast(...)))"
        )
    left = [dim for dim in _TAKE if dim in dataset.dims and dim not in free]
    if left:
        todo = _TAKE["lead_time" if "lead_time" in left else left[0]]
        raise InputError(f"a map shows one {' and one '.join(left)}: {todo}")


def require_members(dataset: xr.Dataset, what: str) -> None:
    """Refuse a file without an ensemble.

    Raises:
        InputError: without a dimension `member` of at least two.
    """
    if dataset.sizes.get("member", 1) < 2:
        raise InputError(
            f"{what} need an ensemble, and the file has no dimension member; it has "
            f"{', '.join(map(str, dataset.sizes))}"
        )


def members(dataset: xr.Dataset) -> list[int]:
    """Numbers of the members: those of the file, or from 0."""
    if "member" in dataset.coords:
        return [int(number) for number in dataset["member"].values]
    return list(range(dataset.sizes["member"]))


def select_analysis(analyses: xr.Dataset, forecast: xr.Dataset) -> xr.Dataset:
    """The analysis of a forecast's valid time, its longitudes counted as the forecast's are.

    Raises:
        InputError: if there is none, or on another grid.
    """
    valid = forecast["valid_time"].values
    if "time" not in analyses.dims or valid not in analyses["time"].values:
        raise InputError(f"the truth has no analysis of {clock(valid)}; leave out --truth")
    grid, there = LatLonGrid.from_dataset(forecast), LatLonGrid.from_dataset(analyses)
    if not grid.matches(there):
        raise InputError(f"the forecast has {grid.describe()}, the truth {there.describe()}")
    same = {axis: forecast[axis].variable for axis in ("lat", "lon")}
    return analyses.sel(time=valid).assign_coords(same)


def _listed(numbers: list[int]) -> str:
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]} to {numbers[-1]}" if whole else ", ".join(map(str, numbers))


def _some(times: NDArray[np.datetime64]) -> str:
    return clock(times[0]) if len(times) == 1 else f"{clock(times[0])} to {clock(times[-1])}"

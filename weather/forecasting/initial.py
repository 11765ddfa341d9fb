"""What a forecast starts from: the times, levels and cells of analyses that a model sees."""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import minute, moment
from weather.models.masks import Masks
from weather.variables import Variables

Times = NDArray[np.datetime64]
Moment = str | np.datetime64 | date


def initial_times(times: Moment | Sequence[Moment] | Times) -> Times:
    """(time,) of one time or several, in UTC where they name no time zone.

    Args:
        times: dates of numpy, Python or pandas, or text such as `2001-01-01T00`.

    Raises:
        InputError: no time, or something that is none.
    """
    several: Iterable[object] = [times]
    if isinstance(times, Sequence | pd.Index | pd.Series) and not isinstance(times, str):
        several = times
    elif isinstance(times, np.ndarray | xr.DataArray):
        several = np.ravel(times)
    found = np.array([_moment(time) for time in several], "datetime64[ns]")
    if not found.size:
        raise InputError("no initial time is given; give at least one")
    return found


def _moment(time: object) -> np.datetime64:
    if isinstance(time, str):
        return moment(time)
    stamp = pd.Timestamp(time) if isinstance(time, np.datetime64 | date) else None
    if stamp is None or pd.isna(stamp):
        raise InputError(f"{time!r} is no time; give dates, or text as 2001-01-01T00")
    utc = stamp if stamp.tzinfo is None else stamp.tz_convert("UTC").tz_localize(None)
    return np.datetime64(utc)


def past_times(initial: Sequence[np.datetime64] | Times, history: int, step: int) -> Times:
    """The times that forecasts start from, the initial time last.

    Args:
        initial: (time,) initial times.
        history: states that the model sees.
        step: seconds between them.

    Returns:
        (time, history).
    """
    back = np.arange(history - 1, -1, -1) * np.timedelta64(step, "s")
    return (np.asarray(initial)[:, None] - back).astype("datetime64[ns]")


def require_times(dataset: xr.Dataset, wanted: Times) -> None:
    """Check that the data has the times.

    Raises:
        InputError: names the first that is missing.
    """
    there = dataset["time"].values
    missing = wanted[~np.isin(wanted, there)]
    if len(missing):
        states = wanted.shape[-1]
        many = f" (the model reads {states} states, up to the initial time)" if states > 1 else ""
        raise InputError(
            f"no analysis at {minute(missing[0])}, which the forecast "
            f"starts from{many}; the data holds {len(there)} times in "
            f"{minute(there[0])}..{minute(there[-1])}"
        )


def in_memory(dataset: xr.Dataset, wanted: Times, variables: Variables) -> xr.Dataset:
    """These times, with the model's fields in memory: they are read once."""
    excerpt = on_levels(dataset.sel(time=np.unique(wanted)), variables.levels)
    needed = [name for name in (*variables.surface, *variables.upper) if name in excerpt]
    return excerpt.assign({name: excerpt[name].load() for name in needed})


def on_levels(dataset: xr.Dataset, levels: Sequence[float]) -> xr.Dataset:
    """These levels (hPa), if the data has them all: what others hold does not matter."""
    if levels and "level" in dataset.dims and np.isin(levels, dataset["level"]).all():
        return dataset.sel(level=list(levels))
    return dataset


def blanked(dataset: xr.Dataset, masks: Masks) -> xr.Dataset:
    """NaN where there is a mask, whatever fills the cells there; lazily."""
    fields = {}
    for name, cells in masks.named().items():
        valid = xr.DataArray(~cells.cpu().numpy(), dims=("level", "lat", "lon")[-cells.ndim :])
        if cells.ndim == 3:
            valid = valid.assign_coords(level=list(masks.variables.levels))
        if name not in dataset or not set(valid.dims) <= set(dataset[name].dims):
            continue
        if "level" in valid.dims:
            valid = valid.reindex(level=dataset["level"].values, fill_value=True)
        fields[name] = dataset[name].where(valid)
    return dataset.assign(fields)

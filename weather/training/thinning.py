"""Which times `weather prepare` keeps, and what becomes of those in between.

Fields of a moment are taken as they are. What accumulates, such as the precipitation of the
hour that ends at each time, is summed over the interval that ends at the time that is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from sciml.wording import count
from weather.dates import interval
from weather.training.accumulations import accumulated, is_running_total
from weather.training.periods import Times

_BLOCK = 8 * 2**20  # bytes


@dataclass(frozen=True)
class Thinned:
    """A data set at the times that are kept.

    Attributes:
        dataset: of these times.
        sums: how many times went into each value, by name of the fields that were summed.
        notes: what a user should know, a line each.
    """

    dataset: xr.Dataset
    sums: dict[str, int]
    notes: tuple[str, ...] = ()


def thin(dataset: xr.Dataset, start: str | None, end: str | None, every: int | None) -> Thinned:
    """Keep some times of analyses; accumulations between them are summed, lazily.

    Args:
        dataset: canonical, with a time axis.
        start, end: dates; a last year or day counts whole. Sums reach back beyond the start.
        every: hours between times, counted from midnight UTC.

    Raises:
        InputError: a choice that the data does not hold; a running total that is no sum of
            the interval.
    """
    times = dataset["time"].values
    keep = _kept(times, start, end, every)
    rows = np.flatnonzero(keep)
    chosen = dataset if keep.all() else dataset.isel(time=rows)
    names = [] if every is None else accumulated(dataset)
    if every is None or not names:
        return Thinned(chosen, {})
    if not (np.diff(_seconds(times)) < 3600 * every).any():
        told = f"{', '.join(names)}: as the data have them, every {every} h, and not summed"
        return Thinned(chosen, {}, (told,))
    totals = [name for name in names if _is_total(dataset[name], every)]
    summed = [name for name in names if name not in totals]
    notes = [f"{name}: a running total of each day, taken at its end" for name in totals]
    if not summed:
        return Thinned(chosen, {}, tuple(notes))
    parts = _parts(times, every)
    whole = rows[parts[rows] > 0]
    if not len(whole):
        raise InputError(
            f"{', '.join(summed)}: no {every} h of the data are whole, so that no sum over them "
            "can be made; choose another --every, or leave the variable out by --variables"
        )
    blocks = in_blocks(dataset[summed])
    sums = {name: _sum(blocks[name], whole, parts[whole]) for name in summed}
    notes += _told(summed, np.setdiff1d(times[rows], times[whole]), every)
    number = dict.fromkeys(summed, int(parts[whole].max()))
    return Thinned(dataset.isel(time=whole).assign(sums), number, tuple(notes))


def gaps(times: Times, step: int) -> list[str]:
    """One line for each place where times are further apart than a step."""
    lines = []
    for before, after in pairwise(times):
        apart = int((after - before) / np.timedelta64(1, "s"))
        if apart > step:
            lines.append(
                f"gap in time: {_minute(before)} to {_minute(after)} "
                f"({apart / 3600:g} h; kept, no sample crosses it)"
            )
    return lines


def in_blocks(dataset: xr.Dataset) -> xr.Dataset:
    """Dask arrays of whole globes; a field that is in no blocks yet is cut along time."""
    blocks = {}
    for name, field in dataset.data_vars.items():
        own = field.encoding.get("preferred_chunks", {}).get("time", 1)
        fit = max(1, _BLOCK * field.sizes["time"] // (field.nbytes * own)) * own
        length = {"time": fit} if field.chunks is None else {}
        blocks[name] = field.chunk({"lat": -1, "lon": -1} | length)
    return dataset.assign(blocks)


def _kept(times: Times, start: str | None, end: str | None, every: int | None) -> NDArray[np.bool_]:
    keep = np.ones(len(times), dtype=bool)
    if start is not None:
        keep &= times >= interval("--start", (start, start))[0]
    if end is not None:
        keep &= times < interval("--end", (end, end))[1]
    if every is not None:
        keep &= _seconds(times) % (3600 * every) == 0
    if not keep.any():
        also = "" if every is None else f", every {every} h from midnight UTC"
        raise InputError(
            f"no times of the data ({len(times)}, {_minute(times[0])} to {_minute(times[-1])}) lie "
            f"in {start or ''}..{end or ''}{also}; widen the choice"
        )
    if every is not None and keep.sum() > 1 and not _apart(times[keep], every):
        raise InputError(
            f"no two times of the data are {every} h apart (its first: "
            f"{', '.join(map(_minute, times[:3]))}); choose another --every"
        )
    return keep


def _parts(times: Times, every: int) -> NDArray[np.int64]:
    """(time,) how many values make up the interval that ends at each time; 0 if it is not whole.

    They follow each other at equal steps. A step that stands alone is a gap.
    """
    seconds, place = _seconds(times), np.arange(len(times))
    steps = np.diff(seconds, prepend=2 * seconds[0] - seconds[1])
    change = np.diff(steps, prepend=0, append=0) != 0  # before each time, and after the last
    run = np.maximum.accumulate(np.where(change[:-1], place, 0))  # where its equal steps began
    number = np.where(3600 * every % steps == 0, 3600 * every // steps, 0)
    alone = change[:-1] & change[1:]
    return np.where(alone | (place - number + 1 < run), 0, number)


def _sum(field: xr.DataArray, rows: NDArray[np.int64], parts: NDArray[np.int64]) -> xr.DataArray:
    """Sums of so many values up to each row."""
    sums, order = [], []
    for number in np.unique(parts):
        places = np.flatnonzero(parts == number)
        terms = [field.isel(time=rows[places] - back).variable for back in range(number)]
        sums.append(sum(terms[1:], terms[0]))
        order.append(places)
    total = xr.Variable.concat(sums, "time") if len(sums) > 1 else sums[0]
    total = total.isel(time=np.argsort(np.concatenate(order)))
    return xr.DataArray(total, {"time": field["time"][rows]}, attrs=field.attrs)


def _told(names: Sequence[str], lost: Times, every: int) -> list[str]:
    lines = [f"{', '.join(names)}: sums over the {every} h up to each time"]
    if len(lost):
        lines.append(
            f"{count(len(lost), 'time')} left out, from {_minute(lost[0])} on: not all of the "
            f"{every} h before are there to be summed"
        )
    return lines


def _is_total(field: xr.DataArray, every: int) -> bool:
    """Whether it is a running total of each day, of which only the end can be taken."""
    if not is_running_total(field):
        return False
    if every != 24:
        raise InputError(
            f"{field.name} is a running total that begins anew once a day (as ERA5-Land's): take "
            "--every 24h, or its differences, or leave it out by --variables"
        )
    return True


def _apart(times: Times, hours: int) -> bool:
    return bool(np.isin(times + np.timedelta64(hours, "h"), times).any())


def _seconds(times: Times) -> NDArray[np.int64]:
    return times.astype("datetime64[s]").astype(np.int64)


def _minute(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]"))

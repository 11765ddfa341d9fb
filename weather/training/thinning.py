"""Which times `weather prepare` keeps, and what becomes of those in between.

Fields of a moment are taken as they are. What accumulates, such as the precipitation of the
hour that ends at each time, is summed over the interval that ends at the time that is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from sciml.wording import count
from weather.dates import interval, minute, unix_seconds
from weather.files.accumulations import (
    HOURS,
    RUNNING,
    accumulated,
    is_running_total,
    stated_hours,
    total,
    whole,
)
from weather.files.chunks import in_globes
from weather.training.periods import Times


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
    chosen = dataset if keep.all() else dataset.isel(time=np.flatnonzero(keep))
    if every is None:
        return Thinned(_stating(chosen, stated_hours(dataset)), {})
    ends, stated = times[keep], stated_hours(dataset)
    ways = {n: _way(dataset[n], ends, every, stated.get(n)) for n in accumulated(dataset)}
    hours = {name: way.hours for name, way in ways.items() if way.hours}
    notes = tuple(way.note for way in ways.values() if way.note)
    numbers = {name: way.numbers for name, way in ways.items() if way.numbers is not None}
    if not numbers:
        return Thinned(_stating(chosen, hours), {}, notes)
    there = np.all([number > 0 for number in numbers.values()], axis=0)
    if not there.any():
        raise InputError(
            f"{', '.join(numbers)}: no {every} h of the data are whole, so that no sum over them "
            "can be made; choose another --every, or leave the variable out by --variables"
        )
    blocks = in_globes(dataset[[*numbers]])
    sums = {n: total(blocks[n], ends[there], every, each[there]) for n, each in numbers.items()}
    kept = _stating(chosen.isel(time=np.flatnonzero(there)).assign(sums), hours)
    most = {name: int(number[there].max()) for name, number in numbers.items()}
    return Thinned(kept, most, (*notes, *_told([*numbers], ends[~there], every)))


def gaps(times: Times, step: int) -> list[str]:
    """One line for each place where times are further apart than a step."""
    lines = []
    for before, after in pairwise(times):
        apart = int((after - before) / np.timedelta64(1, "s"))
        if apart > step:
            lines.append(
                f"gap in time: {minute(before)} to {minute(after)} "
                f"({apart / 3600:g} h; kept, no sample crosses it)"
            )
    return lines


def _kept(times: Times, start: str | None, end: str | None, every: int | None) -> NDArray[np.bool_]:
    keep = np.ones(len(times), dtype=bool)
    if start is not None:
        keep &= times >= interval("--start", (start, start))[0]
    if end is not None:
        keep &= times < interval("--end", (end, end))[1]
    if every is not None:
        keep &= unix_seconds(times) % (3600 * every) == 0
    if not keep.any():
        also = "" if every is None else f", every {every} h from midnight UTC"
        raise InputError(
            f"no times of the data ({len(times)}, {minute(times[0])} to {minute(times[-1])}) lie "
            f"in {start or ''}..{end or ''}{also}; widen the choice"
        )
    if every is not None and keep.sum() > 1 and not _apart(times[keep], every):
        raise InputError(
            f"no two times of the data are {every} h apart (its first: "
            f"{', '.join(map(minute, times[:3]))}); choose another --every"
        )
    return keep


@dataclass(frozen=True)
class _Way:
    """How a field that accumulates comes to the times that are kept.

    Attributes:
        numbers: (end,) how many values are summed, 0 where not all are there; None for a
            field that is taken as it is.
        hours: that its values are of then; None if unknown.
        note: what a user should know.
    """

    numbers: NDArray[np.int64] | None
    hours: float | None
    note: str = ""


def _way(field: xr.DataArray, ends: Times, every: int, own: float | None) -> _Way:
    """How a field is summed that states to be of so many hours, or of none."""
    times = field["time"].values
    if own == every:
        return _Way(None, own)
    if own is not None and (every % own or not _apart(times, own)):
        return _Way(None, own, f"{field.name}: of the {own:g} h up to each time, and not summed")
    if own is not None:
        return _Way(whole(times, ends, every, own), every)
    if not (np.diff(unix_seconds(times)) < 3600 * every).any():
        told = f"{field.name}: as the data have it, every {every} h, and not summed"
        return _Way(None, every if every == 1 else None, told)
    if not is_running_total(field):
        return _Way(_parts(times, every)[np.isin(times, ends)], every)
    if every != 24:
        raise InputError(RUNNING.format(name=field.name))
    return _Way(None, every, f"{field.name}: a running total of each day, taken at its end")


def _stating(dataset: xr.Dataset, hours: Mapping[str, float]) -> xr.Dataset:
    """With the hours that fields are of in their attributes."""
    named = {name: f"{number:g}" for name, number in hours.items()}
    return dataset.assign({n: dataset[n].assign_attrs({HOURS: own}) for n, own in named.items()})


def _parts(times: Times, every: int) -> NDArray[np.int64]:
    """(time,) how many values make up the interval that ends at each time; 0 if it is not whole.

    They follow each other at equal steps. A step that stands alone is a gap.
    """
    seconds, place = unix_seconds(times), np.arange(len(times))
    steps = np.diff(seconds, prepend=2 * seconds[0] - seconds[1])
    change = np.diff(steps, prepend=0, append=0) != 0  # before each time, and after the last
    run = np.maximum.accumulate(np.where(change[:-1], place, 0))  # where its equal steps began
    number = np.where(3600 * every % steps == 0, 3600 * every // steps, 0)
    alone = change[:-1] & change[1:]
    return np.where(alone | (place - number + 1 < run), 0, number)


def _told(names: Sequence[str], lost: Times, every: int) -> list[str]:
    lines = [f"{', '.join(names)}: sums over the {every} h up to each time"]
    if len(lost):
        lines.append(
            f"{count(len(lost), 'time')} left out, from {minute(lost[0])} on: not all of the "
            f"{every} h before are there to be summed"
        )
    return lines


def _apart(times: Times, hours: float) -> bool:
    return bool(np.isin(times + np.timedelta64(round(3600 * hours), "s"), times).any())

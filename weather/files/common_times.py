"""The times that joined files have in common: what is left out, and what is summed up to them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.wording import count
from weather.dates import minute
from weather.files.accumulations import known_hours, of_hours, require_increments
from weather.files.history import TIMES_LEFT_OUT

Times = NDArray[np.datetime64]
Field = tuple[str, float | None]  # its name and its level in hPa, if any
_SHOWN = 3  # files that are named
_NONE: Times = np.empty(0, "datetime64[ns]")


@dataclass(frozen=True)
class _Held:
    """What one file holds: fields that change with time, at its times."""

    file: str
    fields: frozenset[Field]
    times: Times


def times_left_out(parts: Sequence[xr.Dataset], names: Sequence[str], kept: Times) -> list[str]:
    """What to note where joined files do not have all times of each of them, if so.

    Args:
        parts: canonical.
        names: of their files.
        kept: times that the joined data set has.

    Returns:
        Nothing, or `84 of 164 times left out, from 2001-01-21T00:00: q_b.nc has no vo then`.
    """
    held = [
        _Held(name, _fields(part), part["time"].values)
        for part, name in zip(parts, names, strict=True)
        if "time" in part.dims
    ]
    every = np.unique(np.concatenate([_NONE, *(one.times for one in held)]))
    lost = np.setdiff1d(every, kept)
    if not lost.size:
        return []
    blamed = [f"{file} has no {fields} then" for file, fields in _lacks(held, lost).items()]
    more = [f"so with {count(len(blamed) - _SHOWN, 'more file')}"] * (len(blamed) > _SHOWN)
    why = "; ".join([*blamed[:_SHOWN], *more]) or "not all members have them"
    return [f"{len(lost)} of {len(every)}{TIMES_LEFT_OUT}{minute(lost[0])}: {why}"]


def at_common_times(parts: Sequence[xr.Dataset]) -> tuple[list[xr.Dataset], list[str]]:
    """Data sets whose accumulations are sums from each common time to the next.

    So hourly rain beside 6-hourly fields keeps all of its hours.

    Args:
        parts: canonical, with their layout; those with times are cut to what they share, if
            anything is summed.

    Returns:
        The data sets, and what was summed, a line each.
    """
    timed = [part["time"].values for part in parts if "time" in part.dims]
    common = reduce(np.intersect1d, timed) if timed else _NONE
    if len(common) < 2 or all(len(times) == len(common) for times in timed):
        return [*parts], []
    every = Counter(np.diff(common).tolist()).most_common(1)[0][0] / 3.6e12  # ns to hours
    found = [_summed(part, common, every) for part in parts]
    return [part for part, _ in found], [line for _, lines in found for line in lines]


def _summed(part: xr.Dataset, common: Times, every: float) -> tuple[xr.Dataset, list[str]]:
    if "time" not in part.dims or len(part["time"]) == len(common):
        return part, []
    known = known_hours(part)
    wanted = {name: every for name, own in known.items() if own < every and not every % own}
    require_increments(part, wanted)
    return of_hours(part, wanted, common, "drop") if wanted else (part, [])


def _fields(part: xr.Dataset) -> frozenset[Field]:
    return frozenset(
        (str(name), level)
        for name, field in part.data_vars.items()
        if "time" in field.dims
        for level in (field["level"].values.tolist() if "level" in field.dims else [None])
    )


def _lacks(held: Sequence[_Held], lost: Times) -> dict[str, str]:
    """By file with times that are lost, the fields that no file has at one of these."""
    there: dict[Field, list[Times]] = {}
    for one in held:
        for field in one.fields:
            there.setdefault(field, []).append(one.times)
    absent = {field: np.setdiff1d(lost, np.concatenate(t)) for field, t in there.items()}
    found: dict[str, set[Field]] = {}
    for one in held:
        lacking = {f for f, times in absent.items() if np.isin(one.times, times).any()}
        found.setdefault(one.file, set()).update(lacking)
    return {file: _listed(fields, set(there)) for file, fields in found.items() if fields}


def _listed(some: set[Field], every: set[Field]) -> str:
    """`msl, vo500`: a field by its level where it has others, too."""
    names = {n if all(f in some for f in every if f[0] == n) else f"{n}{p:g}" for n, p in some}
    return ", ".join(sorted(names))

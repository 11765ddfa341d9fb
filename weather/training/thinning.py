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
from weather.files.layout import ATTRIBUTE, Layout
from weather.training.periods import Times

# ERA5's accumulations (ECMWF, ERA5: data documentation, table 3), of the hour before each time
ACCUMULATIONS = (
    "cp", "e", "es", "lsp", "pev", "ro", "sf", "slhf", "smlt", "sro", "ssr", "ssrc", "ssrd",
    "ssro", "sshf", "str", "strc", "strd", "tisr", "tp", "tsr", "tsrc", "ttr", "ttrc",
)  # fmt: skip
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
        InputError: a choice that the data does not hold.
    """
    times = dataset["time"].values
    keep = _kept(times, start, end, every)
    summed, number = _accumulated(dataset), _times_in(times, every)
    if number < 2 or not summed:
        return Thinned(dataset if keep.all() else dataset.isel(time=np.flatnonzero(keep)), {})
    whole = keep & _whole(times, number)
    if not whole.any():
        raise InputError(
            f"{', '.join(summed)}: no {every} h of the data are whole, so that no sum over them "
            "can be made; choose another --every, or leave the variable out by --variables"
        )
    rows = np.flatnonzero(whole)
    fields = {name: _sum(field, rows, number) for name, field in in_blocks(dataset[summed]).items()}
    return Thinned(
        dataset.isel(time=rows).assign(fields),
        dict.fromkeys(summed, number),
        tuple(_told(summed, times[keep & ~whole], number, every)),
    )


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


def _accumulated(dataset: xr.Dataset) -> list[str]:
    """Names of the fields that accumulate, by ECMWF's names or as their file states it."""
    told = Layout.of(dataset).fields if ATTRIBUTE in dataset.attrs else {}
    kinds = {name: field.attributes for name, field in told.items()}
    return [
        str(name)
        for name, field in dataset.data_vars.items()
        if "time" in field.dims and (name in ACCUMULATIONS or _states_sum(kinds.get(str(name), {})))
    ]


def _states_sum(attributes: dict[str, str | float | int]) -> bool:
    methods = str(attributes.get("cell_methods", ""))
    return attributes.get("GRIB_stepType") == "accum" or "time: sum" in methods


def _times_in(times: Times, every: int | None) -> int:
    """Times of the data in an interval; 1 where it is none of whole steps."""
    if every is None or len(times) < 2:
        return 1
    step = int(np.diff(_seconds(times)).min())
    return 1 if step <= 0 or (3600 * every) % step else 3600 * every // step


def _whole(times: Times, number: int) -> NDArray[np.bool_]:
    """Which times have as many before them, themselves included, without a gap."""
    seconds = _seconds(times)
    span = (number - 1) * np.diff(seconds).min()
    whole = np.zeros(len(times), dtype=bool)
    whole[number - 1 :] = seconds[number - 1 :] - seconds[: len(seconds) - number + 1] == span
    return whole


def _sum(field: xr.DataArray, rows: NDArray[np.int64], number: int) -> xr.DataArray:
    parts = [field.isel(time=rows - back).variable for back in range(number)]
    total = sum(parts[1:], parts[0])
    return xr.DataArray(total, {"time": field["time"][rows]}, attrs=field.attrs)


def _told(names: Sequence[str], lost: Times, number: int, every: int | None) -> list[str]:
    lines = [f"{', '.join(names)}: sums of the {number} times in the {every} h up to each time"]
    if len(lost):
        lines.append(
            f"{count(len(lost), 'time')} left out, from {_minute(lost[0])} on: not all of the "
            f"{every} h before are there to be summed"
        )
    return lines


def _apart(times: Times, hours: int) -> bool:
    return bool(np.isin(times + np.timedelta64(hours, "h"), times).any())


def _seconds(times: Times) -> NDArray[np.int64]:
    return times.astype("datetime64[s]").astype(np.int64)


def _minute(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]"))

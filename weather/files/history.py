"""What was changed on reading: lines in the attribute `history`; and what a file then says."""

from collections.abc import Sequence
from datetime import UTC, datetime

import xarray as xr

ATTRIBUTE = "history"
EARLIER = "earlier_history"  # attribute with what other programs say of their files
REPEATED = " repeated times, from "
VERSIONS = " versions (expver"
BY_VALID_TIME = ", by valid time"
TIMES_LEFT_OUT = " times left out, from "
SUMS_OVER = ": sums over the "
UNKNOWN = " of unknown meaning"
UNCONVERTED = ", to which it cannot be converted"
NO_PRESSURE = ", which is no unit of pressure"
MADE_HERE = ", made by weather forecast"
REMEDIES = {  # by how the line ends on a field that is left out
    UNKNOWN: "select one entry",
    UNCONVERTED: "convert it, or mend its units attribute",
    NO_PRESSURE: "give levels in hPa or Pa, or fields near the ground as t2m, u10, v10 without "
    "levels",
}


def noted(dataset: xr.Dataset, *lines: str) -> xr.Dataset:
    """The data set with further lines of history; a line that is there is not repeated."""
    known = history(dataset)
    known += [line for line in dict.fromkeys(lines) if line not in known]
    return dataset.assign_attrs({ATTRIBUTE: "\n".join(known)}) if known else dataset


def history(dataset: xr.Dataset) -> list[str]:
    """The lines, oldest first."""
    return str(dataset.attrs.get(ATTRIBUTE, "")).splitlines()


def set_apart(dataset: xr.Dataset) -> xr.Dataset:
    """With the history of other programs apart: it tells of nothing that was changed on reading."""
    earlier = str(dataset.attrs.pop(ATTRIBUTE, ""))
    return dataset.assign_attrs({EARLIER: earlier}) if earlier else dataset


def with_earlier(dataset: xr.Dataset, parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """With the earlier history of the first of its parts that has one, and how many differ."""
    found = list(dict.fromkeys(part.attrs[EARLIER] for part in parts if EARLIER in part.attrs))
    others = [f"(the first of {len(found)} histories)"] if len(found) > 1 else []
    return dataset.assign_attrs({EARLIER: "\n".join([*found[:1], *others])}) if found else dataset


def whole_history(dataset: xr.Dataset, *lines: str) -> str:
    """For a file made of a data set: its earlier history, what was changed on reading, and more."""
    earlier = str(dataset.attrs.get(EARLIER, "")).splitlines()
    return "\n".join(filter(None, [*earlier, *history(dataset), *lines]))


def stamped(command: str) -> str:
    """A line of history, as the CF conventions have it: the time, and the command."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {command}"


def forecasts(dataset: xr.Dataset) -> list[str]:
    """Of each file whose forecasts were read by valid time: `a.nc: forecasts of 6 to 72 h`, or
    `..., made by weather forecast`."""
    lines = [line.partition(BY_VALID_TIME) for line in history(dataset)]
    return [before + after for before, found, after in lines if found]


def own_forecasts(dataset: xr.Dataset) -> list[str]:
    """Those of `forecasts` that `weather forecast` made."""
    return [line for line in forecasts(dataset) if line.endswith(MADE_HERE)]


def repeats(dataset: xr.Dataset) -> list[str]:
    """Of each file that gave times twice: `a.nc: dropped 2 repeated times, from ...`."""
    return [line for line in history(dataset) if REPEATED in line]


def times_left_out(dataset: xr.Dataset) -> list[str]:
    """Of joined files: `84 of 164 times left out, from 2001-01-21T00:00: b.nc has no vo then`."""
    return [line for line in history(dataset) if TIMES_LEFT_OUT in line]


def sums(dataset: xr.Dataset) -> list[str]:
    """Of joined files: `tp: sums over the 6 h up to each time`, of a field at more times."""
    return [line for line in history(dataset) if SUMS_OVER in line]


def releases(dataset: xr.Dataset) -> list[str]:
    """Of files that mix releases: `a.nc: 2 versions (expver 0001, 0005)`, or without a name
    `2 versions (expver 0001 in a.nc, 0005 in b.nc)`."""
    return [line for line in history(dataset) if VERSIONS in line]


def simulated(dataset: xr.Dataset) -> bool:
    """Whether the data come from `weather simulate`: mountains, but not those of the Earth."""
    return any("weather simulate" in line for line in history(dataset))


def left_out(source: str, names: Sequence[object], why: str) -> str:
    """The line on fields that cannot be read; why ends in one of `REMEDIES`."""
    listed = ", ".join(repr(str(name)) for name in names)
    return f"{source}: left out {listed}, {why}"


def not_understood(dataset: xr.Dataset) -> dict[str, str]:
    """The lines of `left_out`, and what to do about each."""
    lines = history(dataset)
    return {line: todo for line in lines for end, todo in REMEDIES.items() if line.endswith(end)}

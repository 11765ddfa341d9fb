"""Dates in UTC, as users write and read them: ISO 8601 with separators or without."""

import re

import numpy as np
from numpy.typing import NDArray

from sciml.errors import InputError

Period = tuple[np.datetime64, np.datetime64]

HOUR = np.timedelta64(1, "h")
_CLOCK = (
    r"(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:\.(?P<fraction>\d{0,9})\d*)?)?)?"
    r"(?:Z|(?P<sign>[+-])(?P<hours>[01]\d|2[0-3])(?::?(?P<minutes>[0-5]\d))?)?"
)
_EXTENDED = re.compile(
    rf"(?P<year>\d{{4}})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:[T ]{_CLOCK}|Z)?)?)?"
)
_BASIC = re.compile(rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)(?:T?{_CLOCK}|Z)?")
YEARS = range(1678, 2262)  # that nanoseconds in 64 bits can count


def moment(text: str) -> np.datetime64:
    """The time of `2001-01-01T00`, `20010101T0030` or `2001-01-01T02:00+02:00`.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        return span(text)[0]
    except ValueError:
        why = _out_of_range(text)
        raise InputError(f"cannot read the time {text!r}{why}; give it as 2001-01-01T00") from None


def interval(name: str, dates: tuple[str, str]) -> Period:
    """First time of a period and its end, not included: a last year or day counts whole.

    Args:
        name: for messages.
        dates: first and last, such as 2008, 2008-06, 20080630 or 2008-06-30T12.

    Raises:
        InputError: a date that cannot be read, or an end before the start.
    """
    try:
        (start, _), (_, end) = (span(date) for date in dates)
    except ValueError:
        raise InputError(
            f"{name}: cannot read {' to '.join(dict.fromkeys(dates))}{_out_of_range(*dates)}; "
            "give dates as 2008-12-31"
        ) from None
    if not start < end:
        raise InputError(f"{name} ends before it starts: {dates[0]}..{dates[1]}")
    return start, end


def span(text: str) -> Period:
    """First time of a date and its end, not included: of `2008` the year, of `2008-06` the month.

    Raises:
        ValueError: if it cannot be read.
    """
    found = _parts(text)
    if found is None or int(found["year"]) not in YEARS:
        raise ValueError(text)
    date = "-".join(filter(None, found.group("year", "month", "day")))
    clock = ":".join(filter(None, found.group("hour", "minute", "second")))
    if fraction := (found["fraction"] or "").rstrip("0"):
        clock += f".{fraction}"
    first = np.datetime64(f"{date}T{clock}" if clock else date)  # its unit is the last one given
    east = 60 * int(found["hours"] or 0) + int(found["minutes"] or 0)
    ahead = np.timedelta64(-east if found["sign"] == "-" else east, "m")
    start, end = ((first + n).astype("datetime64[ns]") - ahead for n in (0, 1))
    return start, end


def _parts(text: str) -> re.Match[str] | None:
    return _EXTENDED.fullmatch(text.strip()) or _BASIC.fullmatch(text.strip())


def _out_of_range(*dates: str) -> str:
    """That years are out of range, where that is why dates cannot be read."""
    years = {int(found["year"]) for found in map(_parts, dates) if found}
    inside = years <= set(YEARS)
    return "" if inside else f": years go from {YEARS[0]} to {YEARS[-1]}"


def minute(time: np.datetime64) -> str:
    """`2001-03-27T06:00`."""
    return str(time.astype("datetime64[m]"))


def day(time: np.datetime64) -> str:
    """`2001-03-27`."""
    return str(time.astype("datetime64[D]"))


def clock(time: np.datetime64 | NDArray[np.datetime64]) -> str:
    """A time for people, in UTC: `2001-03-01 06 UTC`."""
    minutes = str(np.asarray(time).astype("datetime64[m]"))
    return f"{minutes[:10]} {minutes[11:13] if minutes.endswith('00') else minutes[11:]} UTC"


def unix_seconds(times: np.datetime64 | NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Since 1970-01-01 UTC."""
    return np.asarray(times).astype("datetime64[s]").astype(np.int64)

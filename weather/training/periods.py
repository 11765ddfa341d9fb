"""Which times a model learns from: steps of a series, windows of times, and periods."""

import itertools
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from sciml.errors import InputError
from weather.dates import Period, day, interval
from weather.models.steps import StepHours, in_seconds

Times = NDArray[np.datetime64]
Index = NDArray[np.int64]


def _dates(value: Any) -> Any:
    value = value.split("/") if isinstance(value, str) else value
    return [str(date) for date in value] if isinstance(value, list | tuple) else value


Dates = Annotated[tuple[str, str], BeforeValidator(_dates)]


def time_step(times: Times, hours: float | None) -> int:
    """Seconds of a model step: as given, or the most common one of a series.

    Raises:
        InputError: no two times to take it from, or none that far apart.
    """
    if len(times) < 2:
        raise InputError(f"{len(times)} times in the data; a forecast model needs a series")
    steps = np.diff(times).astype("timedelta64[s]").astype(np.int64)
    step = int(np.bincount(steps // 60).argmax()) * 60 if hours is None else round(hours * 3600)
    if not len(windows(times, step, 2)):
        raise InputError(
            f"no two times are {step / 3600:g} h apart (mostly {np.median(steps) / 3600:g} h); "
            "choose another data.step_hours"
        )
    return step


def time_steps(times: Times, hours: StepHours | None) -> tuple[int, ...]:
    """Seconds of each model step; see `time_step`."""
    if hours is None:
        return (time_step(times, None),)
    return tuple(time_step(times, seconds / 3600) for seconds in in_seconds(hours))


def windows(times: Times, step: int, length: int) -> Index:
    """Positions of all runs of `length` times, `step` seconds apart, none across a gap.

    Returns:
        (window, length).
    """
    wanted = times[:, None] + np.arange(length) * np.timedelta64(step, "s")
    index = np.searchsorted(times, wanted).clip(max=len(times) - 1)
    return index[(times[index] == wanted).all(axis=1)]


def periods(times: Times, given: Mapping[str, Dates | None]) -> dict[str, Period]:
    """First time and end (not included) of `train`, `valid` and `test`, where there are such.

    Args:
        times: of the series.
        given: dates by the name of the period; of none at all, 80, 10 and 10 % of all times.

    Raises:
        InputError: a date that cannot be read, periods that overlap, no training period, or
            too few times to divide.
    """
    chosen = {name: interval(f"data.{name}", dates) for name, dates in given.items() if dates}
    if not chosen:
        cuts = [int(share * len(times)) for share in (0.8, 0.9)]
        if cuts[0] == cuts[1]:
            raise InputError(
                f"{len(times)} times do not divide into training, validation and test; give more, "
                "or say which are which with data.train and data.valid"
            )
        first, second = times[cuts]
        end = times[-1] + np.timedelta64(1, "s")
        return {"train": (times[0], first), "valid": (first, second), "test": (second, end)}
    if "train" not in chosen:
        raise InputError("data.valid or data.test is given without data.train; give that too")
    ordered = sorted(chosen.items(), key=lambda item: item[1][0])
    for (name, (_, end)), (later, (start, _)) in itertools.pairwise(ordered):
        if start < end:
            raise InputError(f"data.{name} and data.{later} overlap; set them apart")
    return chosen


def require_times(times: Times, name: str, period: Period) -> None:
    """Check that a series has times in a period, its end not included.

    Raises:
        InputError: if it has none.
    """
    start, end = period
    if not ((times >= start) & (times < end)).any():
        there, wanted = (
            " to ".join(day(time) for time in ends)
            for ends in ((times[0], times[-1]), (start, end - 1))
        )
        raise InputError(f"data.{name} is {wanted}, the data {there}: choose a period in it")

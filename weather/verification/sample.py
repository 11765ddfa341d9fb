"""Which forecasts and analyses are compared, and whether they can be."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.dates import Period, day, interval, minute
from weather.files.history import own_forecasts
from weather.grid import LatLonGrid
from weather.verification.one_pass import (
    CLIMATOLOGY,
    DAMPED,
    FORECAST,
    LINEAR,
    PERSISTENCE,
    TRUTH,
)

RESERVED = (FORECAST, PERSISTENCE, DAMPED, CLIMATOLOGY, LINEAR, TRUTH)


def training_period(
    analyses: xr.Dataset, forecast: xr.Dataset, period: str | None = None
) -> xr.Dataset:
    """The analyses to fit baselines on.

    Args:
        analyses: canonical.
        forecast: from `open_forecast`.
        period: `2000-01-01/2007-12-31` or `2000/2007`, both days or years included; None
            takes all days before that of the first forecast.

    Raises:
        InputError: if the period cannot be read or holds fewer than two times.
    """
    _check_time(analyses)
    times = analyses["time"].values
    first = forecast["time"].values.min().astype("datetime64[D]")
    start, end = (times[0], first) if period is None else _dates(period)
    chosen = analyses.isel(time=(times >= start) & (times < end))
    if chosen.sizes["time"] < 2:
        raise InputError(
            f"{chosen.sizes['time']} analyses to fit the climatology on, of {day(times[0])} to "
            f"{day(times[-1])}; give --climatology-from or --climatology-period"
        )
    return chosen


def _dates(period: str) -> Period:
    first, slash, last = period.partition("/")
    if not slash:
        raise InputError(f"cannot read the period {period!r}; expected 2000-01-01/2007-12-31")
    return interval("the climatology's period", (first, last))


def named_files(given: Sequence[str]) -> dict[str, list[Path]]:
    """Files by the name of their model.

    Args:
        given: `name=file` or a file, which is named after itself; globs are expanded.

    Raises:
        InputError: a name that stands for something else in the scorecard.
    """
    result: dict[str, list[Path]] = {}
    for text in given:
        name, equals, pattern = text.partition("=")
        name, pattern = (name, pattern) if equals else (Path(text).stem, text)
        if name in RESERVED or not name:
            raise InputError(
                f"a forecast cannot be named {name!r}; choose: --against name={pattern}"
            )
        file = Path(pattern)
        result.setdefault(name, []).extend(sorted(file.parent.glob(file.name)) or [file])
    return result


def common_cases(models: Mapping[str, xr.Dataset]) -> tuple[dict[str, xr.Dataset], str]:
    """The forecasts that start when those of all models do, so that all face the same weather.

    Args:
        models: by name, the evaluated one first.

    Returns:
        The models, and what was left out, in words.

    Raises:
        InputError: if there is no initial time, or no lead time, that all have.
    """
    first, *_ = models.values()
    common = first["time"].values
    for name, model in models.items():
        common = np.intersect1d(common, model["time"].values)
        if not len(common):
            raise InputError(f"{name} has no initial time in common with the other forecasts")
        if not np.isin(first["lead_time"].values, model["lead_time"].values).any():
            raise InputError(f"{name} has no lead time in common with the forecast")
    left = {
        name: f"{model.sizes['time'] - len(common)} of {model.sizes['time']} forecasts"
        + (f" of {name}" if name != FORECAST else "")
        for name, model in models.items()
        if model.sizes["time"] > len(common)
    }
    text = f"{', '.join(left.values())}: their initial times are not in all files" if left else ""
    return {name: model.sel(time=common) for name, model in models.items()}, text


def check_grids(forecast: xr.Dataset, *others: xr.Dataset) -> None:
    """Check that all fields lie on one grid.

    Raises:
        InputError: if not.
    """
    grid = LatLonGrid.from_dataset(forecast)
    for other in others:
        there = LatLonGrid.from_dataset(other)
        if not grid.matches(there):
            raise InputError(
                f"the forecast has {grid.describe()}, the other data {there.describe()}; "
                "regrid one to the other"
            )


def check_truth(forecast: xr.Dataset, truth: xr.Dataset) -> None:
    """Check that there is something to compare with.

    Raises:
        InputError: if no valid time has an analysis, or the truth is a forecast of a model.
    """
    _check_time(truth)
    if made := own_forecasts(truth):
        raise InputError(f"the truth is no analysis ({made[0]}); give analyses as --truth")
    times, valid = truth["time"].values, forecast["valid_time"].values
    if not np.isin(valid, times).any():
        raise InputError(
            f"the truth, {day(times[0])} to {day(times[-1])}, has none of the forecasts' valid "
            f"times, {day(valid.min())} to {day(valid.max())}"
        )


def missing_truth(forecast: xr.Dataset, truth: xr.Dataset) -> str:
    """`3 of 100 valid times, between ... and ...`, or `none`."""
    valid = np.unique(forecast["valid_time"].values)
    absent = valid[~np.isin(valid, truth["time"].values)]
    if not len(absent):
        return "none"
    between = f"between {minute(absent[0])} and {minute(absent[-1])}"
    return f"{len(absent)} of {len(valid)} valid times, {between}"


def _check_time(analyses: xr.Dataset) -> None:
    if "time" not in analyses.dims:
        raise InputError("the analyses have no time; give a time series")

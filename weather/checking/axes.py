"""Findings on the coordinates of canonical data: time, level, latitude, longitude."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.checking.findings import Finding
from weather.dates import HOUR, minute
from weather.files.layout import Layout
from weather.grid import LatLonGrid

_SHOWN = 3  # gaps that are named


def check_axes(
    dataset: xr.Dataset, layout: Layout | None, grid: LatLonGrid | None
) -> Iterator[Finding]:
    """Look at every coordinate.

    Args:
        dataset: canonical.
        layout: of its files, if known.
        grid: that of the model, if there is one.
    """
    if "time" in dataset.dims:
        yield _time(dataset["time"].values)
    if "level" in dataset.dims:
        yield _level(dataset["level"].values, layout)
    try:
        own = LatLonGrid.from_dataset(dataset)
    except InputError as error:
        yield Finding("grid", "refused", str(error).removeprefix("the grid "))
        return
    yield _latitude(own, layout)
    yield _longitude(own, layout)
    if grid is not None and not own.matches(grid):
        yield Finding("grid", "refused", _misfit(own, grid), advice="regrid the data")


def time_step(times: NDArray[np.datetime64]) -> np.timedelta64:
    """The most common interval of at least two times."""
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return np.timedelta64(steps[counts.argmax()])


def _time(times: NDArray[np.datetime64]) -> Finding:
    if len(times) < 2:
        return Finding("time", "ok", f"has one entry, {minute(times[0])}")
    steps, span = np.diff(times), f"{minute(times[0])}..{minute(times[-1])}"
    if (steps == np.timedelta64(0)).any():
        twice = times[1:][steps == np.timedelta64(0)][0]
        came = f"holds {minute(twice)} twice"
        return Finding("time", "refused", came, advice="drop the repeated steps")
    if (steps < np.timedelta64(0)).any():
        return Finding("time", "refused", "does not ascend", advice="sort the data by time")
    step = time_step(times)
    gaps = np.flatnonzero(steps != step)
    every = f"has {len(times)} entries, {span}, every {_hours(step)}"
    if not len(gaps):
        return Finding("time", "ok", f"{every}, without a gap")
    named = ", ".join(f"{minute(times[i])}..{minute(times[i + 1])}" for i in gaps[:_SHOWN])
    more = f" and {len(gaps) - _SHOWN} more" if len(gaps) > _SHOWN else ""
    came = f"{every}, with {len(gaps)} irregular: {named}{more}"
    advice = "no forecast starts or is trained across them"
    return Finding("time", "warning", came, advice=advice)


def _level(levels: NDArray[np.float64], layout: Layout | None) -> Finding:
    if (levels <= 0).any():
        came = f"reaches {levels.min():g} hPa"
        return Finding("level", "refused", came, "pressures above zero", "mend the coordinate")
    if len(levels) > 4 and (np.diff(levels) == 1).all():
        came = f"counts {levels[0]:g}, {levels[1]:g}, .. {levels[-1]:g}, as model levels do"
        return Finding("level", "refused", came, "pressure levels", "interpolate to pressure")
    came = f"has {len(levels)} in hPa: {', '.join(f'{level:g}' for level in levels)}"
    if layout is not None and layout.level:
        upward = len(layout.level) > 1 and layout.level[0] > layout.level[-1]
        came += f" (file: {layout.level_units}, {'descending' if upward else 'ascending'})"
    return Finding("level", "ok", came)


def _latitude(grid: LatLonGrid, layout: Layout | None) -> Finding:
    poles = "poles included" if grid.has_poles else "no row on a pole"
    came = f"has {len(grid.lat)} rows, {grid.lat[0]:g}..{grid.lat[-1]:g} N, {poles}"
    if layout is not None and len(layout.lat) > 1:
        ascending = layout.lat[0] < layout.lat[-1]
        came += f" (file: {'south to north' if ascending else 'north to south'})"
    return Finding("lat", "ok", came)


def _longitude(grid: LatLonGrid, layout: Layout | None) -> Finding:
    round_globe = "round the globe" if grid.periodic else "a region"
    came = f"has {len(grid.lon)} columns, {grid.lon[0]:g}..{grid.lon[-1]:g} E, {round_globe}"
    if layout is not None and layout.lon:
        came += f" (file: {layout.lon[0]:g}..{layout.lon[-1]:g})"
    return Finding("lon", "ok", came)


def _misfit(own: LatLonGrid, model: LatLonGrid) -> str:
    poles = ""
    if own.has_poles != model.has_poles:
        poles = f" ({'with' if own.has_poles else 'without'} poles, unlike the model's)"
    return f"of the data has {own.describe()}{poles}; this model was made for {model.describe()}"


def _hours(step: np.timedelta64) -> str:
    hours = step / HOUR
    return f"{hours / 24:g} d" if hours % 24 == 0 else f"{hours:g} h"

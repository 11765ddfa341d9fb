"""Tropical cyclones of a forecast or of analyses, found and followed without a first fix."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.cyclones.criteria import Criteria
from weather.cyclones.detection import find_centres
from weather.cyclones.following import Follower
from weather.cyclones.ingredients import Ingredients
from weather.cyclones.snapshot import lowland, read_snapshot
from weather.cyclones.surroundings import Surroundings
from weather.cyclones.track import Fix, Track
from weather.dates import HOUR
from weather.grid import LatLonGrid


@dataclass(frozen=True)
class Run:
    """What is followed on its own: one forecast, one member of it, or a series of analyses.

    Attributes:
        initial: initial time; None for analyses.
        member: None if there is none.
        times: valid times.
    """

    initial: np.datetime64 | None
    member: int | None
    times: tuple[np.datetime64, ...]


@dataclass(frozen=True)
class Tracks:
    """All tracks of a data set.

    Attributes:
        tracks: by run, then first time.
        runs: what was searched, with or without a storm.
        grid: of the fields.
        checks: lines that say which checks were made.
    """

    tracks: tuple[Track, ...]
    runs: tuple[Run, ...]
    grid: LatLonGrid
    checks: tuple[str, ...]


def find_tracks(
    dataset: xr.Dataset,
    criteria: Criteria | None = None,
    static: xr.Dataset | None = None,
    on_time: Callable[[int, int], object] = lambda done, of: None,
) -> Tracks:
    """Find and follow the tropical cyclones of a data set.

    Args:
        dataset: canonical analyses, or a forecast from `open_forecast`; read time by time.
        criteria: thresholds; None takes the defaults.
        static: canonical `lsm` or `z_surface` on the same grid; without them the data
            set's own, and the coastlines of the Earth.
        on_time: told how many times of all runs are done, and of how many.

    Raises:
        InputError: no field that shows a centre, no time, static fields of another grid.
    """
    criteria = criteria or Criteria()
    if "time" not in dataset.dims:
        raise InputError("the data state no time; expected analyses or forecasts with their times")
    use, grid = Ingredients.of(dataset), LatLonGrid.from_dataset(dataset)
    low = lowland(grid, _on(grid, dataset if static is None else static), criteria.height)
    around, rise = Surroundings(grid), use.rise(criteria)
    found, runs = list[Track](), [*_each_run(dataset)]
    whole, done = sum(len(run.times) for run, _ in runs), 0
    on_time(done, whole)
    for run, fields in runs:
        follower = Follower(criteria, around.spacing)
        for index, time in enumerate(run.times):
            snapshot = read_snapshot(use, fields(index), low)
            follower.step(time, find_centres(snapshot, around, criteria, rise))
            done += 1
            on_time(done, whole)
        kept = [fixes for fixes in follower.paths() if _lasts(fixes, run.times, criteria)]
        found += [Track(i, f, run.initial, run.member) for i, f in enumerate(kept, start=1)]
    return Tracks(tuple(found), tuple(run for run, _ in runs), grid, tuple(use.describe()))


def _each_run(dataset: xr.Dataset) -> Iterator[tuple[Run, Callable[[int], xr.Dataset]]]:
    """Every forecast and member, or the series, with a function that gives one of its times."""
    forecast = "lead_time" in dataset.dims
    members = dataset["member"].values if "member" in dataset.coords else None
    for number in range(dataset.sizes.get("member", 1)):
        one = dataset.isel(member=number) if "member" in dataset.dims else dataset
        member = None if "member" not in dataset.dims else (
            number if members is None else int(members[number])
        )  # fmt: skip
        if not forecast:
            yield Run(None, member, tuple(one["time"].values)), _reader(one, "time")
            continue
        for start in one["time"].values:
            times = start + one["lead_time"].values
            yield Run(start, member, tuple(times)), _reader(one.sel(time=start), "lead_time")


def _reader(dataset: xr.Dataset, dim: str) -> Callable[[int], xr.Dataset]:
    return lambda index: dataset.isel({dim: index})


def _on(grid: LatLonGrid, static: xr.Dataset) -> xr.Dataset:
    """Static fields, if they lie on the grid."""
    if not grid.matches(LatLonGrid.from_dataset(static)):
        there = LatLonGrid.from_dataset(static).describe()
        raise InputError(f"the static fields have {there}, the data {grid.describe()}")
    kept = [name for name in ("lsm", "z_surface") if name in static]
    fields = {name: static[name].isel(time=0, missing_dims="ignore") for name in kept}
    return xr.Dataset(fields, attrs=static.attrs)


def _lasts(fixes: tuple[Fix, ...], times: tuple[np.datetime64, ...], criteria: Criteria) -> bool:
    """Whether a storm is tropical for long enough: as many times as the duration holds steps."""
    tropical = sum(fix.centre.tropical for fix in fixes)
    if len(times) == 1:
        return tropical == 1
    step = float(np.median(np.diff(np.array(times)) / HOUR))
    whole = float((times[-1] - times[0]) / HOUR)
    return (tropical - 1) * step >= min(criteria.duration_hours, whole) - 1e-6

"""Boundary data of a limited area, at the times a forecast needs them.

They are analyses (a hindcast) or a driving forecast, of which each forecast takes the
latest run that began no later than itself. Between their times they are interpolated
linearly, as limited-area models usually do, if these are at most 6 h apart.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciml.errors import InputError
from weather.dates import minute
from weather.files.accumulations import of_hours, require_increments
from weather.files.forecasts import open_either
from weather.files.reanalysis import require, to_state
from weather.forecasting.noise import noisy
from weather.forecasting.step_model import StepModel
from weather.grid import LatLonGrid
from weather.models.boundary import frame
from weather.models.model import WeatherModel
from weather.state import State, datetimes, joined, require_finite, seconds
from weather.variables import Variables

LONGEST = np.timedelta64(6, "h")  # between boundary times that are interpolated
_TOLERANCE = 1e-3  # degrees
Times = NDArray[np.datetime64]


def bounded(
    stepper: Callable[..., State], step: int, later: Callable[[Tensor], State]
) -> Callable[[State], State]:
    """A model of a limited area as a step from state to state.

    Args:
        stepper: past states and `boundary`, of the valid time, to the next state.
        step: seconds.
        later: boundary data (batch, 1, ...) of valid times (batch,).
    """
    return lambda state: stepper(state, boundary=later(state.time[:, -1] + step))


def one_step(
    model: WeatherModel,
    step: int,
    later: Callable[[Tensor], State],
    noise: Callable[[Tensor], Tensor] | None = None,
) -> Callable[[State], State]:
    """A model's step of `step` seconds, with boundary data from `later` if it has a frame.

    `noise` is drawn for each step, of a model that depends on some (see `noisy`).
    """
    stepper: Callable[..., State] = partial(model, step=step)
    stepper = stepper if noise is None else noisy(stepper, noise)
    return stepper if model.frame is None else bounded(stepper, step, later)


class Boundary:
    """Fields of a limited area at any time that the data cover.

    Args:
        dataset: analyses from `open_reanalysis`, or forecasts from `open_forecast`, on any
            grid that holds the area's cells.
        grid: of the area.
        variables: of the model.
        width: of the frame; only there must the data have values.
        masks: cells without values, by variable.

    Raises:
        InputError: a variable, a level or cells of the area that the data do not have.
    """

    def __init__(
        self,
        dataset: xr.Dataset,
        grid: LatLonGrid,
        variables: Variables,
        width: int,
        masks: Mapping[str, Tensor] | None = None,
    ) -> None:
        require(dataset, variables)
        self.dataset, self.variables = _cells(dataset, grid), variables
        self.width = width
        inside, masks = ~frame(grid, width), masks or {}
        names = (*variables.surface, *variables.upper)
        self.ignored = {n: inside | masks[n].cpu() if n in masks else inside for n in names}

    @classmethod
    def of(
        cls,
        model: StepModel,
        sources: Sequence[Path | str] | None,
        hours: Mapping[str, float] | None = None,
    ) -> Self | None:
        """The boundary data of a model from files; None for a model without a frame.

        Args:
            model: of a limited area.
            sources: analyses, or a driving forecast.
            hours: of the model's fields that accumulate, over which those of analyses are summed.

        Raises:
            InputError: files for a model that needs none, or none for one that does.
        """
        if not isinstance(model, WeatherModel) or model.frame is None:
            if sources:
                raise InputError("this model has no frame of boundary data; leave --boundary out")
            return None
        if not sources:
            raise InputError(
                f"this model forecasts the inside of a frame of {model.frame.width} cells; give "
                "analyses or a driving forecast with --boundary"
            )
        dataset = open_either(sources)
        if hours and "lead_time" not in dataset.dims:
            require_increments(dataset, hours)
            dataset, _ = of_hours(dataset, hours)
        return cls(dataset, model.grid, model.variables, model.frame.width, model.masks.named())

    @property
    def attributes(self) -> dict[str, int]:
        """What a forecast file says of its frame, which is not to be scored."""
        return {"boundary_width": self.width}

    def require(self, initial: Times, lead: NDArray[np.timedelta64]) -> None:
        """Check that all valid times of forecasts are covered.

        Args:
            initial: initial times.
            lead: lead times of all steps.

        Raises:
            InputError: names the first time that is not covered, and what there is.
        """
        for start in initial:
            times = self._series(start)["time"].values
            for valid in start + lead:
                _bracket(times, valid)

    def following(self, initial: Tensor) -> Callable[[Tensor], State]:
        """Boundary data of valid times for forecasts from initial times, both (batch,)."""
        return lambda valid: self.at(valid, initial)

    def at(self, valid: Tensor, initial: Tensor) -> State:
        """Boundary data (batch, 1, ...).

        Args:
            valid: (batch,) int64 seconds since 1970-01-01 UTC.
            initial: (batch,) when each forecast starts.

        Raises:
            InputError: a time that is not covered, or NaN in the frame.
        """
        pairs = zip(datetimes(valid), datetimes(initial), strict=True)
        state = joined([self._one(time, start) for time, start in pairs])
        try:
            require_finite(state, self.ignored)
        except InputError as error:
            raise InputError(f"boundary data: {error}") from None
        return state

    def _one(self, valid: np.datetime64, initial: np.datetime64) -> State:
        series = self._series(initial)
        before, after, share = _bracket(series["time"].values, valid)
        state = to_state(series.isel(time=sorted({before, after})), self.variables)
        surface = torch.lerp(state.surface[:, :1], state.surface[:, -1:], share)
        upper = torch.lerp(state.upper[:, :1], state.upper[:, -1:], share)
        time = seconds(valid.reshape(1, 1))
        return State(surface, upper, time, self.variables, state.grid)

    def _series(self, initial: np.datetime64) -> xr.Dataset:
        """The fields by valid time: of the latest run that began by the initial time."""
        if "lead_time" not in self.dataset.dims:
            return self.dataset
        runs = self.dataset["time"].values
        latest = int(np.searchsorted(runs, initial, side="right")) - 1
        if latest < 0:
            raise InputError(
                f"no boundary forecast begins by {minute(initial)}; the first begins at "
                f"{minute(runs[0])}: give an earlier run with --boundary"
            )
        run = self.dataset.isel(time=latest)
        valid = run["valid_time"].values
        run = run.drop_vars(["time", "valid_time"]).rename(lead_time="time")
        return run.assign_coords(time=valid)


def _cells(dataset: xr.Dataset, grid: LatLonGrid) -> xr.Dataset:
    """The area's cells of a grid that holds them; longitudes may count from -180 or from 0."""
    north = np.subtract.outer(dataset["lat"].values, grid.lat)
    east = (np.subtract.outer(dataset["lon"].values, grid.lon) + 180) % 360 - 180
    if max(np.abs(offset).min(axis=0).max() for offset in (north, east)) > _TOLERANCE:
        raise InputError(
            f"the boundary data ({LatLonGrid.from_dataset(dataset).describe()}) do not hold the "
            f"model's cells ({grid.describe()}): regrid them to these"
        )
    rows, columns = np.abs(north).argmin(axis=0), np.abs(east).argmin(axis=0)
    return dataset.isel(lat=rows, lon=columns).assign_coords(lat=[*grid.lat], lon=[*grid.lon])


def _bracket(times: Times, wanted: np.datetime64) -> tuple[int, int, float]:
    """Positions of the times around a wanted one, and the share of the later."""
    after = int(np.searchsorted(times, wanted))
    if after < len(times) and times[after] == wanted:
        return after, after, 0.0
    if 0 < after < len(times) and times[after] - times[after - 1] <= LONGEST:
        share = (wanted - times[after - 1]) / (times[after] - times[after - 1])
        return after - 1, after, float(share)
    raise InputError(
        f"no boundary data for {minute(wanted)}; --boundary holds {len(times)} times in "
        f"{minute(times[0])}..{minute(times[-1])} (times up to 6 h apart are interpolated)"
    )

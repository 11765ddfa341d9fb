"""The central type: analyses, forecasts and training samples of the atmosphere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.variables import Variables, never_negative


@dataclass(frozen=True)
class State:
    """Fields of the atmosphere in physical units, always.

    An analysis, a forecast and a training sample are the same type; a sample has a
    longer time axis.

    Attributes:
        surface: (batch, time, variable, lat, lon).
        upper: (batch, time, variable, level, lat, lon).
        time: (batch, time) int64, seconds since 1970-01-01 UTC.
        variables: names, in the order of the variable axes, and levels.
        grid: latitudes north to south, longitudes ascending.
    """

    surface: Tensor
    upper: Tensor
    time: Tensor
    variables: Variables
    grid: LatLonGrid

    def __post_init__(self) -> None:
        batch, times = self.time.shape
        names, grid = self.variables, self.grid.shape
        surface = (batch, times, len(names.surface), *grid)
        upper = (batch, times, len(names.upper), len(names.levels), *grid)
        if tuple(self.surface.shape) != surface or tuple(self.upper.shape) != upper:
            raise ValueError(
                f"surface {tuple(self.surface.shape)} and upper {tuple(self.upper.shape)}; "
                f"expected {surface} and {upper}"
            )

    def __len__(self) -> int:
        """Number of samples."""
        return self.time.shape[0]

    @property
    def times(self) -> int:
        """Length of the time axis."""
        return self.time.shape[1]

    def to(self, device: torch.device | str) -> "State":
        """The same state on another device."""
        return replace(
            self,
            surface=self.surface.to(device),
            upper=self.upper.to(device),
            time=self.time.to(device),
        )

    def at(self, times: slice) -> "State":
        """Part of the time axis."""
        return replace(
            self,
            surface=self.surface[:, times],
            upper=self.upper[:, times],
            time=self.time[:, times],
        )

    def when(self, time: Tensor) -> "State":
        """The state at one time (batch,) of each sample's time axis.

        Raises:
            ValueError: a time that is not there.
        """
        there = self.time == time[:, None]
        if not there.any(dim=1).all():
            raise ValueError("a time was asked for that is none of the state's; give it longer")
        index = there.int().argmax(dim=1)
        samples = torch.arange(len(self), device=index.device)
        return replace(
            self,
            surface=self.surface[samples, index].unsqueeze(1),
            upper=self.upper[samples, index].unsqueeze(1),
            time=self.time[samples, index].unsqueeze(1),
        )

    def then(self, later: "State") -> "State":
        """This state followed by a later one along the time axis."""
        return joined([self, later], dim=1)

    def repeated(self, times: int) -> "State":
        """Each sample so many times, one after the other."""
        return replace(
            self,
            surface=self.surface.repeat_interleave(times, dim=0),
            upper=self.upper.repeat_interleave(times, dim=0),
            time=self.time.repeat_interleave(times, dim=0),
        )

    def as_history(self, times: int) -> "State":
        """A state of one time as a history of so many times that are all alike."""
        return replace(
            self,
            surface=self.surface.expand(-1, times, *self.surface.shape[2:]),
            upper=self.upper.expand(-1, times, *self.upper.shape[2:]),
            time=self.time.expand(-1, times),
        )

    def without_negatives(self) -> "State":
        """Zero where a field that has no values below zero, such as humidity or rain, has some."""
        names = self.variables
        return replace(
            self,
            surface=_at_least_zero(self.surface, names.surface),
            upper=_at_least_zero(self.upper, names.upper),
        )

    def datetimes(self) -> NDArray[np.datetime64]:
        """(batch, time) datetime64[ns]."""
        return self.time.cpu().numpy().astype("datetime64[s]").astype("datetime64[ns]")


def joined(states: Sequence[State], dim: Literal[0, 1] = 0) -> State:
    """One state of several, which agree in all but their batch (0) or their times (1)."""
    return replace(
        states[0],
        surface=torch.cat([state.surface for state in states], dim),
        upper=torch.cat([state.upper for state in states], dim),
        time=torch.cat([state.time for state in states], dim),
    )


def _at_least_zero(fields: Tensor, names: Sequence[str]) -> Tensor:
    """(batch, time, variable, ...) without values below zero where these are `never_negative`."""
    least = [0.0 if never_negative(name) else -torch.inf for name in names]
    return fields.maximum(fields.new_tensor(least).reshape(-1, *[1] * (fields.ndim - 3)))


def seconds(times: NDArray[np.datetime64]) -> Tensor:
    """datetime64 as int64 seconds since 1970-01-01."""
    return torch.from_numpy(times.astype("datetime64[s]").astype(np.int64))


def require_finite(state: State, ignored: Mapping[str, Tensor] | None = None) -> None:
    """Check that no value is NaN or infinite.

    Args:
        state: physical values.
        ignored: cells of a variable that may be, such as a mask: true in (lat, lon) or
            (level, lat, lon).

    Raises:
        InputError: names the first variable, time and level where one is.
    """
    for fields, upper in ((state.surface, False), (state.upper, True)):
        names = state.variables.upper if upper else state.variables.surface
        bad = ~torch.isfinite(fields)
        for number, name in enumerate(names):
            if ignored and name in ignored:
                bad[:, :, number] &= ~ignored[name].to(bad.device)
        if not bad.any():
            continue
        sample, time, variable, *rest = (int(i) for i in bad.nonzero()[0])
        level = f" at {state.variables.levels[rest[0]]:g} hPa" if upper else ""
        when = state.datetimes()[sample, time].astype("datetime64[m]")
        raise InputError(
            f"{names[variable]}{level} is NaN or infinite at {when} (and {int(bad.sum()) - 1} "
            "more values); fill or cut the data first"
        )

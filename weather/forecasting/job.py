"""A forecast that is to be written: what is made, in which pieces, laid out how."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.files.arrangement import Arrangement
from weather.files.forecast_layout import Contents, LayoutName, forecast_layout
from weather.files.layout import ATTRIBUTE, Layout
from weather.forecasting.boundary import Boundary
from weather.forecasting.execution import Known, Stepper
from weather.forecasting.experts import Experts
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.noise import MemberNoise
from weather.forecasting.perturbations import PAIRED, Perturbations
from weather.forecasting.planner import Plan
from weather.grid import LatLonGrid
from weather.state import State, seconds
from weather.variables import Variables

_TOGETHER = 2**28  # bytes of fields that are forecast at once
_DIGITS = 16  # of a digest: chance agreement of 2^-64
_MOST = 16  # initial times and members that are forecast at once

Case = tuple[int, int]  # positions of initial time and member


def together(variables: Variables, grid: LatLonGrid) -> int:
    """How many initial times and members are forecast at once."""
    state = 4 * len(variables.channels) * math.prod(grid.shape)  # bytes
    return max(1, min(_MOST, _TOGETHER // state))


@dataclass(frozen=True)
class Job:
    """Forecasts from several initial times, and of several members.

    Attributes:
        experts: the models.
        dataset: canonical analyses.
        times: (time,) initial times.
        plan: of the lead times.
        layout: of the file.
        boundary: data of a limited area's frame.
        perturbations: that make members, if any.
        others: further sets of models; members take turns with them.
    """

    experts: Experts
    dataset: xr.Dataset
    times: NDArray[np.datetime64]
    plan: Plan
    layout: LayoutName
    boundary: Boundary | None = None
    perturbations: Perturbations | None = None
    others: tuple[Experts, ...] = ()

    def require_boundary(self) -> None:
        """Check that there are boundary data for every state on the way.

        Raises:
            InputError: names the first time that is not covered.
        """
        if self.boundary is not None:
            offsets = sorted({node.offset for node in self.plan.parents})
            self.boundary.require(self.times, np.array(offsets, dtype="timedelta64[s]"))

    def steppers(self, batch: list[Case]) -> dict[int, Stepper]:
        """The models of each time step for the forecasts of a batch."""
        starts = seconds(self.times[[time for time, _ in batch]])
        noise = None
        if self.members is not None:
            noise = MemberNoise(self.seed, starts, [member for _, member in batch])
        return self._experts(batch[0]).given(self.boundary, noise, starts)

    @property
    def seed(self) -> int:
        """Of the members' random numbers."""
        return 0 if self.perturbations is None else self.perturbations.config.seed

    @property
    def forecasters(self) -> list[Forecaster]:
        """All models that take part."""
        return [one for experts in (self.experts, *self.others) for one in experts.forecasters]

    @property
    def members(self) -> NDArray[np.generic] | None:
        """Names of the members, where the analyses have some or they are made here."""
        if self.perturbations is not None:
            return np.arange(1, self.perturbations.config.members + 1)
        return self.dataset["member"].values if "member" in self.dataset.dims else None

    def batches(self) -> list[list[Case]]:
        """Initial times and members that are forecast together, by the same models: a few, or
        one where it is large."""
        members = 1 if self.members is None else len(self.members)
        cases = [(time, member) for time in range(len(self.times)) for member in range(members)]
        size = together(self.experts.variables, self.experts.grid)
        sets = range(1 + len(self.others))
        alike = [[case for case in cases if self._turn(case) == one] for one in sets]
        return [some[first : first + size] for some in alike for first in range(0, len(some), size)]

    def initial(self, batch: list[Case]) -> Known:
        """What the forecasts of a batch start from."""
        members = None if self.members is None else [member for _, member in batch]
        times, experts = [self.times[time] for time, _ in batch], self._experts(batch[0])
        if self.perturbations is None or members is None:
            return experts.initial(self.dataset, times, members, self.plan)
        known = experts.initial(self.dataset, times, None, self.plan)
        return self.perturbations.apply(known, times, members)

    def _experts(self, case: Case) -> Experts:
        return (self.experts, *self.others)[self._turn(case)]

    def _turn(self, case: Case) -> int:
        """Which set of models it is of; both members of a pair, if there is one for each set."""
        member, sets = case[1], 1 + len(self.others)
        config = None if self.perturbations is None else self.perturbations.config
        if config and config.method in PAIRED and config.members >= 2 * sets:
            member //= 2
        return member % sets

    def arrangement(self) -> Arrangement:
        """How the file is laid out.

        Raises:
            InputError: see `forecast_layout`.
        """
        contents = Contents(
            variables=self.experts.variables,
            grid=self.experts.grid,
            members=self.members is not None,
            single=len(self.times) == 1,
            attributes=self.experts.forecasters[0].metadata.get("attributes"),
            hours=self.experts.forecasters[0].accumulation_hours,
        )
        own = Layout.of(self.dataset) if ATTRIBUTE in self.dataset.attrs else None
        layout = forecast_layout(self.layout, contents, own)
        return Arrangement(layout, contents.variables, contents.grid)

    def identity(self, first: Known) -> dict[str, str]:
        """Digests of what makes a forecast, each the same for the same and for no other.

        Boundary data are read at the end of each forecast only: others in between, which are
        the same there, are not told apart.

        Args:
            first: what the first batch starts from; what the others do is read here.
        """
        members = None if self.members is None else self.members.tolist()
        ensemble = self.perturbations and self.perturbations.config.model_dump()
        told: dict[str, object] = {
            "models": [forecaster.sha256 for forecaster in self.forecasters],
            "initial times": self.times.astype("int64").tolist(),
            "members": [members, ensemble],
            "lead times": [self.plan.leads, self.plan.method],
            "layout": self.arrangement().layout.model_dump(mode="json"),
        }
        digests = {key: _digest(json.dumps(value).encode()) for key, value in told.items()}
        return {**digests, "analyses": self._fields(first)}

    def _fields(self, first: Known) -> str:
        """Digest of all initial states, and of the boundary at the end of each forecast."""
        states = chain(first.values(), self._ends(), self._later())
        fields = (f for state in states for f in (state.surface, state.upper, state.time))
        return _digest(*(field.cpu().numpy().tobytes() for field in fields))

    def _ends(self) -> Iterator[State]:
        """Boundary data at the end of the forecasts from each initial time."""
        if self.boundary is not None:
            for start in seconds(self.times).split(1):
                yield self.boundary.at(start + self.plan.leads[-1], start)

    def _later(self) -> Iterator[State]:
        """What the analyses say of the forecasts of all batches but the first, each once."""
        made_here = self.perturbations is not None or self.members is None
        first, *others = [
            dict.fromkeys((time, None if made_here else member) for time, member in batch)
            for batch in self.batches()
        ]
        for time, member in dict.fromkeys(chain.from_iterable(others)):
            if (time, member) not in first:
                members, times = None if member is None else [member], [self.times[time]]
                yield from self.experts.initial(self.dataset, times, members, self.plan).values()


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:_DIGITS]

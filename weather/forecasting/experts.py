"""Forecasters of different time steps that take turns (Pangu-Weather's expert models)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from sciml.errors import InputError
from weather.forecasting.boundary import Boundary, bounded
from weather.forecasting.execution import Known, Stepper, initial
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.noise import MemberNoise, noisy
from weather.forecasting.planner import Plan, hours_text
from weather.grid import LatLonGrid
from weather.models.model import WeatherModel
from weather.variables import Variables


@dataclass(frozen=True)
class Experts:
    """One forecaster, or several that forecast the same fields.

    Attributes:
        forecasters: the first one says how the output is described.
    """

    forecasters: tuple[Forecaster, ...]

    @classmethod
    def of(cls, models: Forecaster | Sequence[Forecaster]) -> "Experts":
        """Check that forecasters go together.

        Raises:
            InputError: other variables or another grid, or a time step that two have.
        """
        forecasters = (models,) if isinstance(models, Forecaster) else tuple(models)
        if not forecasters:
            raise InputError("no model given; name at least one model file")
        first, *others = forecasters
        seen = dict.fromkeys(first.steppers(), first)
        for other in others:
            _require_alike(first, other)
            for step in other.steppers():
                if step in seen:
                    raise InputError(
                        f"{seen[step].name} and {other.name} both step by {hours_text([step])}; "
                        "give one model for each time step, or --members to make them members"
                    )
                seen[step] = other
        return cls(forecasters)

    @classmethod
    def sets(cls, models: Forecaster | Sequence[Forecaster]) -> "tuple[Experts, ...]":
        """Forecasters of the same time steps, told apart: each set can forecast alone.

        Raises:
            InputError: those that do not go together, or sets of different time steps.
        """
        taken: list[dict[int, Forecaster]] = []
        for forecaster in (models,) if isinstance(models, Forecaster) else models:
            steps = dict.fromkeys(forecaster.steppers(), forecaster)
            free = next((one for one in taken if not one.keys() & steps.keys()), None)
            if free is None:
                taken.append(steps)
            else:
                free.update(steps)
        sets = tuple(cls.of(list(dict.fromkeys(one.values()))) for one in taken)
        for other in sets[1:]:
            _require_alike(sets[0].forecasters[0], other.forecasters[0])
            if set(other.steppers) != set(sets[0].steppers):
                raise InputError(
                    f"models of {hours_text(sorted(sets[0].steppers))} and of "
                    f"{hours_text(sorted(other.steppers))}: members need the same time steps"
                )
        return sets

    @property
    def variables(self) -> Variables:
        """What they forecast."""
        return self.forecasters[0].model.variables

    @property
    def grid(self) -> LatLonGrid:
        """Where."""
        return self.forecasters[0].model.grid

    @property
    def device(self) -> torch.device:
        """Where they compute."""
        return self.forecasters[0].device

    @cached_property
    def steppers(self) -> dict[int, Stepper]:
        """The model of each time step, by its seconds."""
        return {step: one for f in self.forecasters for step, one in f.steppers().items()}

    def given(
        self, boundary: Boundary | None, noise: MemberNoise | None, initial: Tensor
    ) -> dict[int, Stepper]:
        """The models with noise and boundary data, as far as they need any.

        Args:
            boundary: of a limited area.
            noise: of the members; None forecasts without, in their middle.
            initial: (batch,) int64 seconds since 1970-01-01 UTC, when the forecasts start.
        """
        steppers = self.steppers if noise is None else self._noisy(noise)
        if boundary is None:
            return steppers
        following = boundary.following(initial)
        return {step: bounded(one, step, following) for step, one in steppers.items()}

    def checked(
        self,
        dataset: xr.Dataset,
        times: NDArray[np.datetime64],
        plan: Plan,
        tell: Callable[[str], object],
    ) -> xr.Dataset:
        """The analyses, corrected where that is certain; see `Forecaster.checked`."""
        step = plan.steps[-1]
        return self._owner(step).checked(dataset, times, tell)

    def history(self, plan: Plan) -> int:
        """Past states that the models of a plan see.

        Raises:
            InputError: if one sees more than the present state in a plan of several steps.
        """
        used = [f for f in self.forecasters if set(f.steppers()) & set(plan.steps)]
        longest = max(used, key=lambda forecaster: forecaster.model.history)
        if longest.model.history > 1 and len(plan.steps) > 1:
            raise InputError(
                f"{longest.name} sees {longest.model.history} past states, one time step apart, "
                f"so it cannot take turns with steps of {hours_text(plan.steps)}: give lead "
                "times that one model reaches, or train with model.history 1"
            )
        return longest.model.history

    def initial(
        self,
        dataset: xr.Dataset,
        times: Sequence[np.datetime64],
        members: Sequence[int] | None,
        plan: Plan,
    ) -> Known:
        """What a forecast starts from; see `Forecaster.initial`."""
        step = plan.steps[-1]
        state = self._owner(step).initial(dataset, times, members, step).to(self.device)
        return initial(state, step, self.history(plan))

    def _noisy(self, noise: MemberNoise) -> dict[int, Stepper]:
        steppers = dict(self.steppers)
        for step, one in self.steppers.items():
            if dim := self._owner(step).noise:
                steppers[step] = noisy(one, partial(noise.draw, step=step, dim=dim))
        return steppers

    def _owner(self, step: int) -> Forecaster:
        return next(f for f in self.forecasters if step in f.steppers())


def _require_alike(first: Forecaster, other: Forecaster) -> None:
    if not first.model.grid.matches(other.model.grid):
        raise InputError(
            f"{other.name} has {other.model.grid.describe()}, {first.name} "
            f"{first.model.grid.describe()}: models that take turns need the same grid"
        )
    ours, theirs = first.model.variables, other.model.variables
    if (ours.surface, ours.upper, ours.levels) != (theirs.surface, theirs.upper, theirs.levels):
        raise InputError(
            f"{other.name} forecasts {', '.join(theirs.channels[:6])}, ..., {first.name} "
            f"{', '.join(ours.channels[:6])}, ...: models that take turns need the same fields"
        )
    hours = [f.accumulation_hours for f in (first, other)]
    for name in hours[0].keys() & hours[1].keys():
        if hours[0][name] != hours[1][name]:
            raise InputError(
                f"{other.name} forecasts {name} of {hours[1][name]:g} h up to each time, "
                f"{first.name} of {hours[0][name]:g} h: models that take turns need the same"
            )
    one_mask, other_mask = (_masks(f) for f in (first, other))
    if one_mask is not None and other_mask is not None and not _same(one_mask, other_mask):
        raise InputError(
            f"{other.name} leaves other cells without values than {first.name}; models that take "
            "turns need the same masks: train them on the same data"
        )
    one, two = (f.config.model and f.config.model.boundary for f in (first, other))
    if one != two:
        raise InputError(
            f"{other.name} has another frame of boundary data than {first.name}; models that "
            "take turns need the same"
        )


def _masks(forecaster: Forecaster) -> dict[str, Tensor] | None:
    """Masked cells by variable; None of a model of another program, whose masks lie inside."""
    model = forecaster.model
    return model.masks.named() if isinstance(model, WeatherModel) else None


def _same(masks: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return masks.keys() == others.keys() and all(
        torch.equal(cells.cpu(), others[name].cpu()) for name, cells in masks.items()
    )

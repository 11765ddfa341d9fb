"""Perturbed initial states: what the members of an ensemble start from.

Members come in pairs, plus and minus the same perturbation, so the mean of an even
ensemble starts from the analysis. A perturbation depends on the seed, the initial time
and the member alone, whatever is forecast beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
import xarray as xr
from pydantic import Field
from torch import Tensor

from sciml.config import Config
from sciml.errors import InputError
from weather.forecasting.execution import Known
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.random_fields import SphericalNoise, vertical_factor
from weather.models.model import WeatherModel
from weather.state import State, joined

Method = Literal["noise", "bred", "none"]
PAIRED = ("noise", "bred")  # methods whose members come in plus and minus


class EnsembleConfig(Config):
    """How members differ at the start.

    Attributes:
        members: how many.
        method: `noise` adds random fields; `bred` the differences that grow fastest, found
            by breeding them through the analyses of the days before (Toth and Kalnay,
            1993); `none` starts all members alike, for models that differ or depend on noise.
            Null is `none` for models that all depend on noise, and `noise` for others.
        amplitude: root mean square of the perturbation, in units of each field's usual
            change over a time step.
        length: correlation length of the noise, km.
        depth: its correlation depth, in units of ln p.
        cycles: time steps of breeding.
        seed: of the random numbers.
    """

    members: int = Field(ge=2, le=1000)
    method: Method | None = None
    amplitude: float = Field(0.3, gt=0)
    length: float = Field(500.0, ge=80)
    depth: float = Field(0.7, gt=0)
    cycles: int = Field(8, ge=1)
    seed: int = Field(0, ge=0)

    def completed(self, noisy: bool) -> "EnsembleConfig":
        """With the method that is meant.

        Args:
            noisy: whether all models depend on noise.

        Raises:
            InputError: options of perturbed states that are not perturbed.
        """
        made = self.model_copy(update={"method": self.method or ("none" if noisy else "noise")})
        idle = self.model_fields_set & {"amplitude", "length", "depth", "cycles"}
        if made.method == "none" and idle:
            raise InputError(
                f"{' and '.join(sorted(idle))} of perturbations, but members start alike"
                f"{'' if self.method else ', as this model makes them differ by its own noise'}: "
                "give --perturb noise or bred too, or leave it out"
            )
        return made


@dataclass(frozen=True)
class Difference:
    """A perturbation of one initial state in physical units, its past included.

    Attributes:
        surface: (time, variable, lat, lon).
        upper: (time, variable, level, lat, lon).
    """

    surface: Tensor
    upper: Tensor

    def __mul__(self, factor: float) -> "Difference":
        return Difference(self.surface * factor, self.upper * factor)


class Perturbations:
    """Makes the members' initial states.

    Args:
        forecaster: whose statistics give the amplitude, and which breeds.
        config: see `EnsembleConfig`.
        dataset: canonical analyses; breeding reads those before the initial times.
        others: forecasters of other members.

    Raises:
        InputError: a model without statistics, breeding in a limited area, or analyses that
            are an ensemble already.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        config: EnsembleConfig,
        dataset: xr.Dataset,
        others: Sequence[Forecaster] = (),
    ) -> None:
        config = config.completed(all(one.noise for one in (forecaster, *others)))
        if "member" in dataset.dims:
            raise InputError(
                f"the analyses are an ensemble of {dataset.sizes['member']} members already: "
                "leave out --members, or select one of them"
            )
        model = forecaster.model
        if config.method != "none" and not isinstance(model, WeatherModel):
            raise InputError(
                f"{forecaster.name} does not hold the usual change of its fields, by which "
                "perturbations are scaled; give a model.safetensors"
            )
        if config.method == "bred" and isinstance(model, WeatherModel) and model.frame is not None:
            raise InputError(
                f"{forecaster.name} covers a limited area, where perturbations are not bred, as "
                "that takes boundary data of the days before: give --perturb noise"
            )
        self.forecaster, self.config, self.dataset = forecaster, config, dataset
        self._made: dict[tuple[int, int], Difference] = {}
        if config.method != "none":
            self.noise = SphericalNoise(model.grid, config.length)

    def apply(self, known: Known, times: Sequence[np.datetime64], members: Sequence[int]) -> Known:
        """The states that members start from.

        Args:
            known: analyses, a sample for each member.
            times: (batch,) initial times.
            members: (batch,) position of each member.
        """
        if self.config.method == "none":
            return known
        wanted = [
            self._pair(time, member // 2) * (1.0 if member % 2 == 0 else -1.0)
            for time, member in zip(times, members, strict=True)
        ]
        used = {(_seconds(time), member // 2) for time, member in zip(times, members, strict=True)}
        self._made = {key: self._made[key] for key in used}  # each takes as much as a state
        nodes = sorted(known, key=lambda node: node.offset)
        return {node: _added(known[node], wanted, place) for place, node in enumerate(nodes)}

    @property
    def attributes(self) -> dict[str, str]:
        """What a forecast file says of it."""
        used = {"members", "method", "seed"} if self.config.method == "none" else None
        return {"ensemble": self.config.model_dump_json(include=used)}

    def _pair(self, time: np.datetime64, pair: int) -> Difference:
        """The perturbation of a pair of members, kept until others are asked for."""
        key = (_seconds(time), pair)
        if key not in self._made:
            bred = self.config.method == "bred"
            self._made[key] = self._bred(time, pair) if bred else self._noise(time, pair)
        return self._made[key]

    def _noise(self, time: np.datetime64, pair: int) -> Difference:
        model = self._model()
        generator = np.random.default_rng([self.config.seed, _seconds(time) % 2**32, pair])
        names, levels = model.variables, model.variables.levels
        surface = self.noise.sample(generator, len(names.surface))
        upper = np.zeros((len(names.upper), len(levels), *model.grid.shape))
        if names.upper:
            free = self.noise.sample(generator, len(names.upper) * len(levels))
            column = vertical_factor(levels, self.config.depth)
            upper = np.einsum("kl,vlyx->vkyx", column, free.reshape(upper.shape))
        on_surface, on_levels = self._usual()
        one = Difference(
            torch.from_numpy(surface).to(on_surface)[None] * on_surface,
            torch.from_numpy(upper).to(on_levels)[None] * on_levels,
        )
        past = Difference(
            one.surface.expand(model.history, -1, -1, -1),
            one.upper.expand(model.history, -1, -1, -1, -1),
        )
        return self._scaled(past)

    def _bred(self, time: np.datetime64, pair: int) -> Difference:
        """Noise that is carried through the analyses before `time`, scaled after each step."""
        model, step = self._model(), self.forecaster.step
        start = time - self.config.cycles * step
        grown = self._noise(time, pair)
        for cycle in range(self.config.cycles):
            state = self.forecaster.initial(self.dataset, [start + cycle * step])
            state = state.to(self.forecaster.device)
            pairs = joined([state, _added(state, [grown])])
            with torch.inference_mode():
                after = model(pairs)
            latest = Difference(
                after.surface[1] - after.surface[0], after.upper[1] - after.upper[0]
            )
            grown = self._scaled(
                Difference(
                    torch.cat([grown.surface[1:], latest.surface]),
                    torch.cat([grown.upper[1:], latest.upper]),
                )
            )
        return grown

    def _scaled(self, difference: Difference) -> Difference:
        """With the wanted amplitude at the initial time, over the globe and all fields."""
        surface, upper = self._usual()
        area = torch.from_numpy(self._model().grid.area_weights()).to(surface)[:, None]
        fields = [
            difference.surface[-1] / surface, (difference.upper[-1] / upper).flatten(0, 1)
        ]  # fmt: skip
        squares = (torch.cat(fields).square() * area).nanmean()
        return difference * (self.config.amplitude / math.sqrt(float(squares)))

    def _usual(self) -> tuple[Tensor, Tensor]:
        statistics = self._model().statistics
        return statistics.surface("change"), statistics.upper("change")

    def _model(self) -> WeatherModel:
        assert isinstance(self.forecaster.model, WeatherModel)
        return self.forecaster.model


def _seconds(time: np.datetime64) -> int:
    """Since 1970-01-01 UTC."""
    return int(time.astype("datetime64[s]").astype(np.int64))


def _added(state: State, differences: Sequence[Difference], place: int | None = None) -> State:
    """A perturbation on each sample; what cannot be negative stays so.

    Args:
        state: (batch, time, ...).
        differences: one for each sample, of its times.
        place: of the state's only time among theirs; None where the times are the same.
    """
    times = slice(None) if place is None else slice(place, place + 1)
    surface = torch.stack([difference.surface[times] for difference in differences])
    upper = torch.stack([difference.upper[times] for difference in differences])
    return replace(
        state,
        surface=state.surface + surface.to(state.surface),
        upper=state.upper + upper.to(state.upper),
    ).without_negatives()

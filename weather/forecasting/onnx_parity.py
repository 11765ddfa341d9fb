"""Whether an exported model forecasts what the original does, channel by channel."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from weather.forecasting.rollout import rollout
from weather.models.model import WeatherModel
from weather.state import State

TOLERANCE = 1e-3  # of the standard deviation of a channel's change, for each time step
_ULPS = 2 * torch.finfo(torch.float32).eps  # two units in the last place of the value itself


@dataclass(frozen=True)
class Difference:
    """Largest difference between two models in one channel after some time steps.

    Attributes:
        channel: such as `z500`.
        step: number of time steps.
        absolute: in the channel's unit.
        relative: to the standard deviation of the channel's change over a time step.
        allowed: of `absolute`.
    """

    channel: str
    step: int
    absolute: float
    relative: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether it is allowed; NaN is not."""
        return self.absolute <= self.allowed


def compare(
    model: WeatherModel,
    exported: Callable[[State], State],
    tolerance: float = TOLERANCE,
    steps: int = 4,
    seeds: Sequence[int] = (0, 1, 2),
    batches: Sequence[int] = (1, 2),
) -> list[Difference]:
    """Run both models on the same states, one and `steps` time steps ahead.

    Allowed is a share of the standard deviation of a channel's change, and two units in
    the last place of its value, for each time step.

    Args:
        model: the original.
        exported: the same as another program runs it.
        tolerance: that share.
        steps: of a roll-out.
        seeds: of the states; each is run in every batch size.
        batches: batch sizes.

    Returns:
        For each channel one after a step and one after `steps`.
    """
    worst: dict[int, Tensor] = {}
    largest = torch.zeros(len(model.variables.channels))
    for seed in seeds:
        for batch in batches:
            state = plausible(model, batch, seed)
            with torch.inference_mode():
                pairs = zip(
                    rollout(model, state, steps), rollout(exported, state, steps), strict=True
                )
                for number, (expected, came) in enumerate(pairs, start=1):
                    if number in (1, steps):
                        gap = _largest(_gap(_channels(came), _channels(expected)))
                        worst[number] = torch.maximum(worst.get(number, gap), gap)
                        largest = torch.maximum(largest, _largest(_channels(expected).nan_to_num()))
    change = model.statistics.channels("change")
    return [
        Difference(name, step, float(gap), float(gap / scale), float(step * allowed))
        for step in sorted(worst)
        for name, gap, scale, allowed in zip(
            model.variables.channels,
            worst[step],
            change,
            tolerance * change + _ULPS * largest,
            strict=True,
        )
    ]


def as_json(differences: Sequence[Difference]) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "tolerance": f"{TOLERANCE:g} of the standard deviation of a channel's change, and two "
        "units in the last place of its value, for each time step",
        "passed": all(difference.passed for difference in differences),
        "differences": [asdict(difference) for difference in differences],
    }


def plausible(model: WeatherModel, batch: int, seed: int) -> State:
    """States of the model's mean and spread, whose past differs by its usual change."""
    random = torch.Generator().manual_seed(seed)
    statistics, variables = model.statistics, model.variables
    surface = _draw(statistics.surface_moments(), batch, model, random)
    upper = _draw(statistics.upper_moments(), batch, model, random)
    hours = torch.randint(0, 80 * 8766, (batch, 1), generator=random)  # 1970 to 2050
    past = model.step * torch.arange(1 - model.history, 1)
    return State(surface, upper, 3600 * hours + past, variables, model.grid)


def _draw(
    moments: Sequence[Tensor], batch: int, model: WeatherModel, random: torch.Generator
) -> Tensor:
    """(batch, time, variable, ..., lat, lon) from mean, std and change (variable, ..., 1, 1)."""
    mean, std, change = moments
    shape = (*mean.shape[:-2], *model.grid.shape)
    last = mean + std * torch.randn(batch, 1, *shape, generator=random)
    back = change * torch.randn(batch, model.history - 1, *shape, generator=random)
    return torch.cat([last + back, last], dim=1)


def _channels(state: State) -> Tensor:
    """(batch, channel, lat, lon) of the only time."""
    return torch.cat([state.surface, state.upper.flatten(2, 3)], dim=2)[:, 0]


def _gap(came: Tensor, expected: Tensor) -> Tensor:
    """Their difference, zero where both are NaN: both say that there is no value."""
    return torch.where(came.isnan() & expected.isnan(), 0.0, came - expected)


def _largest(values: Tensor) -> Tensor:
    """(batch, channel, lat, lon) -> (channel,); NaN where any is."""
    return values.abs().amax(dim=(0, 2, 3))

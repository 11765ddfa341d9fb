"""Noise for the members of a model that depends on it (see `weather.models.noise`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from weather.state import State


@dataclass(frozen=True)
class MemberNoise:
    """Noise of members, whatever is forecast beside them and wherever a forecast goes on.

    Attributes:
        seed: of the ensemble.
        initial: (batch,) int64 seconds since 1970-01-01 UTC, when forecasts start.
        members: (batch,) position of each member.
    """

    seed: int
    initial: Tensor
    members: Sequence[int]

    def draw(self, time: Tensor, step: int, dim: int) -> Tensor:
        """Normal numbers for a time step of each member.

        Args:
            time: (batch,) int64 seconds, when the step begins.
            step: seconds.
            dim: numbers wanted.

        Returns:
            (batch, dim) float32, on the CPU.
        """
        starts, times = self.initial.tolist(), time.tolist()
        rows = [
            np.random.default_rng([self.seed, start % 2**32, member, step, now - start])
            for start, member, now in zip(starts, self.members, times, strict=True)
        ]
        return torch.from_numpy(np.stack([row.standard_normal(dim, np.float32) for row in rows]))


def noisy(stepper: Callable[..., State], draw: Callable[[Tensor], Tensor]) -> Callable[..., State]:
    """A step of a model that depends on noise, which is drawn for it.

    Args:
        stepper: past states and `noise` to the next state.
        draw: (batch, dim) noise of steps that begin at the times (batch,).
    """
    return lambda state, **given: stepper(state, noise=draw(state.time[:, -1]), **given)

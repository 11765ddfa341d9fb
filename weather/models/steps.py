"""Time steps of a model: as a user writes them, and as a network sees them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field
from torch import Tensor, nn

from sciml.embeddings import fourier_features

WIDTH = 64  # of the vector that stands for a step; a model takes a few different ones
_FEATURES, _SHORTEST, _LONGEST = 32, 2.0, 400.0  # wavelengths in hours


def _distinct(hours: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(hours)) < len(hours) or list(hours) != sorted(hours):
        raise ValueError("give each time step once, the shortest first")
    return hours


Hours = Annotated[float, Field(gt=0)]
StepHours = Hours | Annotated[tuple[Hours, ...], Field(min_length=1), AfterValidator(_distinct)]


def in_seconds(hours: StepHours) -> tuple[int, ...]:
    """Time steps in seconds, ascending."""
    several = hours if isinstance(hours, tuple) else (hours,)
    return tuple(round(step * 3600) for step in several)


def from_seconds(steps: Sequence[int]) -> StepHours:
    """Time steps in hours, as a configuration holds them: a number where there is one."""
    hours = tuple(step / 3600 for step in steps)
    return hours[0] if len(hours) == 1 else hours


def in_hours(steps: Sequence[int]) -> str:
    """Time steps as text: `6 h`, or `6, 12 and 24 h`."""
    *others, last = (f"{step / 3600:g}" for step in steps)
    return f"{', '.join(others)} and {last} h" if others else f"{last} h"


class StepEmbedding(nn.Sequential):
    """Seconds of a time step (...) to a conditioning vector (..., `WIDTH`)."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(_FEATURES, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU())

    def forward(self, seconds: Tensor) -> Tensor:
        """Embed Fourier features of the hours."""
        return super().forward(fourier_features(seconds / 3600, _SHORTEST, _LONGEST, _FEATURES))

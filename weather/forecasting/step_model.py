"""What a forecast asks of a model, whoever made it."""

from typing import Protocol

import torch

from weather.grid import LatLonGrid
from weather.state import State
from weather.variables import Variables


class StepModel(Protocol):
    """One time step of the atmosphere, in physical units.

    Attributes:
        history: past states that are seen, the present one included.
        step: seconds of a time step.
        variables: names and levels of the states.
        grid: the only grid it works on.
    """

    history: int
    step: int
    variables: Variables
    grid: LatLonGrid

    @property
    def device(self) -> torch.device:
        """Where it takes its states."""

    def __call__(self, state: State) -> State:
        """At least `history` times -> one time, `step` seconds after the last."""

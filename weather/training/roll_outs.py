"""Samples that are read no longer than the training rolls out at the time."""

from collections.abc import Sequence
from dataclasses import dataclass

from weather.state import State
from weather.training.data import WeatherDataset
from weather.training.mixed_steps import MixedSteps
from weather.training.objectives import RollOutConfig
from weather.training.periods import Index


@dataclass(frozen=True)
class RollOuts:
    """The samples of a training whose roll-outs grow (`sciml.batches.GrowingSource`).

    Which samples there are, and so their order, is the same throughout: those that hold the
    longest roll-out.

    Attributes:
        data: samples of `history` times and the longest roll-out.
        history: times that a model sees.
        objective: says how many are rolled out, and when.
    """

    data: WeatherDataset | MixedSteps
    history: int
    objective: RollOutConfig

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.data)

    @property
    def runs(self) -> Index | None:
        """(sample,) number of its run; see `sciml.order`."""
        return self.data.runs

    def at(self, share: float) -> WeatherDataset | MixedSteps:
        """The samples as far as they are rolled out at this share of the training."""
        return self.data.first(self.history + self.objective.steps_at(share))

    def __getitems__(self, samples: Sequence[int]) -> State:
        """A batch of whole samples."""
        return self.data.__getitems__(samples)

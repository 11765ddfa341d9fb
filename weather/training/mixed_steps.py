"""Training samples of several time steps, one step to a batch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Self

import numpy as np

from weather.state import State
from weather.training.data import Fields, WeatherDataset, samples
from weather.training.periods import Index


@dataclass(frozen=True)
class MixedSteps:
    """The samples of each step, one after the other.

    The first sample asked for decides the step of the whole batch; the others stand for
    their initial times. Of a shuffled order every step so gets its share of batches, and
    a batch follows from its indices alone.

    Attributes:
        parts: for each step, samples of the same initial times.
    """

    parts: tuple[WeatherDataset, ...]

    def __len__(self) -> int:
        """Number of samples."""
        return sum(len(part) for part in self.parts)

    @property
    def runs(self) -> Index | None:
        """(sample,) number of its run; see `sciml.order`.

        A run of times makes as many of them as there are steps. Each takes every initial
        time once and has all steps in it.
        """
        runs, steps = self.parts[0].runs, len(self.parts)
        if runs is None:
            return None
        turn = np.arange(len(runs)) + np.arange(steps)[:, None]
        return (steps * runs + turn % steps).ravel()

    def first(self, times: int) -> Self:
        """The same samples, cut off after so many times."""
        return replace(self, parts=tuple(part.first(times) for part in self.parts))

    def __getitems__(self, samples: Sequence[int]) -> State:
        """A batch, cut at once."""
        times = len(self.parts[0])
        part = self.parts[samples[0] // times]
        return part.__getitems__([sample % times for sample in samples])


def mixed(
    fields: Fields,
    period: tuple[np.datetime64, np.datetime64],
    steps: Sequence[int],
    length: int,
) -> WeatherDataset | MixedSteps:
    """All windows of a period, for one time step or for several.

    Args:
        fields: where they are cut from.
        period: first time and end (not included).
        steps: seconds between the times of a window.
        length: times of a window.

    Returns:
        For several steps, windows of those first times that every step has one for.
    """
    parts = [samples(fields, period, step, length) for step in steps]
    if len(parts) == 1:
        return parts[0]
    common = reduce(np.intersect1d, [part.index[:, 0] for part in parts])
    return MixedSteps(
        tuple(replace(part, index=part.index[np.isin(part.index[:, 0], common)]) for part in parts)
    )

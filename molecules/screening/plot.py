"""The histogram of a page: where its bars, ticks and hits stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from molecules.screening.histogram import Histogram
from molecules.tasks import Task

PLOT = (640, 150)  # user units
BARS = 64

Edges = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram, in the user units of the plot."""

    x: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Plot:
    """Histogram of one objective's predictions.

    Attributes:
        task: whose.
        bars: in user units.
        axis: positions and labels of ticks.
        marks: position of each hit.
    """

    task: Task
    bars: list[Bar]
    axis: list[tuple[float, str]]
    marks: list[float]

    @classmethod
    def of(cls, task: Task, histogram: Histogram, values: Sequence[float]) -> Self:
        """The plot of a histogram, with the values of the hits."""
        edges, counts = histogram.occupied(BARS)
        marks = [_x(value, edges) for value in values]
        return cls(task, _bars(edges, counts), _ticks(edges), marks)


def _bars(edges: Edges, counts: Counts) -> list[Bar]:
    x = PLOT[0] * (edges - edges[0]) / (edges[-1] - edges[0])
    heights = PLOT[1] * counts / counts.max()
    return [
        Bar(x[i], x[i + 1] - x[i], heights[i], f"{edges[i]:.3g} to {edges[i + 1]:.3g}: {count:,}")
        for i, count in enumerate(counts)
        if count
    ]


def _ticks(edges: Edges) -> list[tuple[float, str]]:
    """Positions and labels at round values."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(7).tick_values(edges[0], edges[-1])
    return [(_x(v, edges), f"{v:.6g}") for v in values if edges[0] <= v <= edges[-1]]


def _x(value: float, edges: Edges) -> float:
    return float(PLOT[0] * (value - edges[0]) / (edges[-1] - edges[0]))

"""The order in which a training sees its samples: a function of seed and epoch.

Samples in memory are shuffled freely. Where samples share chunks of a file, a free order
would read a chunk anew for each of them. There the order goes by *runs*, samples that are
best read together:

1. The runs are shuffled and laid in a row, which is cut into `LANES` lanes of one length.
2. In each lane, every `TURNS` samples that follow each other are shuffled.
3. The lanes take turns, one sample each.

How well mixed that is: any `LANES` samples that follow each other come from as many runs,
so a batch of that size has no two of one run. What is lost against a free order: the
`LANES * TURNS` samples that are shuffled together come from `runs_in_use` runs at most.
Which runs those are is drawn anew in each epoch.

The order does not depend on the number of processes that share it. If that divides `LANES`,
each process has lanes, and therefore runs, of its own to read.
"""

from collections.abc import Iterator, Sized
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DistributedSampler

LANES = 24
TURNS = 12


@runtime_checkable
class InRuns(Protocol):
    """Training data that say which samples are best read together."""

    @property
    def runs(self) -> NDArray[np.int64] | None:
        """(sample,) number of its run; None where any order costs the same."""
        ...


def shuffled(source: Sized, processes: int, rank: int, seed: int) -> DistributedSampler[int]:
    """The samples of one of several processes, in a new order each epoch.

    Position p of the order is for process p modulo `processes`. `set_epoch` chooses the
    epoch.
    """
    runs = source.runs if isinstance(source, InRuns) else None
    if runs is None:
        return DistributedSampler(source, processes, rank, shuffle=True, seed=seed)  # type: ignore[arg-type]
    return _ByRuns(runs, processes, rank, seed)


def by_runs(runs: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """An order in which each run is in use for a short time; see above.

    Args:
        runs: (sample,) number of the run that each belongs to.
        random: draws the order.

    Returns:
        (sample,) a permutation.
    """
    numbers, run = np.unique(runs, return_inverse=True)
    lanes = np.arange(min(LANES, len(numbers)))
    lane = np.repeat(lanes, (len(runs) - 1 - lanes) // len(lanes) + 1)
    turn = np.arange(len(lane)) - np.searchsorted(lane, lane)
    row = np.argsort(random.permutation(len(numbers))[run], kind="stable")
    row = row[np.lexsort((random.random(len(row)), turn // TURNS, lane))]
    return row[np.lexsort((lane, turn))]


def runs_in_use(samples: int) -> int:
    """Between how many runs of that many samples the order goes to and fro, at most."""
    return LANES * (1 + -(-(TURNS - 1) // samples))


class _ByRuns(DistributedSampler[int]):
    """Shares out positions among processes, then says which sample stands at each."""

    def __init__(self, runs: NDArray[np.int64], processes: int, rank: int, seed: int) -> None:
        super().__init__(runs, processes, rank, shuffle=False, seed=seed)  # type: ignore[arg-type]
        self.runs = runs

    def __iter__(self) -> Iterator[int]:
        order = by_runs(self.runs, np.random.default_rng((self.seed, self.epoch)))
        return iter(order[list(super().__iter__())].tolist())

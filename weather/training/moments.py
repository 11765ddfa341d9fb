"""Statistics of a prepared store, kept by months so that any training period is composed.

The statistics of a model are taken over pairs of times, a model step apart: mean and
spread of the first, spread of the change. A pair belongs to the calendar months of its
two times. The moments of such groups of pairs merge exactly (Chan, Golub and LeVeque
1983), so those of any period come from the groups that lie whole in it, and from the few
pairs left over at its ends, which are read again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciml.errors import InputError
from sciml.normalize import RunningMoments
from weather.models.statistics import Moments
from weather.training.data import WeatherDataset
from weather.training.measure import accumulate, by_variable
from weather.training.periods import Index, Times, windows
from weather.variables import Variables

_PIECE = 4 * 2**20  # bytes of float64 values that are taken in at once


@dataclass(frozen=True)
class Pairs:
    """All pairs of times of a series, a step apart, grouped by the months of the two.

    Attributes:
        index: (pair, 2) positions in the series.
        group: (pair,) number of the group.
        months: (group, 2) months since 1970-01 of first and second time.
    """

    index: Index
    group: Index
    months: Index

    @classmethod
    def of(cls, times: Times, step: int) -> Self:
        """The pairs of `times`, `step` seconds apart."""
        index = windows(times, step, 2)
        months = times.astype("datetime64[M]").astype(np.int64)[index]
        unique, group = np.unique(months, axis=0, return_inverse=True)
        return cls(index, group.reshape(-1), unique.reshape(-1, 2))

    def ending_in(self, first: int, end: int) -> Index:
        """Numbers of the pairs whose second time lies at first..end."""
        return np.flatnonzero((self.index[:, 1] >= first) & (self.index[:, 1] < end))

    def before(self, first: int, end: int) -> list[int]:
        """Positions before `first` that pairs ending in first..end begin at."""
        begin = self.index[self.ending_in(first, end), 0]
        return np.unique(begin[begin < first]).tolist()


class PairMoments:
    """Moments of one variable for each group of pairs.

    Args:
        sums: (group, 2, 3, level) float64: of the first time's values and of the change,
            their count, their mean, and the sum of squared deviations from it.
    """

    def __init__(self, sums: NDArray[np.float64]) -> None:
        self.sums = sums

    @classmethod
    def empty(cls, groups: int, levels: int) -> Self:
        """Nothing measured yet."""
        return cls(np.zeros((groups, 2, 3, levels)))

    def take_in(
        self,
        pairs: Pairs,
        first: int,
        values: NDArray[np.float32],
        earlier: Mapping[int, NDArray[np.float32]],
    ) -> None:
        """Take in all pairs that end in a slab of times; NaN is left out.

        Args:
            pairs: of the series.
            first: position of the slab in the series.
            values: (time, level, lat, lon), the slab.
            earlier: (level, lat, lon) by position, see `Pairs.before`.
        """
        numbers = pairs.ending_in(first, first + len(values))
        size = max(1, _PIECE // (8 * values[0].size))
        for group in np.unique(pairs.group[numbers]):
            chosen = numbers[pairs.group[numbers] == group]
            for start in range(0, len(chosen), size):
                begin, end = pairs.index[chosen[start : start + size]].T
                before = [values[p - first] if p >= first else earlier[p] for p in begin.tolist()]
                self._update(int(group), np.stack(before), values[end - first])

    def _update(self, group: int, first: NDArray[np.float32], second: NDArray[np.float32]) -> None:
        """Take in pairs of one group, (pair, level, lat, lon) each."""
        size = max(1, _PIECE // (8 * first[:, 0].size))
        for start in range(0, first.shape[1], size):
            levels = np.arange(start, min(start + size, first.shape[1]))
            rows = _rows(first[:, levels])
            for quantity, values in enumerate((rows, _rows(second[:, levels]) - rows)):
                moments = self.merged(quantity, np.array([group]), levels)
                moments.update(values)
                sums = torch.stack([moments.count, moments.mean, moments.squares])
                self.sums[group, quantity, :, levels] = sums.T.numpy()

    def merged(self, quantity: int, groups: Index, levels: Index) -> RunningMoments:
        """Of some groups together: values (0) or changes (1)."""
        moments = RunningMoments(len(levels))
        for sums in self.sums[groups, quantity][..., levels]:
            moments.merge(*torch.from_numpy(sums))
        return moments


@dataclass(frozen=True)
class StoredMoments:
    """The moments of a prepared store.

    Attributes:
        pairs: of its times.
        sums: by variable.
        levels: hPa, of the variables on levels.
        cells: of the grid.
    """

    pairs: Pairs
    sums: dict[str, PairMoments]
    levels: tuple[float, ...]
    cells: int

    def over(
        self, data: WeatherDataset, masks: Mapping[str, Tensor] | None = None
    ) -> dict[str, Moments]:
        """Moments over the windows of two times of `data`, as `measure` gives them.

        NaN were left out of the sums. That there are no others than in masked cells, which are
        NaN at all times, their number tells.

        Args:
            data: windows of two times.
            masks: cells that are left out, by variable.

        Raises:
            InputError: no data, or a variable that is NaN in other cells.
        """
        if not len(data):
            raise InputError("no training samples; widen data.train or give more data")
        variables = data.__getitems__([0]).variables
        wanted = np.isin(self.pairs.index[:, 0], data.index[:, 0])
        number = len(self.pairs.months)
        sizes = np.bincount(self.pairs.group, minlength=number)
        whole = np.bincount(self.pairs.group[wanted], minlength=number) == sizes
        groups = np.flatnonzero(whole)
        present, change = (self._merged(variables, quantity, groups) for quantity in (0, 1))
        cells = self.cells - _masked(variables, masks or {})
        _require_finite(variables, change, int(sizes[whole].sum()) * cells)
        rest = self.pairs.index[wanted & ~whole[self.pairs.group]]
        accumulate(WeatherDataset(data.fields, rest), present, change, masks)
        return by_variable(variables, present, change)

    def _merged(self, variables: Variables, quantity: int, groups: Index) -> RunningMoments:
        """Of all channels, in the order of `Variables.channels`."""
        places = np.array([self.levels.index(level) for level in variables.levels], dtype=np.int64)
        parts = [self.sums[n].merged(quantity, groups, np.arange(1)) for n in variables.surface]
        parts += [self.sums[n].merged(quantity, groups, places) for n in variables.upper]
        result = RunningMoments(len(variables.channels))
        result.merge(
            torch.cat([part.count for part in parts]),
            torch.cat([part.mean for part in parts]),
            torch.cat([part.squares for part in parts]),
        )
        return result


def _masked(variables: Variables, masks: Mapping[str, Tensor]) -> Index:
    """(channel,) number of masked cells."""
    sizes = dict.fromkeys(variables.surface, 1) | dict.fromkeys(
        variables.upper, len(variables.levels)
    )
    none = {name: np.zeros(number, np.int64) for name, number in sizes.items()}
    known = {name: cells.flatten(-2).sum(-1).reshape(-1).numpy() for name, cells in masks.items()}
    return np.concatenate([known.get(name, none[name]) for name in sizes])


def _require_finite(variables: Variables, change: RunningMoments, expected: Index) -> None:
    counts = change.count.tolist()
    for channel, count, all_of in zip(variables.channels, counts, expected.tolist(), strict=True):
        if count < all_of:
            raise InputError(
                f"{channel} is NaN in {all_of - count:.0f} of {all_of} values; fill it, or leave "
                "it out of data.variables"
            )


def _rows(values: NDArray[np.float32]) -> torch.Tensor:
    """(pair, level, lat, lon) as float64 rows (cell, level)."""
    rows = torch.from_numpy(np.moveaxis(values, 1, -1)).to(torch.float64)
    return rows.reshape(-1, values.shape[1])

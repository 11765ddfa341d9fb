"""Centres of lows: minima that are a given depth below the way to anything lower."""

from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float64]
Index = NDArray[np.intp]


def minima(
    field: Field, depth: float, periodic: bool = False, poles: tuple[bool, bool] = (False, False)
) -> list[tuple[int, int]]:
    """Local minima from which every way to a lower cell first rises by `depth`.

    An isobar closes around such a cell and nothing lower, however low the field is
    elsewhere. In topography the depth is called prominence: by it a summit is told
    from a shoulder. Ways lead through eight neighbours, across the seam of a globe
    and the poles, and within the data: what lies beyond an edge or in a cell without
    a value is not known, and no minimum is taken beside these.

    Args:
        field: (lat, lon), NaN where there is no value.
        depth: in the field's unit, above zero.
        periodic: whether the last column is a neighbour of the first.
        poles: whether the first and the last row of a periodic field lie around a pole.

    Returns:
        Rows and columns; of equal neighbours the first.
    """
    known = np.isfinite(field)
    cells = np.where(known, np.arange(field.size).reshape(field.shape), -1)
    around = _surrounded(cells, periodic, poles)
    lowered = np.append(np.where(known, field, -np.inf), -np.inf)  # the last one for cell -1
    least = ndimage.minimum_filter(lowered[around], 3)[1:-1, 1:-1]
    starts = np.flatnonzero(known & (field == least))
    values, near = lowered.tolist(), around.ravel().tolist()
    wide = around.shape[1]
    found = [s for s in starts.tolist() if _is_closed(values, near, wide, s, depth)]
    return [divmod(start, wide - 2) for start in found]


def _surrounded(cells: Index, periodic: bool, poles: tuple[bool, bool]) -> Index:
    """Numbers of cells with those of the neighbours of the outermost; -1 where there is none."""
    wide = np.pad(cells, 1, constant_values=-1)
    if periodic:
        for row, pole in zip((0, -1), poles, strict=True):
            if pole:
                wide[row, 1:-1] = np.roll(cells[row], cells.shape[1] // 2)
        wide[:, 0], wide[:, -1] = wide[:, -2], wide[:, 1]
    return wide


def _is_closed(values: list[float], near: list[int], wide: int, start: int, depth: float) -> bool:
    """Whether water that rises from a cell is `depth` deep before it finds a lower one.

    Args:
        values: of the cells.
        near: from `_surrounded`, flattened.
        wide: length of its rows.
        start: number of the cell.
        depth: of the water.
    """
    steps = [row + column for row in (-wide, 0, wide) for column in (-1, 0, 1)]
    shore, met = [(values[start], start)], {start}
    while shore:
        value, cell = heappop(shore)
        if (value, cell) < (values[start], start):
            return False
        if value >= values[start] + depth:
            return True
        place = (cell // (wide - 2) + 1) * wide + cell % (wide - 2) + 1
        for step in steps:
            next_cell = near[place + step]
            if next_cell >= 0 and next_cell not in met:
                met.add(next_cell)
                heappush(shore, (values[next_cell], next_cell))
    return False

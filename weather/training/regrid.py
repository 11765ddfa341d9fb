"""Conservative regridding between latitude-longitude grids, by the library xarray-regrid.

The mean of a field over each target cell: the sum over source cells of the shared area
times the value, over the area. On the sphere a cell's area is its width in longitude
times that in the sine of latitude, so the weights are a product of two matrices.

The library makes and applies these matrices. It is given the edges of the cells here,
for its own way of finding them is wrong on the sphere: it measures the shared latitude
in degrees, and a row that lies on a pole gets no weight.
"""

from collections.abc import Hashable

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from xarray_regrid.methods.conservative import apply_weights
from xarray_regrid.utils import create_dot_dataarray, normalize_overlap, overlap

from sciml.errors import InputError
from weather.grid import LatLonGrid

Floats = NDArray[np.floating]

MISSING = 0.5  # share of a cell's area above which NaN makes it missing
_PIECE = 2**18  # values that are regridded together
_UNCOVERED = 1e-6  # share of a cell that rounding may leave uncovered


class Regridder:
    """Means over the cells of one grid of fields on another.

    Args:
        source, target: global or regional.

    Raises:
        InputError: a target cell that the source does not cover.
    """

    def __init__(self, source: LatLonGrid, target: LatLonGrid) -> None:
        lat = overlap(_sines(source), _sines(target))
        columns = _longitudes(target)
        lon = np.sum([overlap(_longitudes(source, turn), columns) for turn in (-360, 0, 360)], 0)
        _require_cover(lat, _sines(target), lon, columns, source)
        self.weights: dict[Hashable, xr.DataArray] = {
            "lat": _weights(lat, "lat", source.lat, target.lat),
            "lon": _weights(lon, "lon", source.lon, target.lon),
        }

    def __call__(self, values: Floats) -> NDArray[np.float64]:
        """Regrid (..., lat, lon).

        NaN counts as unmeasured: a cell is the mean of what was measured in it, and
        NaN where more than half of it was not.
        """
        fields = values.reshape(-1, *values.shape[-2:])
        size = max(1, _PIECE // fields[0].size)
        pieces = [self._means(fields[n : n + size]) for n in range(0, len(fields), size)]
        done = np.concatenate(pieces)
        return done.reshape(*values.shape[:-2], *done.shape[1:])

    def _means(self, values: Floats) -> NDArray[np.float64]:
        """Of a few fields (field, lat, lon), since the library makes several copies."""
        fields = xr.DataArray(values.astype(np.float64), dims=["field", "lat", "lon"])
        masked = bool(np.isnan(values).any())
        return apply_weights(fields, self.weights, masked, 1 - MISSING).values


def _sines(grid: LatLonGrid) -> pd.IntervalIndex:
    edges = np.sin(np.radians(grid.latitude_bounds()))
    return pd.IntervalIndex.from_arrays(edges[1:], edges[:-1])


def _longitudes(grid: LatLonGrid, turn: int = 0) -> pd.IntervalIndex:
    edges = grid.longitude_bounds() + turn
    return pd.IntervalIndex.from_arrays(edges[:-1], edges[1:])


def _weights(
    shared: NDArray[np.float64], name: str, source: tuple[float, ...], target: tuple[float, ...]
) -> xr.DataArray:
    weights = normalize_overlap(shared)
    return create_dot_dataarray(weights, name, np.array(target), np.array(source))


def _require_cover(
    lat: NDArray[np.float64],
    rows: pd.IntervalIndex,
    lon: NDArray[np.float64],
    columns: pd.IntervalIndex,
    source: LatLonGrid,
) -> None:
    for shared, cells in ((lat, rows), (lon, columns)):
        share = shared.sum(axis=0) / cells.length.to_numpy()
        if share.min() < 1 - _UNCOVERED:
            raise InputError(
                f"the grid to regrid to reaches beyond the data ({source.describe()}); "
                "choose a smaller area or give data that covers it"
            )

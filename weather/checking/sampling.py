"""A field in a few numbers, read time by time, so that any file fits into memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.grid import LatLonGrid
from weather.variables import on_level

_BLOCK = 64 * 2**20  # bytes of a field that are read at once
Numbers = NDArray[np.float64]
Level = float | None


@dataclass(frozen=True)
class Summary:
    """What a field holds at the sampled times; each array (time, level), NaN where all is NaN.

    Attributes:
        times: of the samples; empty for a field without time.
        levels: hPa; one None for a field without level.
        mean: weighted by area.
        plain: every cell alike, as a model's statistics are.
        low, high: extremes.
        low_at, high_at: (time, level, 2) their latitude and longitude.
        missing: share of cells that are NaN or infinite.
        zonal: root mean square of the averages along latitudes.
        frozen: whether all samples are the same field.
        mask_varies: whether NaN moves in time.
    """

    times: tuple[np.datetime64, ...]
    levels: tuple[Level, ...]
    mean: Numbers
    plain: Numbers
    low: Numbers
    high: Numbers
    low_at: Numbers
    high_at: Numbers
    missing: Numbers
    zonal: Numbers
    frozen: bool
    mask_varies: bool

    @property
    def empty(self) -> bool:
        """Whether there is no number at all."""
        return bool(np.isnan(self.mean).all())

    @property
    def constant(self) -> bool:
        """Whether every sample has one value per level."""
        return bool((self.low == self.high).all())

    @property
    def zero(self) -> bool:
        """Whether there is nothing but zeros."""
        return bool((self.low == 0).all() and (self.high == 0).all())

    def extremes(self) -> tuple[float, float]:
        """The least and the greatest value; NaN if there is none."""
        if self.empty:
            return np.nan, np.nan
        return float(np.nanmin(self.low)), float(np.nanmax(self.high))

    def converted(self, factor: float, offset: float) -> Self:
        """The summary of factor * field + offset, with a positive factor.

        `zonal` is left as it is: only winds use it, which have no other unit.
        """
        names = ("mean", "plain", "low", "high")
        return replace(self, **{name: getattr(self, name) * factor + offset for name in names})

    def on(self, levels: Sequence[Level]) -> Self:
        """The same at other pressures."""
        return replace(self, levels=tuple(levels))


def summarize(field: xr.DataArray, positions: Sequence[int], grid: LatLonGrid) -> Summary:
    """Read some times of a field, one after the other.

    Args:
        field: canonical; may lack time and level, or have members.
        positions: of the times to read.
        grid: that of the field.
    """
    timed = "time" in field.dims
    weights = grid.area_weights()
    rows: list[list[_Slice]] = []
    first: NDArray[np.float32] | None = None
    frozen, mask_varies = True, False
    for values in _at_each(field, positions) if timed else [_levels_first(field)]:
        rows.append([_slice(layer, weights, grid) for layer in values])
        if first is None:
            first = values
        else:
            frozen = frozen and np.array_equal(values, first, equal_nan=True)
            mask_varies = mask_varies or bool((np.isfinite(values) != np.isfinite(first)).any())
    gathered = {
        name: np.array([[getattr(part, name) for part in row] for row in rows])
        for name in _Slice.__dataclass_fields__
    }
    return Summary(
        times=tuple(field["time"].values[list(positions)]) if timed else (),
        levels=levels_of(field),
        frozen=frozen and len(rows) > 1,
        mask_varies=mask_varies,
        **gathered,
    )


def levels_of(field: xr.DataArray) -> tuple[Level, ...]:
    """Pressures in hPa: of the level axis, of a name such as `z500`, or one None."""
    if "level" in field.dims:
        return tuple(float(level) for level in field["level"].values)
    return (on_level(str(field.name))[1],)


def _at_each(field: xr.DataArray, positions: Sequence[int]) -> Iterator[NDArray[np.float32]]:
    """`_levels_first` at each position; some are read together, as a chunk may hold several."""
    together = max(1, _BLOCK * field.sizes["time"] // max(field.nbytes, 1))
    for first in range(0, len(positions), together):
        some = list(positions[first : first + together])
        near = some[-1] - some[0] + 1 == len(some)
        block = field.isel(time=slice(some[0], some[-1] + 1) if near else some).compute()
        yield from (_levels_first(block.isel(time=i)) for i in range(len(some)))


def _levels_first(field: xr.DataArray) -> NDArray[np.float32]:
    """(level, other, lat, lon)."""
    if "level" not in field.dims:
        field = field.expand_dims("level")
    values = field.transpose("level", ..., "lat", "lon").values
    return values.reshape(len(values), -1, *values.shape[-2:])


@dataclass(frozen=True)
class _Slice:
    """One level at one time; see `Summary`."""

    mean: float
    plain: float
    low: float
    high: float
    low_at: tuple[float, float]
    high_at: tuple[float, float]
    missing: float
    zonal: float


def _slice(values: NDArray[np.float32], weights: Numbers, grid: LatLonGrid) -> _Slice:
    """Summarize (other, lat, lon)."""
    fields = values.astype(np.float64)
    finite = np.isfinite(fields)
    if not finite.any():
        nowhere = (np.nan, np.nan)
        return _Slice(np.nan, np.nan, np.nan, np.nan, nowhere, nowhere, 1.0, np.nan)
    filled = np.where(finite, fields, 0.0)
    area = weights[:, None] * finite
    low, high = np.where(finite, fields, np.inf), np.where(finite, fields, -np.inf)
    zonal = (filled.mean(axis=-1) ** 2 * weights).mean() ** 0.5
    return _Slice(
        mean=float((filled * area).sum() / area.sum()),
        plain=float(filled.sum() / finite.sum()),
        low=float(low.min()),
        high=float(high.max()),
        low_at=_place(int(low.argmin()), fields.shape, grid),
        high_at=_place(int(high.argmax()), fields.shape, grid),
        missing=float(1 - finite.mean()),
        zonal=float(zonal),
    )


def _place(index: int, shape: tuple[int, ...], grid: LatLonGrid) -> tuple[float, float]:
    *_, row, column = np.unravel_index(index, shape)
    return grid.lat[int(row)], grid.lon[int(column)]

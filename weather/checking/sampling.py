"""A field in a few numbers, read block by block, so that any file fits into memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.grid import LatLonGrid
from weather.variables import on_level

_BLOCK = 64 * 2**20  # bytes of a field that are read at once
_PIECE = 2**18  # values that are summarized at once
Numbers = NDArray[np.float64]
Values = NDArray[np.floating]
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
    """Read some times of a field, a block after the other.

    Args:
        field: canonical; may lack time and level, or have members.
        positions: at least one, of the times to read.
        grid: that of the field.
    """
    timed = "time" in field.dims
    parts: list[dict[str, Numbers]] = []
    first: Values | None = None
    frozen, mask_varies = True, False
    for block in _blocks(field, positions) if timed else [_levels_first(field)]:
        first = block[0] if first is None else first
        parts.append(_numbers_of(block, grid))
        frozen = frozen and all(np.array_equal(values, first, equal_nan=True) for values in block)
        mask_varies = mask_varies or bool((np.isfinite(block) != np.isfinite(first)).any())
    return Summary(
        times=tuple(field["time"].values[list(positions)]) if timed else (),
        levels=levels_of(field),
        frozen=frozen and len(positions) > 1 and timed,
        mask_varies=mask_varies,
        **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
    )


def levels_of(field: xr.DataArray) -> tuple[Level, ...]:
    """Pressures in hPa: of the level axis, of a name such as `z500`, or one None."""
    if "level" in field.dims:
        return tuple(float(level) for level in field["level"].values)
    return (on_level(str(field.name))[1],)


def _blocks(field: xr.DataArray, positions: Sequence[int]) -> Iterator[Values]:
    """`_levels_first` of some positions together, as a chunk may hold several."""
    together = max(1, _BLOCK * field.sizes["time"] // max(field.nbytes, 1))
    for first in range(0, len(positions), together):
        some = list(positions[first : first + together])
        near = some[-1] - some[0] + 1 == len(some)
        yield _levels_first(field.isel(time=slice(some[0], some[-1] + 1) if near else some))


def _levels_first(field: xr.DataArray) -> Values:
    """(time, level, other, lat, lon); one time or level where there is none."""
    field = field.expand_dims([d for d in ("time", "level") if d not in field.dims])
    values = field.transpose("time", "level", ..., "lat", "lon").values
    return values.reshape(*values.shape[:2], -1, *values.shape[-2:])


def _numbers_of(block: Values, grid: LatLonGrid) -> dict[str, Numbers]:
    """What `Summary` holds, of (time, level, other, lat, lon), a few fields at a time."""
    fields = block.reshape(-1, *block.shape[2:])
    size = max(1, _PIECE // fields[0].size)
    parts = [_numbers(fields[n : n + size], grid) for n in range(0, len(fields), size)]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {name: rows.reshape(*block.shape[:2], *rows.shape[1:]) for name, rows in whole.items()}


def _numbers(fields: Values, grid: LatLonGrid) -> dict[str, Numbers]:
    """Numbers (field, ...) of each of some fields (field, other, lat, lon)."""
    finite, weights = np.isfinite(fields), grid.area_weights()
    number = finite.sum(axis=-1)
    sums = _filled(fields, finite, 0.0).sum(axis=-1, dtype=np.float64)
    known = number.sum(axis=(1, 2))
    low, low_at = _extreme(_filled(fields, finite, np.inf), np.argmin, grid)
    high, high_at = _extreme(_filled(fields, finite, -np.inf), np.argmax, grid)
    area = (number * weights).sum(axis=(1, 2))
    numbers = {
        "mean": (sums * weights).sum(axis=(1, 2)) / np.where(known, area, np.nan),
        "plain": sums.sum(axis=(1, 2)) / np.where(known, known, np.nan),
        "low": low,
        "high": high,
        "low_at": low_at,
        "high_at": high_at,
        "zonal": np.sqrt(((sums / fields.shape[-1]) ** 2 * weights).mean(axis=(1, 2))),
    }
    numbers = {name: _where(known > 0, rows) for name, rows in numbers.items()}
    return numbers | {"missing": 1 - known / fields[0].size}


def _filled(fields: Values, finite: NDArray[np.bool_], value: float) -> Values:
    return fields if finite.all() else np.where(finite, fields, value)


def _extreme(
    fields: Values, find: Callable[..., NDArray[np.intp]], grid: LatLonGrid
) -> tuple[Numbers, Numbers]:
    """Values (field,), and their latitude and longitude (field, 2)."""
    cells = fields.reshape(len(fields), -1)
    where = find(cells, axis=1)
    *_, row, column = np.unravel_index(where, fields.shape[1:])
    places = np.stack([np.array(grid.lat)[row], np.array(grid.lon)[column]], axis=-1)
    return cells[np.arange(len(cells)), where].astype(np.float64), places


def _where(known: NDArray[np.bool_], rows: Numbers) -> Numbers:
    """NaN for fields without any number."""
    return np.where(known.reshape(-1, *[1] * (rows.ndim - 1)), rows, np.nan)

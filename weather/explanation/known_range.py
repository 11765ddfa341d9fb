"""The range that a field is known to keep: of the season in analyses, or of training data.

The season of a valid time is what lies within `WINDOW` days of its day of the year and
within three hours of its hour of the day, in all years. Values of one more year leave the range
too, by chance: the share is estimated from each year that the analyses hold against the
others. It is 2 / (n + 1) for n values that are independent, and more for the weather. What is
left of a season at an end of the data, as around New Year, is no year of its own.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import clock
from weather.files.chunks import computable
from weather.files.members import one_member
from weather.grid import LatLonGrid
from weather.sphere import cell_areas
from weather.verification.cases import Channel, channels
from weather.verification.metrics import area_mean

WINDOW = 15.0  # days on either side
LEAST = 20  # analyses of a season
FEW = 5  # years below which a season is hardly known
TRAINING_RANGE = 5.0  # standard deviations on either side of the mean
_HOURS = 3.0
_FULL = 0.75  # of the days of the fullest season, from which on another counts as a year
_YEAR = 365.25  # days
_FLOOR = 0.01  # of the mean spread: the least that counts as a cell's spread
_WHOLE = 2**30  # bytes of a variable up to which it is read only once

Field = NDArray[np.float32]
Times = NDArray[np.datetime64]


@dataclass(frozen=True)
class Bounds:
    """The range of one field at some times.

    Attributes:
        low, high: (time, lat, lon), or broadcast with it; NaN where the range is not known.
        spread: likewise; standard deviation of the values that the range is of.
        chance: (time,) share of the area that is outside by chance; NaN where not known.
    """

    low: Field
    high: Field
    spread: Field
    chance: NDArray[np.float64]


class KnownRange(Protocol):
    """Where the fields of a forecast are expected."""

    @property
    def text(self) -> str:
        """Completes "the range ..."."""

    @property
    def years(self) -> int | None:
        """How often a season comes in the data; None where that does not matter."""

    def fields(self, forecast: xr.Dataset) -> list[Channel]:
        """Those whose range is known."""

    def bounds(self, channel: Channel, times: Times) -> Bounds:
        """The range of one field at valid times (time,)."""


class SeasonalRange:
    """Lowest and highest values of the season in analyses, by cell.

    Missing values are left out; a cell of fewer than `LEAST` values has no range.

    Args:
        analyses: canonical; large ones in dask arrays, of which pieces are read.
        forecast: from `open_forecast`. Analyses of its period do not count.

    Raises:
        InputError: another grid, no field in common, too few analyses of a season, several
            members.
    """

    def __init__(self, analyses: xr.Dataset, forecast: xr.Dataset) -> None:
        if "time" not in analyses.dims:
            raise InputError("the analyses have no time; give a time series")
        analyses = one_member(analyses)
        grid, there = (LatLonGrid.from_dataset(one) for one in (forecast, analyses))
        if not grid.matches(there):
            raise InputError(
                f"the forecast has {grid.describe()}, the analyses {there.describe()}; regrid one "
                "to the other"
            )
        times = analyses["time"].values
        start, end = forecast["time"].values.min(), forecast["valid_time"].values.max()
        self.analyses = analyses.isel(time=(times < start) | (times > end))
        self.times = self.analyses["time"].values
        self.area = cell_areas(grid)
        self._read = xr.Dataset()
        valid_times = np.unique(forecast["valid_time"].values)
        self.seasons = {valid: self._season(valid) for valid in valid_times}
        self.years = min(len(self._full(valid)) for valid in self.seasons)
        self.text = f"of the season in {self.years} year{'s' if self.years > 1 else ''} of analyses"
        for valid, season in self.seasons.items():
            count = sum(len(places) for places in season.values())
            if count < LEAST:
                raise InputError(
                    f"{count} analyses within {WINDOW:g} days and {_HOURS:g} hours of the day of "
                    f"the year and hour of {clock(valid)}, the forecast's period left out; give at "
                    f"least {LEAST} with --climatology-from"
                )

    def fields(self, forecast: xr.Dataset) -> list[Channel]:
        """Those that the analyses have too."""
        known = {channel.name for channel in channels(self.analyses)}
        return [channel for channel in channels(forecast) if channel.name in known]

    def bounds(self, channel: Channel, times: Times) -> Bounds:
        """Smallest and largest value of the season; a year of analyses is read at a time."""
        field = channel.of(self._variable(channel.variable))
        found = {valid: _Extremes(field.shape[1:]) for valid in times}
        for year in sorted({year for valid in times for year in self.seasons[valid]}):
            here = {v: self.seasons[v][year] for v in times if year in self.seasons[v]}
            read = np.unique(np.concatenate([*here.values()]))
            block = field.isel(time=read)
            block = block.load() if block.nbytes <= _WHOLE else block
            for valid, places in here.items():
                found[valid].add(block.isel(time=np.searchsorted(read, places)).values)
        chance = [self._outside(field, valid, found[valid]) for valid in times]
        spread = np.stack([found[valid].spread for valid in times])
        known = np.isfinite(spread)
        mean = np.where(known, spread, 0).sum((1, 2)) / np.maximum(known.sum((1, 2)), 1)
        return Bounds(
            low=np.stack([found[valid].range[0] for valid in times]),
            high=np.stack([found[valid].range[1] for valid in times]),
            spread=np.fmax(spread, _FLOOR * mean[:, None, None]).astype(np.float32),
            chance=np.array(chance),
        )

    def _outside(self, field: xr.DataArray, valid: np.datetime64, found: "_Extremes") -> float:
        """Share of the area outside of the other years, mean over full years at this day.

        A value of a year lies below all others' exactly where it is below the second lowest
        of the yearly minima, and likewise above.
        """
        years = self._full(valid)
        if len(years) < 2:
            return np.nan
        shares, known = [], np.isfinite(found.low[1])  # in two years at least
        for places in years:
            (day, *_), (days, _) = _phase(np.array([valid])), _phase(self.times[places])
            apart = np.abs(days - day)
            nearest = places[np.minimum(apart, _YEAR - apart).argmin()]
            value = field.isel(time=nearest).values
            out = (value < found.low[1]) | (value > found.high[1])
            out = np.where(np.isfinite(value) & known, out, np.nan)
            shares.append(float(area_mean(out, self.area)))
        compared = [share for share in shares if np.isfinite(share)]
        return float(np.mean(compared)) if compared else np.nan

    def _variable(self, name: str) -> xr.Dataset:
        if name not in self._read:
            field = self.analyses[name]
            small = field.nbytes <= _WHOLE
            self._read = (field.load() if small else computable(field)).to_dataset()
        return self._read

    def _season(self, valid: np.datetime64) -> dict[int, NDArray[np.intp]]:
        """Places of the analyses of a season, by year; one may span New Year."""
        (day,), (hour,) = _phase(np.array([valid]))
        days, hours = _phase(self.times)
        apart, off = np.abs(days - day), np.abs(hours - hour)
        near = np.minimum(apart, _YEAR - apart) <= WINDOW
        places = np.flatnonzero(near & (np.minimum(off, 24 - off) <= _HOURS))
        own = int(valid.astype("datetime64[Y]").astype(int))
        years = np.rint((self.times[places] - valid) / np.timedelta64(1, "D") / _YEAR).astype(int)
        return {own + int(year): places[years == year] for year in np.unique(years)}

    def _full(self, valid: np.datetime64) -> list[NDArray[np.intp]]:
        """Places of the years of whose season most days are there."""
        season = self.seasons[valid]
        days = {y: len(np.unique(self.times[p].astype("datetime64[D]"))) for y, p in season.items()}
        fullest = max(days.values(), default=0)
        return [places for year, places in season.items() if days[year] >= _FULL * fullest]


class TrainingRange:
    """Mean plus and minus some standard deviations of the training data, over all cells.

    Args:
        normal: mean and standard deviation by channel.
    """

    text = f"of the training data, {TRAINING_RANGE:g} standard deviations about the mean"
    years = None

    def __init__(self, normal: dict[str, tuple[float, float]]) -> None:
        self.normal = normal

    def fields(self, forecast: xr.Dataset) -> list[Channel]:
        """Those that the model forecasts."""
        return [channel for channel in channels(forecast) if channel.name in self.normal]

    def bounds(self, channel: Channel, times: Times) -> Bounds:
        """The same everywhere and at all times."""
        mean, std = (np.full((1, 1, 1), v, np.float32) for v in self.normal[channel.name])
        return Bounds(
            mean - TRAINING_RANGE * std,
            mean + TRAINING_RANGE * std,
            std,
            np.full(len(times), np.nan),
        )


class _Extremes:
    """Two lowest and two highest of the yearly extremes of a season, and its spread.

    Args:
        shape: (lat, lon).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.low = np.full((2, *shape), np.inf, np.float32)
        self.high = np.full((2, *shape), -np.inf, np.float32)
        self.count = np.zeros(shape, np.int64)
        self.mean, self.squares = np.zeros(shape), np.zeros(shape)

    def add(self, values: Field) -> None:
        """Take one year (time, lat, lon); NaN is left out."""
        lows, highs = np.fmin.reduce(values), np.fmax.reduce(values)
        self.low = np.sort(np.stack([*self.low, lows]), axis=0)[:2]  # NaN comes last
        self.high = -np.sort(-np.stack([*self.high, highs]), axis=0)[:2]
        known = np.isfinite(values)
        count = known.sum(axis=0)
        mean = np.where(known, values, 0).sum(0, dtype=np.float64) / np.maximum(count, 1)
        apart, total = mean - self.mean, np.maximum(self.count + count, 1)
        self.squares += np.where(known, (values - mean) ** 2, 0).sum(0)
        self.squares += apart**2 * self.count * count / total
        self.mean, self.count = self.mean + apart * count / total, self.count + count

    @property
    def range(self) -> tuple[Field, Field]:
        """Lowest and highest value (lat, lon), NaN where fewer than `LEAST` values are known."""
        low, high = (np.where(self.count < LEAST, np.nan, x[0]) for x in (self.low, self.high))
        return low.astype(np.float32), high.astype(np.float32)

    @property
    def spread(self) -> Field:
        """Standard deviation (lat, lon); moments of parts are joined as by Chan et al. 1983."""
        count = np.where(self.count < LEAST, np.nan, self.count)
        return np.sqrt(self.squares / count).astype(np.float32)


def _phase(times: Times) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Days since the year began, and hours since the day began."""
    year, day = times.astype("datetime64[Y]"), times.astype("datetime64[D]")
    days = (times - year) / np.timedelta64(1, "D")
    return days, (times - day) / np.timedelta64(1, "h")

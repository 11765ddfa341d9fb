"""What is scored: channels, and the fields of one variable, read when they are needed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.variables import channel_name, describe
from weather.verification.climatology import Field, Times

HEADLINE = ("z500", "t850", "u850", "v850", "msl", "t2m", "u10", "v10", "q700")


@dataclass(frozen=True)
class Channel:
    """One 2-D field: a surface variable, or an upper one at a level in hPa."""

    variable: str
    level: float | None = None

    @property
    def name(self) -> str:
        """`msl`, `z500`; see `weather.variables.channel_name`."""
        return channel_name(self.variable, self.level)

    def unit(self, dataset: xr.Dataset) -> str:
        """SI unit, or what the data set states for a field that is not known."""
        known = describe(self.name)
        return known.units if known else str(dataset[self.variable].attrs.get("units", ""))

    def of(self, dataset: xr.Dataset) -> xr.DataArray:
        """This field of a data set."""
        field = dataset[self.variable]
        return field if self.level is None else field.sel(level=self.level)


def interior(dataset: xr.Dataset, width: int) -> xr.Dataset:
    """Without the outermost `width` rows and columns."""
    inside = slice(width, -width) if width else slice(None)
    return dataset.isel(lat=inside, lon=inside)


def channels(*datasets: xr.Dataset) -> list[Channel]:
    """The 2-D fields that all data sets have.

    Raises:
        InputError: if there is none, or two have one name.
    """
    first, *others = datasets
    result = []
    for name in map(str, first.data_vars):
        if "time" not in first[name].dims or any(name not in other for other in others):
            continue
        on_levels = ["level" in dataset[name].dims for dataset in datasets]
        if all(on_levels):
            common = set.intersection(*({*d["level"].values.tolist()} for d in datasets))
            result += [Channel(name, level) for level in sorted(common)]
        elif not any(on_levels):
            result.append(Channel(name))
    if not result:
        listed = "; ".join(", ".join(map(str, dataset.data_vars)) for dataset in datasets)
        raise InputError(f"forecast and truth have no variable in common ({listed})")
    names = Counter(channel.name for channel in result)
    if twice := [name for name, times in names.items() if times > 1]:
        raise InputError(
            f"{', '.join(twice)} comes both by itself and on a level; leave one of them out"
        )
    return result


def headline(chosen: list[Channel]) -> list[Channel]:
    """The channels to look at first: the usual ones, or any four if none of these is there."""
    usual = {channel.name: channel for channel in chosen if channel.name in HEADLINE}
    return [usual[name] for name in HEADLINE if name in usual] or chosen[:4]


def grouped(chosen: list[Channel], most: int) -> Iterator[list[Channel]]:
    """Channels that are read together: of one variable, at most so many levels."""
    group: list[Channel] = []
    for channel in chosen:
        if group and (group[0].variable != channel.variable or len(group) == most):
            yield group
            group = []
        group.append(channel)
    yield group


@dataclass(frozen=True)
class Block:
    """Some cases of one channel.

    Attributes:
        times, leads: which.
        forecasts: of each model (time, lead, member, lat, lon), one member for a single
            forecast, NaN where there is none.
        truth: (time, lead, lat, lon) analyses at the valid times.
        now: (time, lat, lon) analyses at the initial times.
    """

    times: slice
    leads: slice
    forecasts: Mapping[str, Field]
    truth: Field
    now: Field


@dataclass(frozen=True)
class Series:
    """Analyses of the channels of one group, read when they are needed.

    Attributes:
        field: (time, channel, lat, lon), times ascending.
    """

    field: xr.DataArray

    @property
    def times(self) -> Times:
        """All of them."""
        return self.field["time"].values

    def at(self, times: Times) -> Field:
        """Fields (*times.shape, channel, lat, lon) in float64, NaN where there is none."""
        wanted, inverse = np.unique(times, return_inverse=True)
        index = np.searchsorted(self.times, wanted).clip(max=len(self.times) - 1)
        there = self.times[index] == wanted
        values = np.full((len(wanted), *self.field.shape[1:]), np.nan)
        if there.any():
            values[there] = self.field.isel(time=index[there]).values
        return values[inverse.reshape(times.shape)]

    def level(self, number: int) -> xr.DataArray:
        """One channel (time, lat, lon)."""
        return self.field.isel(channel=number)

    def blocks(self, length: int) -> Iterator[tuple[Times, Field]]:
        """All times in order, so many at once."""
        for first in range(0, len(self.times), length):
            times = self.times[first : first + length]
            yield times, self.field.isel(time=slice(first, first + length)).values


def stacked(group: list[Channel], dataset: xr.Dataset) -> xr.DataArray:
    """The channels of one variable along a dimension `channel`, before lat and lon."""
    field = dataset[group[0].variable]
    if group[0].level is None:
        field = field.expand_dims("channel", axis=-3)
    else:
        field = field.sel(level=[channel.level for channel in group]).rename(level="channel")
    return field.transpose(..., "channel", "lat", "lon")

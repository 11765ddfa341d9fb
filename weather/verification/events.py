"""Events: a field beyond a threshold, and how often the climatology has them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.config import nearest
from sciml.errors import InputError
from weather.files.units import KNOT, convertible, plain_unit
from weather.verification.climatology import Climatology, Field, Times

_FORM = re.compile(
    r"\s*(?P<channel>\w+)\s*(?P<beyond>[<>])\s*(?P<quantile>q?)"
    r"(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(?P<unit>.*?)\s*"
)
_ON_MAPS = {"m s-1": {"kt": (KNOT, 0.0)}, "s-1": {"10-5 s-1": (1e-5, 0.0)}}  # beside convertible
SEASONS = ("DJF", "MAM", "JJA", "SON")


@dataclass(frozen=True)
class Event:
    """A channel above or below a value, or below a quantile of its climatology.

    Attributes:
        channel: such as `msl` or `z500`.
        above: whether the event is above.
        value: in `unit`, or the quantile, 0..1.
        quantile: whether the value is one.
        unit: as given; empty for the field's own.
    """

    channel: str
    above: bool
    value: float
    quantile: bool
    unit: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `msl<100000`, `msl < 980 hPa`, `u10>15` or `t850>q0.9`.

        Raises:
            InputError: anything else.
        """
        found = _FORM.fullmatch(text)
        value = float(found["value"]) if found else np.nan
        quantile = bool(found and found["quantile"])
        if found is None or (quantile and (found["unit"] or not 0 < value < 1)):
            raise InputError(
                f"cannot read the threshold {text!r}; expected a field, < or >, and a value, in "
                "its SI unit or with another, or a quantile of the climatology: 'msl<98000', "
                "'msl<980 hPa', 't850>q0.9'"
            )
        return cls(found["channel"], found["beyond"] == ">", value, quantile, found["unit"])

    def in_unit_of_field(self, unit: str) -> Self:
        """The same event, its value in the unit of the field.

        Raises:
            InputError: a unit that cannot be converted to it.
        """
        if not self.unit:
            return self
        own = plain_unit(unit, self.channel)
        known = {**convertible(own), **_ON_MAPS.get(own, {})}
        given = plain_unit(self.unit, self.channel)
        if given not in known:
            raise InputError(
                f"the threshold {self} has {self.channel} in {self.unit!r}; expected "
                f"{' or '.join(known)}"
            )
        factor, offset = known[given]
        return replace(self, value=factor * self.value + offset, unit="")

    def __str__(self) -> str:
        sign, kind = ">" if self.above else "<", "q" if self.quantile else ""
        return f"{self.channel}{sign}{kind}{self.value:g} {self.unit}".strip()


@dataclass(frozen=True)
class EventClimate:
    """Where the threshold of an event lies, and how likely it is on any day of a season.

    Attributes:
        event: the event.
        anomaly: (season, lat, lon) threshold above the climatology, of a quantile; of a
            value no seasons.
        probability: (season, lat, lon)
        seasons: whether there are four; else one for the whole year.
    """

    event: Event
    anomaly: NDArray[np.float64]
    probability: NDArray[np.float64]
    seasons: bool

    @classmethod
    def fit(cls, event: Event, field: xr.DataArray, climatology: Climatology, memory: int) -> Self:
        """Fit to analyses (time, lat, lon), a band of latitudes at a time.

        NaN is left out, cell by cell; a cell without a value in a season is NaN.
        """
        times = field["time"].values
        seasons = climatology.kind != "mean" and len(np.unique(season(times))) == len(SEASONS)
        group = season(times) if seasons else np.zeros(len(times), np.int64)
        rows = max(1, memory // (32 * len(times) * field.sizes["lon"]))
        parts = [
            cls._band(event, field, climatology, group, slice(first, first + rows))
            for first in range(0, field.sizes["lat"], rows)
        ]
        anomaly, probability = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        return cls(event, anomaly, probability, seasons)

    @staticmethod
    def _band(
        event: Event,
        field: xr.DataArray,
        climatology: Climatology,
        group: NDArray[np.int64],
        rows: slice,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = field.isel(lat=rows).values.astype(np.float64)
        limit = np.full((0, *values.shape[1:]), event.value)
        groups = [group == number for number in np.unique(group)]
        if event.quantile:
            values -= climatology.rows(rows).at(field["time"].values)
            limit = np.stack([_quantile(values[g], event.value) for g in groups])
        limits = limit if event.quantile else [event.value] * len(groups)
        beyond = [values[g] > x if event.above else values[g] < x
                  for g, x in zip(groups, limits, strict=True)]  # fmt: skip
        known = [np.isfinite(values[g]).sum(0) for g in groups]
        return limit, np.stack([_share(b.sum(0), n) for b, n in zip(beyond, known, strict=True)])

    def threshold(self, times: Times, expected: Field) -> Field:
        """(time, lat, lon), or a number, where the climatology expects (time, lat, lon)."""
        if not self.event.quantile:
            return np.full((1, 1, 1), self.event.value)
        return expected + self.anomaly[self._index(times)]

    def chance(self, times: Times) -> NDArray[np.float64]:
        """(time, lat, lon) climatological probability."""
        return self.probability[self._index(times)]

    def happened(self, fields: Field, threshold: Field) -> NDArray[np.float64]:
        """1, 0, or NaN where the field or the threshold is: of fields (..., lat, lon)."""
        beyond = fields > threshold if self.event.above else fields < threshold
        return np.where(np.isfinite(fields) & np.isfinite(threshold), beyond, np.nan)

    def _index(self, times: Times) -> NDArray[np.int64]:
        return season(times) if self.seasons else np.zeros(times.shape, np.int64)


def _quantile(values: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Of (time, lat, lon) along time, of the values that are not NaN."""
    result = np.asarray(np.quantile(values, share, axis=0))
    holed = np.isnan(result)
    if holed.any():
        ordered = np.sort(values[:, holed], axis=0)  # NaN comes last
        place = share * (np.isfinite(ordered).sum(0) - 1).clip(min=0)
        below, above = (
            np.take_along_axis(ordered, side(place).astype(np.int64)[None], 0)[0]
            for side in (np.floor, np.ceil)
        )
        result[holed] = below + (place - np.floor(place)) * (above - below)
    return result


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


def season(times: Times) -> NDArray[np.int64]:
    """Index into `SEASONS` of the month of each time."""
    month = times.astype("datetime64[M]").astype(np.int64) % 12  # January is 0
    return (month + 1) // 3 % 4


def read_events(texts: Sequence[str], units: Mapping[str, str]) -> list[Event]:
    """Events of channels that are scored, their values in the channels' units.

    Args:
        texts: see `Event.parse`.
        units: of the channels, by name.

    Raises:
        InputError: text of another form, another channel, or a unit that is not its.
    """
    events = [Event.parse(text) for text in texts]
    for event in events:
        if event.channel not in units:
            raise InputError(
                f"the threshold {event} is of no field that is scored"
                f"{nearest(event.channel, units)} (there are {', '.join(units)})"
            )
    return [event.in_unit_of_field(units[event.channel]) for event in events]

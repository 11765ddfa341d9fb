"""Where a forecast leaves the known range of its fields, and by how much.

The excess of a value is its distance outside of the range, in spreads (`known_range`):
positive above, negative below, zero inside. One field is read and compared at a time.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import HOUR, clock
from weather.explanation.known_range import FEW, Bounds, KnownRange
from weather.grid import LatLonGrid
from weather.sphere import cell_areas, place
from weather.verification.metrics import area_mean

Field = NDArray[np.float32]

MARGIN = 3.0  # spreads outside of the range that raise an alarm
WIDE_AREA = 0.25  # share of the area outside of the range that raises one
WIDESPREAD = 5.0  # times the area that is outside by chance, likewise


def alarms(
    forecast: xr.Dataset,
    known: KnownRange,
    on_field: Callable[[int, int], object] = lambda done, of: None,
) -> xr.Dataset:
    """The alarm fields of forecasts.

    Args:
        forecast: from `open_forecast`; of members the share counts all, the excess is that
            of the farthest.
        known: the range of its fields.
        on_field: told how many fields are done, and of how many.

    Returns:
        `outside` (time, lead_time, lat, lon), the share of fields that lie outside;
        `excess`, the largest in size; `farthest`, the field that has it, by its place
        along `channel`, -1 where all lie inside; NaN, or -1, where no field has a value.
        `outside_area` and `largest_excess` (channel, time, lead_time): the share of the
        area, and the largest excess anywhere, NaN where no cell has a value and a known
        range; `chance`: the share of the area that is outside by chance.

    Raises:
        InputError: no field whose range is known.
    """
    chosen = known.fields(forecast)
    if not chosen:
        raise InputError(f"no field of the forecast has a range {known.text}; give other files")
    valid = forecast["valid_time"].values
    times, place_of = np.unique(valid, return_inverse=True)
    record = _Record(forecast)
    on_field(0, len(chosen))
    for done, channel in enumerate(chosen, start=1):
        bounds = known.bounds(channel, times)
        record.add(*_excess(channel.of(forecast), bounds, place_of.reshape(valid.shape)))
        record.chance.append(bounds.chance[place_of].reshape(valid.shape))
        on_field(done, len(chosen))
    return record.dataset([channel.name for channel in chosen]).assign_attrs(
        range=known.text, years=known.years or 0
    )


class _Record:
    """What is known after some fields.

    Args:
        forecast: whose fields they are.
    """

    def __init__(self, forecast: xr.Dataset) -> None:
        names = ("time", "lead_time", "valid_time", "lat", "lon")
        self.coordinates = {name: forecast[name] for name in names}
        self.area = cell_areas(LatLonGrid.from_dataset(forecast))
        shape = (*forecast["valid_time"].shape, forecast.sizes["lat"], forecast.sizes["lon"])
        self.outside, self.there = np.zeros((2, *shape), np.float32)
        self.excess, self.farthest = np.zeros(shape, np.float32), np.full(shape, -1, np.int16)
        self.areas, self.largest = list[Field](), list[Field]()
        self.chance = list[NDArray[np.float64]]()

    def add(self, excess: Field, finite: NDArray[np.bool_]) -> None:
        """Take one field, each (time, lead_time, member, lat, lon)."""
        out = (excess != 0).mean(axis=2, dtype=np.float32)
        there = finite.mean(axis=2, dtype=np.float32)
        worst = _largest(excess, axis=2)
        far = np.abs(worst) > np.abs(self.excess)
        self.excess[far], self.farthest[far] = worst[far], len(self.areas)
        self.outside, self.there = self.outside + out, self.there + there
        share = np.divide(out, there, out=np.full_like(out, np.nan), where=there > 0)
        area = area_mean(share, self.area).astype(np.float32)
        farthest = _largest(worst.reshape(*worst.shape[:2], -1), axis=2)
        self.areas.append(area)
        self.largest.append(np.where(np.isfinite(area), farthest, np.float32(np.nan)))

    def dataset(self, names: list[str]) -> xr.Dataset:
        """All of it; see `alarms`."""
        known = self.there > 0
        nan = np.full_like(self.there, np.nan)
        cells, moments = ("time", "lead_time", "lat", "lon"), ("channel", "time", "lead_time")
        return xr.Dataset(
            {
                "outside": (cells, np.divide(self.outside, self.there, out=nan, where=known)),
                "excess": (cells, np.where(known, self.excess, np.float32(np.nan))),
                "farthest": (cells, self.farthest),
                "outside_area": (moments, np.stack(self.areas)),
                "largest_excess": (moments, np.stack(self.largest)),
                "chance": (moments, np.stack(self.chance).astype(np.float32)),
            },
            self.coordinates | {"channel": names},
        )


def _largest(values: Field, axis: int) -> Field:
    """Along an axis, the value that is largest in size, with its sign."""
    place = np.expand_dims(np.abs(values).argmax(axis=axis), axis)
    return np.take_along_axis(values, place, axis).squeeze(axis)


def _excess(
    field: xr.DataArray, bounds: Bounds, place_of: NDArray[np.intp]
) -> tuple[Field, NDArray[np.bool_]]:
    """Excess (time, lead_time, member, lat, lon) of one field, and where it has a value."""
    if "member" not in field.dims:
        field = field.expand_dims(member=1, axis=2)
    values = field.transpose("time", "lead_time", "member", "lat", "lon").values
    low, high, spread = (
        np.broadcast_to(part, (len(bounds.chance), *part.shape[1:]))[place_of][:, :, None]
        for part in (bounds.low, bounds.high, bounds.spread)
    )
    over, under = np.fmax(values - high, 0), np.fmax(low - values, 0)
    out = np.divide(over - under, spread, out=np.zeros_like(values), where=spread > 0)
    finite = np.isfinite(values) & np.isfinite(low)
    return np.where(finite, out, 0).astype(np.float32), finite


def moment_of(one: xr.Dataset) -> tuple[np.datetime64, np.timedelta64]:
    """Initial and lead time of one forecast at one lead time."""
    return np.datetime64(one["time"].item(), "ns"), np.timedelta64(one["lead_time"].item(), "ns")


def farthest_moment(found: xr.Dataset) -> tuple[np.datetime64, np.timedelta64]:
    """Initial and lead time of the largest excess."""
    return moment_of(found.isel(largest(abs(found["largest_excess"]).fillna(0))))


def largest(values: xr.DataArray) -> dict[str, int]:
    """Where a field is largest: its place along each dimension."""
    return {str(dim): int(i) for dim, i in values.argmax(...).items()}


def findings(found: xr.Dataset) -> list[str]:
    """What to tell of the alarms: how much is outside, and the worst of it, if that is much.

    Fields that could not be compared are named.
    """
    unknown = _not_compared(found)
    if found["outside_area"].isnull().all():
        return unknown
    area = float(found["outside_area"].mean())
    told = [f"{area:.1%} of all values lie outside of the range {found.attrs['range']}"]
    chance = float(found["chance"].mean())
    if np.isfinite(chance):
        told[0] += f" ({chance:.1%} of one year against the others)"
    told += unknown
    if 0 < found.attrs["years"] < FEW:
        told.append("the range of so few years is too narrow: give more analyses of the season")
    wide = (found["outside_area"] >= WIDE_AREA) & ~(
        found["outside_area"] < WIDESPREAD * found["chance"]
    )
    if float(np.abs(found["largest_excess"]).max()) >= MARGIN:
        told.append(_farthest(found))
    elif wide.any():
        told.append(_widest(found))
    return told


def _not_compared(found: xr.Dataset) -> list[str]:
    """A line that names the fields without a value or a known range, if there are any."""
    unknown = found["outside_area"].isnull().sum(("time", "lead_time")).values
    times = found.sizes["time"] * found.sizes["lead_time"]
    named = [
        str(name) if count == times else f"{name} at {count} of {times} times"
        for name, count in zip(found["channel"].values, unknown, strict=True)
        if count
    ]
    if not named:
        return []
    return [f"not compared: {', '.join(named)}: no cell has both a value and a known range"]


def _farthest(found: xr.Dataset) -> str:
    """Which field leaves its range by most, where, how far and when; and when it all began."""
    size = abs(found["largest_excess"]).fillna(0)
    index = largest(size)
    run = found.isel(time=index["time"])
    one = run.isel(lead_time=index["lead_time"])
    cell = one.isel(largest(abs(one["excess"]).fillna(0)))
    name = str(found["channel"].values[index["channel"]])
    alarming = (abs(run["largest_excess"]) >= MARGIN).any("channel").values
    since = found["lead_time"].values[int(alarming.argmax())] / HOUR
    others = int((size.max(("time", "lead_time")) >= MARGIN).sum()) - 1
    also = f"; {others} other field{'s' if others > 1 else ''} too" if others else ""
    side = "above" if float(cell["excess"]) > 0 else "below"
    return (
        f"alarm: {name} near {place(float(cell['lat']), float(cell['lon']))} is "
        f"{float(size.max()):.1f} spreads {side} its range at {_when(one)}, the first alarm of "
        f"this forecast at +{since:g} h{also}"
    )


def _widest(found: xr.Dataset) -> str:
    """Which field is outside over the largest part of the area."""
    one = found.isel(largest(found["outside_area"]))
    return (
        f"alarm: {one['channel'].item()} is outside of its range over "
        f"{float(one['outside_area']):.0%} of the area at {_when(one)}"
    )


def _when(one: xr.Dataset) -> str:
    initial, lead = moment_of(one)
    return f"{clock(initial + lead)} (+{lead / HOUR:g} h)"

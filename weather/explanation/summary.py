"""A sensitivity in a few numbers and lines.

The effect of a cell and field is the size of the change of the target if the field were
higher by one standard deviation in that cell, at all times that the model sees. A share
is a part of the sum of all effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import HOUR, clock
from weather.explanation.sensitivity import UNIT_AREA, Sensitivity
from weather.explanation.wording import away
from weather.grid import LatLonGrid
from weather.sphere import cell_areas, centre, distance, place
from weather.variables import si_unit
from weather.verification.cases import Channel, channels

RADII = (1000.0, 2000.0, 5000.0)  # km
_MOST = 5  # fields that are named


@dataclass(frozen=True)
class Effects:
    """Effects by cell and field.

    Attributes:
        grid: of the cells.
        channels: the fields.
        values: (channel, lat, lon) in the unit of the target; zero in masked cells.
        away: (lat, lon) km from the middle of the target.
        boundary: sum of the effects of boundary data.
    """

    grid: LatLonGrid
    channels: list[Channel]
    values: NDArray[np.float64]
    away: NDArray[np.float64]
    boundary: float = 0.0

    @property
    def total(self) -> float:
        """Sum over cells and fields of the initial state."""
        return float(self.values.sum())

    @property
    def by_channel(self) -> NDArray[np.float64]:
        """(channel,) shares."""
        return self.values.sum(axis=(1, 2)) / self.total

    @property
    def density(self) -> NDArray[np.float64]:
        """(lat, lon) effect of all fields per million km²."""
        return self.values.sum(axis=0) / _areas(self.grid)

    def within(self, radius: float) -> float:
        """Share of the cells within some km of the target."""
        return float(self.values[:, self.away <= radius].sum() / self.total)

    def centre(self) -> tuple[float, float]:
        """Latitude and longitude of the mean place, weighted by the effect."""
        rows, columns = np.array(self.grid.lat)[:, None], np.array(self.grid.lon)
        return centre(rows, columns, self.values.sum(axis=0))


def effects(sensitivity: Sensitivity) -> Effects:
    """The effects of a sensitivity.

    Raises:
        InputError: a forecast that does not depend on the initial state at all.
    """
    grid, area = sensitivity.grid, sensitivity.target.area
    chosen = channels(sensitivity.fields)
    values = _effects(sensitivity.fields, chosen, grid)
    given = sensitivity.boundary
    boundary = 0.0 if given is None else float(_effects(given, chosen, grid).sum())
    if not values.any():
        raise InputError(
            f"{sensitivity.target.channel} there does not depend on the initial state"
            f"{', only on boundary data; take fewer --hours' if boundary else ''}"
        )
    away = distance(area.lat, area.lon, np.array(grid.lat)[:, None], np.array(grid.lon))
    return Effects(grid, chosen, values, away, boundary)


def lines(sensitivity: Sensitivity) -> list[str]:
    """The forecast and what it depends on, for the console."""
    found, target = effects(sensitivity), sensitivity.target
    hours = sensitivity.lead / HOUR
    order = np.argsort(-found.by_channel)[:_MOST]
    fields = ", ".join(f"{found.channels[i].name} {found.by_channel[i]:.0%}" for i in order)
    lat, lon = found.centre()
    off = away(target.area.lat, target.area.lon, lat, lon)
    within = ", ".join(f"{radius:.0f} km {found.within(radius):.0%}" for radius in RADII)
    cells = int((target.area.weights > 0).sum())
    result = [
        f"{target.channel}, {target.area.text} ({cells} cell{'s' if cells > 1 else ''}), "
        f"{hours:g} h after {clock(sensitivity.time)}: "
        f"{sensitivity.value:.6g} {si_unit(target.channel)}",
        f"depends most on {fields}",
        f"share within {within}",
        f"centre of the sensitivity at {place(lat, lon)}, {off} of the middle of the target",
    ]
    if sensitivity.boundary is not None:
        share = found.boundary / (found.boundary + found.total)
        result.append(f"boundary data hold {share:.0%} of all effects, the initial state the rest")
    return result


def strongest(sensitivity: Sensitivity, found: Effects) -> tuple[Channel, xr.DataArray]:
    """The field with the largest share, and its sensitivity (lat, lon) over all times seen."""
    channel = found.channels[int(found.by_channel.argmax())]
    return channel, channel.of(sensitivity.fields).sum("time", skipna=False)


def _effects(
    fields: xr.Dataset, chosen: Sequence[Channel], grid: LatLonGrid
) -> NDArray[np.float64]:
    per_area = [channel.of(fields).sum("time").values for channel in chosen]
    return np.abs(np.stack(per_area)) * _areas(grid)


def _areas(grid: LatLonGrid) -> NDArray[np.float64]:
    """(lat, 1) in units of `UNIT_AREA`."""
    return cell_areas(grid)[:, None] / UNIT_AREA

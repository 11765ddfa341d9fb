"""Centres in the fields of one time, and which checks each of them passes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from weather.cyclones.criteria import Criteria
from weather.cyclones.snapshot import Snapshot
from weather.cyclones.surroundings import Surroundings
from weather.sphere import DEGREE, distance

Field = NDArray[np.float64]

_POLEWARD = 70.0  # degrees; nothing is followed further
_STEERING_RADIUS = 5.0  # degrees over which the flow is averaged


@dataclass(frozen=True)
class Centre:
    """A cyclone of one time.

    Attributes:
        lat, lon: degrees; longitude 0..360.
        pressure: Pa, of the lowest cell; NaN if there is no sea level pressure.
        wind: m s-1, greatest near the centre; NaN if there is none.
        vorticity: s-1, greatest cyclonic near the centre; NaN if there is none.
        warm_core, thickness, sea: checks passed; None if they could not be made.
        tropical: whether every check that could be made is passed.
        steering: m s-1 east and north, or None.
    """

    lat: float
    lon: float
    pressure: float
    wind: float
    vorticity: float
    warm_core: bool | None
    thickness: bool | None
    sea: bool
    tropical: bool
    steering: tuple[float, float] | None


def find_centres(
    snapshot: Snapshot, around: Surroundings, criteria: Criteria, rise: float
) -> list[Centre]:
    """All cyclones, tropical or not, each once, deepest first.

    Args:
        snapshot: fields of one time.
        around: of their grid.
        criteria: thresholds.
        rise: by how much `snapshot.depth` rises around a centre.
    """
    rows, columns = _minima(snapshot.depth, around.grid.periodic)
    near = np.abs(around.lat[rows]) <= _POLEWARD
    rows, columns = rows[near], columns[near]
    lat, lon, value = around.lat[rows], around.lon[columns], snapshot.depth[rows, columns]
    closed = around.rises(snapshot.depth, lat, lon, value, criteria.pressure_radius) >= rise
    order = np.flatnonzero(closed)[np.argsort(value[closed], kind="stable")]
    kept: list[int] = []
    for i in order:
        apart = distance(lat[i], lon[i], lat[kept], lon[kept])
        if not (apart < criteria.separation * DEGREE).any():
            kept.append(int(i))
    found = (_examine(snapshot, around, criteria, rows[i], columns[i]) for i in kept)
    return [centre for centre in found if _turns(centre, criteria)]


def _minima(field: Field, periodic: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Cells not above their eight neighbours; never on the edge of a region or next to NaN."""
    field = np.where(np.isnan(field), -np.inf, field)
    mode = ("nearest", "wrap" if periodic else "nearest")
    lowest = (ndimage.minimum_filter(field, 3, mode=mode) == field) & np.isfinite(field)
    if not periodic:
        lowest[[0, -1], :] = lowest[:, [0, -1]] = False
    rows, columns = np.nonzero(lowest)
    return rows, columns


def _turns(centre: Centre, criteria: Criteria) -> bool:
    """Whether the air turns cyclonically, as far as is known."""
    return np.isnan(centre.vorticity) or centre.vorticity >= criteria.vorticity


def _examine(
    snapshot: Snapshot, around: Surroundings, criteria: Criteria, row: int, column: int
) -> Centre:
    lat, lon = around.refine(snapshot.depth, row, column)
    place = (lat, lon, criteria.core_radius)
    warm = _core(around, snapshot.warmth, criteria.warm_core_fall, criteria.warm_core_radius,
                 lat, lon, criteria)  # fmt: skip
    thick = _core(around, snapshot.thickness, criteria.thickness_fall, criteria.thickness_radius,
                  lat, lon, criteria)  # fmt: skip
    wind = np.nan if snapshot.wind is None else around.greatest(snapshot.wind, *place)
    turning = np.nan if snapshot.vorticity is None else around.greatest(snapshot.vorticity, *place)
    sea = bool(snapshot.lowland[row, column])
    known = [check for check in (warm, thick) if check is not None]
    limit = criteria.latitude if known else criteria.latitude_unchecked
    needed = criteria.wind if known or snapshot.pressure is not None else criteria.wind_unchecked
    windy = np.isnan(wind) or wind >= needed
    return Centre(
        lat=lat,
        lon=lon,
        pressure=np.nan if snapshot.pressure is None else float(snapshot.pressure[row, column]),
        wind=wind,
        vorticity=turning,
        warm_core=warm,
        thickness=thick,
        sea=sea,
        tropical=all(known) and sea and bool(windy) and abs(lat) <= limit,
        steering=_steering(snapshot, around, lat, lon),
    )


def _core(
    around: Surroundings,
    field: Field | None,
    fall: float,
    radius: float,
    lat: float,
    lon: float,
    criteria: Criteria,
) -> bool | None:
    """Whether a field has a maximum near the centre and falls from it in every direction."""
    if field is None:
        return None
    cells = around.within(lat, lon, max(criteria.warm_core_offset, 1.5 * around.spacing))
    values = field[cells]
    if not np.isfinite(values).any():
        return False
    top = int(np.nanargmax(values))
    north, east = around.lat[cells[0][[top]]], around.lon[cells[1][[top]]]
    return bool(around.rises(-field, north, east, -values[[top]], radius)[0] >= fall)


def _steering(
    snapshot: Snapshot, around: Surroundings, lat: float, lon: float
) -> tuple[float, float] | None:
    if snapshot.steering is None:
        return None
    u, v = (around.mean(field, lat, lon, _STEERING_RADIUS) for field in snapshot.steering)
    return u, v

"""The fields of one time in which storms are looked for."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.coastline import on_land
from weather.cyclones.ingredients import Ingredients
from weather.files.history import simulated
from weather.files.units import STANDARD_GRAVITY
from weather.grid import LatLonGrid
from weather.sphere import EARTH_RADIUS

Field = NDArray[np.float64]  # (lat, lon)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Snapshot:
    """What the tracker reads of one time; None is not in the file.

    Attributes:
        grid: of all fields.
        depth: smallest at a storm's centre: sea level pressure (Pa), geopotential near
            the ground (m2 s-2), or the negative of `vorticity`.
        pressure: Pa at sea level.
        vorticity: s-1, positive where cyclonic.
        warmth: K, mean temperature of the upper troposphere.
        thickness: m2 s-2.
        wind: m s-1, speed near the ground.
        steering: m s-1, mean eastward and northward wind of the lower troposphere.
        lowland: whether a storm may begin here: the sea, not high ground.
    """

    grid: LatLonGrid
    depth: Field
    pressure: Field | None
    vorticity: Field | None
    warmth: Field | None
    thickness: Field | None
    wind: Field | None
    steering: tuple[Field, Field] | None
    lowland: Mask


def read_snapshot(use: Ingredients, dataset: xr.Dataset, low: Mask) -> Snapshot:
    """The fields of one time, read from a data set of dimensions (level, lat, lon).

    Args:
        use: which fields.
        dataset: canonical, of one time.
        low: see `lowland`.
    """
    grid = LatLonGrid.from_dataset(dataset)
    names = {use.depth, *use.vorticity, *use.warmth, *use.thickness, *use.wind, *use.steering}
    fields = {
        name: use.fields[name].of(dataset).values.astype(np.float64)
        for name in names
        if name in use.fields
    }
    vorticity = _cyclonic(grid, [fields[name] for name in use.vorticity])
    depth = fields.get(use.depth, vorticity)
    assert depth is not None
    winds = [fields[name] for name in use.steering]
    thickness = [fields[name] for name in use.thickness]
    return Snapshot(
        grid=grid,
        depth=depth if use.depth in fields else -depth,
        pressure=fields.get("msl"),
        vorticity=vorticity,
        warmth=np.mean([fields[n] for n in use.warmth], axis=0) if use.warmth else None,
        thickness=thickness[0] - thickness[1] if thickness else None,
        wind=np.hypot(*(fields[name] for name in use.wind)) if use.wind else None,
        steering=(np.mean(winds[::2], axis=0), np.mean(winds[1::2], axis=0)) if winds else None,
        lowland=low,
    )


def _cyclonic(grid: LatLonGrid, parts: list[Field]) -> Field | None:
    """Vorticity, given itself or as two winds, positive where cyclonic."""
    if not parts:
        return None
    turning = parts[0] if len(parts) == 1 else curl(grid, parts[0], parts[1])
    return turning * np.where(np.array(grid.lat) < 0, -1.0, 1.0)[:, None]


def curl(grid: LatLonGrid, u: Field, v: Field) -> Field:
    """Relative vorticity of a wind, (dv/dlon - d(u cos lat)/dlat) / (a cos lat), s-1.

    Central differences; zero on the poles.
    """
    lat, lon = np.radians(grid.lat), np.radians(grid.lon)
    cosine = np.clip(np.cos(lat), 1e-9, None)[:, None]
    if grid.periodic:
        wrapped = np.concatenate([v[:, -1:], v, v[:, :1]], axis=1)
        eastwards = (wrapped[:, 2:] - wrapped[:, :-2]) / (2 * (lon[1] - lon[0]))
    else:
        eastwards = np.gradient(v, lon, axis=1)
    northwards = np.gradient(u * cosine, lat, axis=0)
    turning = (eastwards - northwards) / (1000 * EARTH_RADIUS * cosine)
    return np.where(cosine > 1e-3, turning, 0.0)


def lowland(grid: LatLonGrid, static: xr.Dataset, height: float) -> NDArray[np.bool_]:
    """Cells over the sea and, where the data's own mountains are known, not over high ground.

    Args:
        grid: of the fields.
        static: with canonical `lsm` or `z_surface` on that grid, where there are any;
            without `lsm` the coastlines of the Earth decide, unless the data are simulated.
        height: m.
    """
    if "lsm" in static:
        low = static["lsm"].values < 0.5
    elif simulated(static):
        low = np.ones(grid.shape, bool)
    else:
        low = ~on_land(np.array(grid.lat)[:, None], np.array(grid.lon)[None, :])
    if "z_surface" in static:
        low &= static["z_surface"].values < height * STANDARD_GRAVITY
    return low

"""Which frame a map gets: plain axes, or one of cartopy's projections."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import xarray as xr

from weather.files.history import simulated
from weather.grid import LatLonGrid
from weather.maps.frame import MapFrame
from weather.maps.projected import ProjectedFrame
from weather.maps.region import Extent, crop

Projection = Literal["latlon", "robinson", "orthographic", "north", "south", "lambert", "mercator"]

_POLAR = 20.0  # degrees, lowest latitude of a polar map


def frame_of(
    dataset: xr.Dataset,
    projection: Projection = "latlon",
    region: Extent | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[MapFrame, xr.Dataset]:
    """The frame of a map, and the part of the data that it shows.

    Args:
        dataset: canonical, of any region.
        projection: `latlon` needs no cartopy; `north` and `south` are polar
            stereographic, `lambert` conformal about the middle of the region.
        region: None shows all.
        say: is told if cartopy is not installed and plain axes are drawn instead.

    Raises:
        InputError: a region where there are no data.
    """
    earth = not simulated(dataset)
    if projection != "latlon" and not _has_cartopy():
        say(f"cartopy is not installed: plain axes instead of {projection} "
            "(pip install 'sciml-foundation[maps]')")  # fmt: skip
        projection = "latlon"
    if projection == "latlon":
        part = dataset if region is None else crop(dataset, region)
        grid = LatLonGrid.from_dataset(part)
        shown = None if region is None else _inside(region, grid)
        west = -180.0 if region is None else region[0]
        return MapFrame(grid, west, shown, earth), part
    return _projected(dataset, projection, region, earth)


def _projected(
    dataset: xr.Dataset, projection: Projection, region: Extent | None, earth: bool
) -> tuple[MapFrame, xr.Dataset]:
    grid = LatLonGrid.from_dataset(dataset)
    polar = {"north": (-180.0, 180.0, _POLAR, 90.0), "south": (-180.0, 180.0, -90.0, -_POLAR)}
    whole = region is None and (grid.periodic or projection == "orthographic")
    whole &= projection in ("robinson", "orthographic")
    shown = region or polar.get(projection)
    if shown is None and projection == "mercator" and grid.periodic:
        shown = (-180.0, 180.0, -72.0, 72.0)
    frame = ProjectedFrame(
        grid, -180.0 if shown is None else shown[0], shown, earth,
        crs=_crs(projection, shown or MapFrame(grid).extent), whole=whole,
        round=region is None and projection in polar,
    )  # fmt: skip
    part = _seen(dataset, frame)
    return ProjectedFrame(
        LatLonGrid.from_dataset(part), frame.west, shown, earth, frame.crs, whole, frame.round
    ), part


def _crs(projection: Projection, extent: Extent) -> Any:
    from cartopy import crs

    west, east, south, north = extent
    lon = (0.5 * (west + east) + 180) % 360 - 180
    lat = 0.5 * (south + north)
    match projection:
        case "robinson":
            return crs.Robinson(lon)
        case "orthographic":
            return crs.Orthographic(lon, lat)
        case "north":
            return crs.NorthPolarStereo(0)
        case "south":
            return crs.SouthPolarStereo(0)
        case "mercator":
            return crs.Mercator(lon)
        case _:
            third = (north - south) / 6
            lat = lat if abs(lat) > 1 else 1.0
            parallels = (lat - third, lat + third) if lat * (lat - third) > 0 else (lat, lat)
            return crs.LambertConformal(lon, lat, standard_parallels=parallels,
                                        cutoff=-30 if lat > 0 else 30)  # fmt: skip


def _seen(dataset: xr.Dataset, frame: ProjectedFrame) -> xr.Dataset:
    """The cells that a frame shows, so that scales and highs are those of the picture."""
    *_, lon, lat = frame.plane
    if frame.whole or not np.isfinite(lat).any():
        return dataset
    south, north = float(np.nanmin(lat)), float(np.nanmax(lat))
    if frame.round or south < -88 or north > 88:
        return crop(dataset, (-180, 180, south, north))
    middle = 0.5 * sum(frame.extent[:2])
    away = (lon - middle + 180) % 360 - 180
    west, east = middle + float(np.nanmin(away)), middle + float(np.nanmax(away))
    return crop(dataset, (west, east, south, north))


def _inside(region: Extent, grid: LatLonGrid) -> Extent:
    """A region without what reaches beyond a limited area."""
    west, east, south, north = region
    south, north = max(south, grid.lat[-1]), min(north, grid.lat[0])
    if grid.periodic:
        return west, east, south, north
    return max(west, grid.lon[0]), min(east, grid.lon[-1]), south, north


def _has_cartopy() -> bool:
    try:
        import cartopy  # noqa: F401
    except ImportError:
        return False
    return True

"""Maps of bias and RMSE, for the scorecard."""

from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from weather.files.units import pretty_unit
from weather.grid import LatLonGrid
from weather.verification.one_pass import FORECAST

_KINDS = {"bias": "bias", "rmse": "RMSE"}
_HOUR = np.timedelta64(1, "h")


def maps(fields: xr.Dataset, names: list[str], land: xr.DataArray | None) -> Figure:
    """Bias and RMSE of the first model at two lead times, one row a channel."""
    leads = _ends(fields["map_lead"].values)
    grid = LatLonGrid.from_dataset(fields)
    wide = 3.6 if grid.periodic else 3.0
    tall = wide * (0.82 if grid.periodic else _ratio(grid) + 0.35)
    figure = Figure(figsize=(2 * len(leads) * wide, 0.3 + tall * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 2 * len(leads), squeeze=False)
    for row, name in enumerate(names):
        own = fields.sel(map_channel=name, model=FORECAST, map_lead=leads)
        unit = pretty_unit(own["map_unit"].item())
        for column, (lead, kind) in enumerate(product(leads, ("bias", "rmse"))):
            field, axis = own[f"{kind}_map"].sel(map_lead=lead), axes[row, column]
            most = float(np.nanquantile(np.abs(field), 0.995)) or 1.0
            least = -most if kind == "bias" else 0.0
            colours = colormaps["RdBu_r" if kind == "bias" else "viridis"]
            image = _map(axis, field, grid, land, colours, Normalize(least, most))
            axis.set_title(f"{_KINDS[kind]} of {name}, +{lead / _HOUR:g} h", fontsize="medium")
            extend = "both" if kind == "bias" else "max"
            bar: dict[str, Any] = {
                "orientation": "horizontal",
                "shrink": 0.85,
                "aspect": 30,
                "pad": 0.03,
            }
            figure.colorbar(image, ax=axis, extend=extend, label=unit, **bar)
    return figure


def _map(
    axes: Axes, field: xr.DataArray, grid: LatLonGrid, land: xr.DataArray | None, colours: Any,
    scale: Normalize,
) -> Any:  # fmt: skip
    """Cells in plate carrée, the Greenwich meridian in the middle of a globe, with coasts."""
    image = axes.pcolormesh(*_axes(field, grid), _turned(field, grid), cmap=colours, norm=scale)
    if land is not None and land.shape == field.shape:
        axes.contour(*_axes(land, grid), _turned(land, grid), [0.5], colors="black", linewidths=0.5)
    axes.set(xticks=[], yticks=[], aspect=1 if grid.periodic else _ratio(grid, stretched=True))
    return image


def _axes(field: xr.DataArray, grid: LatLonGrid) -> tuple[np.ndarray, np.ndarray]:
    lon = field["lon"].values
    if grid.periodic:
        lon = (lon + 180) % 360 - 180
        lon = lon[np.argsort(lon)]
    return lon, field["lat"].values


def _turned(field: xr.DataArray, grid: LatLonGrid) -> np.ndarray:
    lon = (field["lon"].values + 180) % 360 - 180
    return field.values[:, np.argsort(lon)] if grid.periodic else field.values


def _ratio(grid: LatLonGrid, stretched: bool = False) -> float:
    """Height over width of a region on paper; or of a degree of latitude over one of longitude."""
    stretch = 1 / np.cos(np.radians(0.5 * (grid.lat[0] + grid.lat[-1])))
    if stretched:
        return float(stretch)
    return float(stretch * (grid.lat[0] - grid.lat[-1]) / (grid.lon[-1] - grid.lon[0]))


def _ends(leads: np.ndarray) -> np.ndarray:
    """The first and the last."""
    return leads[[0, -1]] if len(leads) > 1 else leads

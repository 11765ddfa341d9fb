"""Maps of bias and RMSE, for the scorecard."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MultipleLocator

from weather.coastline import Line, coastlines
from weather.dates import HOUR
from weather.files.units import pretty_unit
from weather.grid import LatLonGrid
from weather.sphere import latitude_label, longitude_label
from weather.verification.one_pass import FORECAST

_KINDS = {"bias": "bias", "rmse": "RMSE"}
_STEPS = (1, 2, 5, 10, 15, 30, 60)  # degrees between lines of the graticule
_SMALLEST = 60  # of what is drawn of a coast, as a part of the map
_CASING = [withStroke(linewidth=1.2, foreground="white", alpha=0.6)]


def maps(
    fields: xr.Dataset, names: list[str], land: xr.DataArray | None, earth: bool = True
) -> Figure:
    """Bias and RMSE of the first model at two lead times, one row a channel.

    Args:
        fields: of an `Evaluation`.
        names: of channels that have maps.
        land: (lat, lon) land fraction, outlined where there are no coastlines.
        earth: whether the coastlines of the Earth are drawn.
    """
    coast = coastlines() if earth else ()
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
            image = _map(axis, field, grid, colours, Normalize(least, most))
            _land(axis, grid, coast, land)
            axis.tick_params(labelsize=7, labelleft=column == 0)
            axis.set_title(f"{_KINDS[kind]} of {name}, +{lead / HOUR:g} h", fontsize="medium")
            extend = "both" if kind == "bias" else "max"
            bar: dict[str, Any] = {
                "orientation": "horizontal",
                "shrink": 0.85,
                "aspect": 30,
                "pad": 0.03,
            }
            figure.colorbar(image, ax=axis, extend=extend, label=unit, **bar)
    return figure


def _map(axes: Axes, field: xr.DataArray, grid: LatLonGrid, colours: Any, scale: Normalize) -> Any:
    """Cells in plate carrée, the Greenwich meridian in the middle of a globe."""
    image = axes.pcolormesh(*_axes(field, grid), _turned(field, grid), cmap=colours, norm=scale)
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    axes.set(xlim=(west, east), ylim=(south, north))
    axes.set_aspect(1 if grid.periodic else _ratio(grid, stretched=True))
    for axis, span, label in (
        (axes.xaxis, east - west, longitude_label),
        (axes.yaxis, north - south, latitude_label),
    ):
        axis.set_major_locator(MultipleLocator(next(s for s in _STEPS if span / s <= 6.5)))
        axis.set_major_formatter(FuncFormatter(label))
    axes.grid(color="#777777", linewidth=0.4, alpha=0.6)
    return image


def _land(axes: Axes, grid: LatLonGrid, coast: Sequence[Line], land: xr.DataArray | None) -> None:
    """Coastlines but of small islands, or without them the outline of the land of the data."""
    shifts = (0,) if grid.periodic else (-360, 0, 360)
    least = np.ptp(axes.get_xlim()) / _SMALLEST
    large = [line for line in coast if np.ptp(line, axis=0).max() > least]
    lines = [line + np.array([shift, 0]) for line in large for shift in shifts]
    if lines:
        drawn = LineCollection(lines, colors="#222222", linewidths=0.5, path_effects=_CASING)
        axes.add_collection(drawn, autolim=False)
    elif land is not None and land.shape == grid.shape:
        axes.contour(*_axes(land, grid), _turned(land, grid), [0.5], colors="black", linewidths=0.5)


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

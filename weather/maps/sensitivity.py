"""What a forecast depends on, in one picture."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from weather.explanation.sensitivity import Sensitivity
from weather.explanation.summary import RADII, Effects, effects, strongest
from weather.explanation.wording import times
from weather.files.history import simulated
from weather.grid import LatLonGrid
from weather.maps.frame import MapFrame
from weather.sphere import EARTH_RADIUS, cell_areas
from weather.variables import si_unit

_FAR = 10_000.0  # km, end of the axis of distances on a globe
_SHOWN = 0.9  # share of the effects that a map of a part of the globe shows
_LEVELS = 6  # of shading, on one side of zero


def draw_sensitivity(sensitivity: Sensitivity, static: xr.Dataset | None = None) -> Figure:
    """Maps of all fields together and of the strongest, shares by field and by distance.

    Args:
        sensitivity: from `explain`.
        static: canonical `lsm` or `z_surface` for the background, on any grid; those of a
            simulated atmosphere are drawn without the coastlines of the Earth.
    """
    found, target = effects(sensitivity), sensitivity.target
    window = _window(found, target.area.lat, target.area.lon)
    frame = replace(window.frame, earth=static is None or not simulated(static))
    height = min(5.5, 7.0 * frame.ratio + 0.7)
    figure = Figure(figsize=(13.0, 2 * height + 0.8), layout="constrained")
    (all_fields, by_field), (one_field, by_distance) = figure.subplots(
        2, 2, width_ratios=[2.2 if frame.ratio < 0.6 else 1.5, 1.0]
    )
    per_area = f"{si_unit(target.channel)} per standard deviation and 10⁶ km²"
    _total(all_fields, window, found, per_area)
    _strongest(one_field, window, sensitivity, found, per_area)
    for axes in (all_fields, one_field):
        frame.prepare(axes, static)
        _mark(axes, frame, sensitivity, found)
    _shares(by_field, found)
    _distance(by_distance, found)
    figure.suptitle(
        f"What the forecast of {target.channel} depends on: mean over {target.area.text}\n"
        f"{times(sensitivity.time, sensitivity.lead)}",
        x=0.01, ha="left", fontsize=11,
    )  # fmt: skip
    return figure


@dataclass(frozen=True)
class _Window:
    """The cells that are shown: around the place, as far as nearly all effects.

    Attributes:
        frame: of the map.
        rows, columns: of the grid.
    """

    frame: MapFrame
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    def draw(self, axes: Axes, field: NDArray[np.float64], levels: NDArray[np.float64],
             colours: str, unit: str) -> None:  # fmt: skip
        """Cells, since a spline would ring beside single ones; white within the lowest level."""
        part = field[np.ix_(self.rows, self.columns)]
        signed = levels[0] < 0
        shades = colormaps[colours](np.linspace(0, 1 if signed else 0.9, len(levels) - 1))
        shades[len(shades) // 2 if signed else 0] = 1.0
        drawn = axes.pcolormesh(
            *self.frame.cyclic(part), shading="nearest", cmap=ListedColormap(shades),
            norm=BoundaryNorm(levels, len(shades)),
        )  # fmt: skip
        figure = axes.get_figure()
        assert figure is not None
        bar = figure.colorbar(drawn, ax=axes, shrink=0.9, aspect=28, pad=0.015, ticks=levels)
        bar.set_label(unit, fontsize=8)
        bar.ax.set_yticklabels([f"{level:g}" for level in levels], fontsize=8)


def _window(found: Effects, lat: float, lon: float) -> _Window:
    grid = found.grid
    rows, columns = np.arange(grid.shape[0]), np.arange(grid.shape[1])
    order = np.argsort(found.away, axis=None)
    sums = np.cumsum(found.values.sum(axis=0).ravel()[order])
    far = found.away.ravel()[order][np.searchsorted(sums, _SHOWN * sums[-1])]
    degrees = max(20.0, np.degrees(far / EARTH_RADIUS))
    wide = degrees / np.cos(np.radians(min(80.0, abs(lat))))
    if not grid.periodic or wide > 150:
        return _Window(MapFrame(grid, west=lon - 180), rows, columns)
    rows = rows[np.abs(np.array(grid.lat) - lat) <= degrees]
    off = (np.array(grid.lon) - lon + 180) % 360 - 180
    columns = columns[np.abs(off) <= wide]
    columns = columns[np.argsort(off[columns])]
    middle = (lon + 180) % 360 - 180
    part = LatLonGrid(lat=tuple(np.array(grid.lat)[rows]), lon=tuple(middle + off[columns]))
    return _Window(MapFrame(part), rows, columns)


def _total(axes: Axes, window: _Window, found: Effects, unit: str) -> None:
    levels = np.append(0.0, _levels(float(found.density.max())))
    window.draw(axes, found.density, levels, "magma_r", unit)
    axes.set_title("Size of the sensitivity, summed over all fields", loc="left", fontsize=10)


def _strongest(
    axes: Axes, window: _Window, sensitivity: Sensitivity, found: Effects, unit: str
) -> None:
    channel, field = strongest(sensitivity, found)
    positive = _levels(float(np.nanmax(np.abs(field.values))))
    levels = np.concatenate([-positive[::-1], positive])
    window.draw(axes, field.values, levels, "RdBu_r", unit)
    share = found.by_channel.max()
    axes.set_title(f"To {channel.name}, the strongest ({share:.0%})", loc="left", fontsize=10)


def _levels(top: float) -> NDArray[np.float64]:
    """Round levels, each about twice the one before: 1, 2, 5, 10, ... up to at least `top`."""
    decade = np.floor(np.log10(top))
    rounded = np.outer(10.0 ** np.arange(decade - 2, decade + 2), (1, 2, 5)).ravel()
    last = int(np.searchsorted(rounded, top))
    return rounded[last - _LEVELS : last + 1]


def _mark(axes: Axes, frame: MapFrame, sensitivity: Sensitivity, found: Effects) -> None:
    """The place that is forecast, and the centre of what it depends on."""
    area, (lat, lon) = sensitivity.target.area, found.centre()
    style: dict[str, Any] = {"markeredgecolor": "black", "zorder": 7, "linestyle": "none"}
    axes.plot(_shown(frame, area.lon), area.lat, "*", color="#56B4E9", markersize=15,
              label="place that is forecast", **style)  # fmt: skip
    axes.plot(_shown(frame, lon), lat, "X", color="#F0E442", markersize=9,
              label="centre of the sensitivity", **style)  # fmt: skip
    axes.legend(loc="lower left", fontsize=8, framealpha=0.9)


def _shown(frame: MapFrame, lon: float) -> float:
    west = frame.extent[0]
    return (lon - west) % 360 + west


def _shares(axes: Axes, found: Effects) -> None:
    """Shares by variable, each bar in pieces by level."""
    names = list(dict.fromkeys(channel.variable for channel in found.channels))
    share = found.by_channel
    sums = {n: sum(s for c, s in zip(found.channels, share, strict=True) if c.variable == n)
            for n in names}  # fmt: skip
    names.sort(key=lambda name: sums[name])
    left = dict.fromkeys(names, 0.0)
    colours = _colours(found)
    for channel, part in zip(found.channels, share, strict=True):
        row = names.index(channel.variable)
        axes.barh(row, part, left=left[channel.variable], color=colours[channel.level],
                  edgecolor="white", linewidth=0.4)  # fmt: skip
        if part > 0.045 * max(sums.values()) * 2:
            label = "" if channel.level is None else f"{channel.level:g}"
            axes.text(left[channel.variable] + part / 2, row, label, ha="center", va="center",
                      fontsize=7, color=_readable(colours[channel.level]))  # fmt: skip
        left[channel.variable] += part
    axes.set_yticks(range(len(names)), names)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    levels = any(channel.level is not None for channel in found.channels)
    title = "Share by variable" + ("; levels from dark aloft" if levels else "")
    axes.set_title(title, loc="left", fontsize=10)
    _tidy(axes)


def _colours(found: Effects) -> dict[float | None, NDArray[np.float64]]:
    """Dark aloft, pale near the ground; grey on the surface."""
    levels = sorted({c.level for c in found.channels if c.level is not None})
    shades = colormaps["viridis"](np.linspace(0.0, 0.95, len(levels)))
    grey = np.array([0.5, 0.5, 0.5, 1.0])
    return dict(zip(levels, shades, strict=True)) | {None: grey}


def _readable(colour: NDArray[np.float64]) -> str:
    return "black" if colour[:3] @ (0.3, 0.6, 0.1) > 0.5 else "white"


def _distance(axes: Axes, found: Effects) -> None:
    """The share within each distance, beside what the area alone would give."""
    away = found.away.ravel()
    order = np.argsort(away)
    effect = np.cumsum(found.values.sum(axis=0).ravel()[order])
    far = min(_FAR, float(away.max()))
    curve = axes.plot(away[order], effect / effect[-1], drawstyle="steps-post", color="#0072B2")
    curve[0].set_label("sensitivity")
    area = np.cumsum(
        np.broadcast_to(cell_areas(found.grid)[:, None], found.away.shape).ravel()[order]
    )
    axes.plot(away[order], area / area[-1], color="#777777", linestyle="--", label="area")
    for radius in RADII:
        if radius < far:
            axes.axvline(radius, color="#777777", linewidth=0.5)
    axes.set(xlim=(0, far), ylim=(0, 1), xlabel="km from the place")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(loc="lower right", fontsize=8)
    axes.set_title("Share within a distance", loc="left", fontsize=10)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)

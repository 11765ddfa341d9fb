"""Where a forecast leaves the known range, as maps."""

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from weather.explanation.alarms import largest, moment_of
from weather.explanation.wording import times
from weather.files.history import simulated
from weather.grid import LatLonGrid
from weather.maps.frame import HALO, MapFrame
from weather.sphere import place

_SPREADS = (-4.0, -3.0, -2.0, -1.0, -0.5, -1e-6, 1e-6, 0.5, 1.0, 2.0, 3.0, 4.0)
_SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def draw_alarms(one: xr.Dataset, static: xr.Dataset | None = None) -> Figure:
    """Maps of the largest excess and of the share of fields outside.

    Args:
        one: from `alarms`, one initial and one lead time selected.
        static: canonical `lsm` or `z_surface` for the background, on any grid; those of a
            simulated atmosphere are drawn without the coastlines of the Earth.
    """
    earth = static is None or not simulated(static)
    frame = MapFrame(LatLonGrid.from_dataset(one), earth=earth)
    wide = frame.ratio < 0.8
    width = 10.0 if wide else 6.5
    height = (0.82 if wide else 0.86) * width * frame.ratio + 0.5
    size = (width, 2 * height + 0.6) if wide else (2 * width, height + 0.2)
    figure = Figure(figsize=size, layout="constrained")
    above, below = figure.subplots(*((2, 1) if wide else (1, 2)))
    _cells(above, frame, one["excess"].values, _SPREADS, "RdBu_r", "spreads outside of the range")
    _name_farthest(above, frame, one)
    share = one["outside"].values
    _cells(below, frame, share, _SHARES, "magma_r", "share of the fields")
    for axes in (above, below):
        frame.prepare(axes, static)
    count = one.sizes["channel"]
    above.set_title(f"Farthest of {count} fields from the range {one.attrs['range']}",
                    loc="left", fontsize=10)  # fmt: skip
    chance = float(one["chance"].mean())
    expected = "" if np.isnan(chance) else f"; {chance:.1%} by chance"
    area = one["outside_area"]
    mean = "not known" if area.isnull().all() else f"{float(area.mean()):.1%} of all values"
    below.set_title(f"Share of fields outside: {mean}{expected}", loc="left", fontsize=10)
    moment = times(*moment_of(one))
    figure.suptitle(f"Alarm: out of the known range\n{moment}", x=0.01, ha="left", fontsize=11)
    return figure


def _cells(
    axes: Axes,
    frame: MapFrame,
    field: NDArray[np.float64],
    levels: tuple[float, ...],
    colours: str,
    label: str,
) -> None:
    """Each cell in one colour: nothing spreads to its neighbours. White is none."""
    both = levels[0] < 0
    count = len(levels) + 1 if both else len(levels) - 1
    shades = colormaps[colours](np.linspace(0.0, 1.0 if both else 0.85, count))
    shades[len(shades) // 2 if both else 0] = (1, 1, 1, 1)
    cmap = ListedColormap(shades)
    norm = BoundaryNorm(levels, count, extend="both" if both else "neither")
    drawn = axes.pcolormesh(*frame.cyclic(field), cmap=cmap, norm=norm, shading="nearest")
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn, ax=axes, shrink=0.9, aspect=28, pad=0.015, spacing="uniform")
    bar.set_ticks([level for level in levels if abs(level) != 1e-6])
    bar.minorticks_off()
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=8)


def _name_farthest(axes: Axes, frame: MapFrame, one: xr.Dataset) -> None:
    """The field and the excess where it is largest."""
    size = abs(one["excess"].fillna(0))
    if not size.any():
        return
    there = one.isel(largest(size))
    lat, lon = float(there["lat"]), float(there["lon"])
    west, east, south, north = frame.extent
    x = (lon - west) % 360 + west
    name = str(one["channel"].values[int(there["farthest"])])
    axes.plot(x, lat, "o", markersize=14, markerfacecolor="none", color="black", zorder=7)
    text = axes.annotate(
        f"{name} {float(there['excess']):+.1f}\n{place(lat, lon)}", (x, lat),
        xytext=(-14 if x > (west + east) / 2 else 14, -14 if lat > (south + north) / 2 else 14),
        textcoords="offset points", fontsize=9, zorder=8,
        ha="right" if x > (west + east) / 2 else "left",
        va="top" if lat > (south + north) / 2 else "bottom",
    )  # fmt: skip
    text.set_path_effects(HALO)

"""Forecast maps as forecasters draw them; see `products` for what can be drawn."""

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sciml.errors import InputError
from sciml.files import atomic_path
from weather.grid import LatLonGrid
from weather.maps.frame import HALO, MapFrame
from weather.maps.products import Fields, Product, choose_product, displayed
from weather.verification.metrics import area_mean

Field = NDArray[np.float64]

_HOUR = np.timedelta64(1, "h")
KNOT = 1852 / 3600  # m s-1
_PROMINENCE = 2.0  # hPa, of a high or low that is marked


def draw_map(
    forecast: xr.Dataset,
    product: str | None = None,
    truth: xr.Dataset | None = None,
    static: xr.Dataset | None = None,
) -> Figure:
    """Map of one forecast, beside the analysis and the difference if there is a truth.

    Args:
        forecast: from `open_forecast`, one initial and one lead time selected.
        product: see `products`; None takes the first that the file allows.
        truth: canonical analysis of the valid time.
        static: canonical `lsm` or `z_surface` for the background, on any grid.

    Raises:
        InputError: a field that is not in the file.
    """
    fields = displayed(forecast)
    chosen = choose_product(product, list(fields.values))
    frame = MapFrame(LatLonGrid.from_dataset(forecast))
    figure, axes = _sheet(frame, panels=1 if truth is None else 3)
    _draw(axes[0], frame, static, chosen, fields)
    axes[0].set_title(_heading(forecast, chosen), loc="left", fontsize=10)
    if truth is not None:
        analysis = displayed(truth)
        _draw(axes[1], frame, static, chosen, analysis)
        axes[1].set_title("Analysis, same valid time", loc="left", fontsize=10)
        _draw_difference(axes[2], frame, static, chosen, fields, analysis)
    return figure


def _sheet(frame: MapFrame, panels: int) -> tuple[Figure, NDArray[np.object_]]:
    """Wide maps one above the other, high ones side by side."""
    wide = frame.ratio < 0.8
    width = 11.0 if wide else min(6.5, 10 / frame.ratio)
    height = (0.86 if wide else 0.92) * width * frame.ratio + (0.7 if wide else 1.1)
    rows, columns = (panels, 1) if wide else (1, panels)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False).ravel()


def select_forecast(
    forecast: xr.Dataset, time: np.datetime64 | None, lead: np.timedelta64 | None
) -> xr.Dataset:
    """One initial time (default the first) and lead time (default 24 h, or the last).

    Raises:
        InputError: a time that is not in the file.
    """
    times, leads = forecast["time"].values, forecast["lead_time"].values
    day = np.timedelta64(24, "h")
    time = times[0] if time is None else time
    lead = (day if day in leads else leads[-1]) if lead is None else lead
    if time not in times:
        raise InputError(f"no forecast from {_clock(time)}; the file has {_some(times)}")
    if lead not in leads:
        hours = ", ".join(f"{hour:g}" for hour in leads / _HOUR)
        raise InputError(f"no lead time {lead / _HOUR:g} h; the file has {hours} h")
    return forecast.sel(time=time, lead_time=lead)


def select_analysis(analyses: xr.Dataset, forecast: xr.Dataset) -> xr.Dataset:
    """The analysis of a forecast's valid time.

    Raises:
        InputError: if there is none, or on another grid.
    """
    valid = forecast["valid_time"].values
    if "time" not in analyses.dims or valid not in analyses["time"].values:
        raise InputError(f"the truth has no analysis of {_clock(valid)}; leave out --truth")
    grid, there = LatLonGrid.from_dataset(forecast), LatLonGrid.from_dataset(analyses)
    if not grid.matches(there):
        raise InputError(f"the forecast has {grid.describe()}, the truth {there.describe()}")
    return analyses.sel(time=valid)


def save_map(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all.

    Raises:
        InputError: for a suffix that is not a picture's.
    """
    known = figure.canvas.get_supported_filetypes()
    if path.suffix.lstrip(".") not in known:
        raise InputError(f"cannot draw {path.name}; expected a name that ends in .png or .pdf")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _draw(
    axes: Axes, frame: MapFrame, static: xr.Dataset | None, product: Product, fields: Fields
) -> None:
    if product.shading:
        _shade(axes, frame, product, fields)
    frame.prepare(axes, static)
    if product.contours:
        _contour(axes, frame, product, fields)
    if product.wind:
        _barbs(axes, frame, *(fields[name] for name in product.wind))


def _shade(axes: Axes, frame: MapFrame, product: Product, fields: Fields) -> None:
    if product.shading == "speed" and product.wind:
        u, v = (fields[name] for name in product.wind)
        field, unit, colours = np.hypot(u, v) / KNOT, "kt", "YlGnBu"
        levels = np.arange(10, max(60.0, np.nanmax(field)) + 10, 10)
    else:
        name = str(product.shading)
        field, unit = fields[name], fields.units[name]
        levels, colours = _scale(field, unit)
    norm = BoundaryNorm(levels, 256, extend="max" if unit == "kt" else "both")
    drawn = axes.contourf(
        *frame.smooth(field), levels=levels, cmap=colours, norm=norm,
        extend="max" if unit == "kt" else "both",
    )  # fmt: skip
    _bar(axes, drawn, unit)


def _scale(field: Field, unit: str) -> tuple[Field, str]:
    """Levels of shading, round and fixed where that helps to compare maps, and colours."""
    low, high = np.nanpercentile(field, [0.5, 99.5])
    if unit == "°C":
        step = 4 if high - low > 36 else 2
        return np.arange(step * np.floor(low / step), high + step, step), "RdYlBu_r"
    if low < 0 < high and -low / high > 0.2 and high / -low > 0.2:
        limit = max(-low, high)
        return np.array(MaxNLocator(12, symmetric=True).tick_values(-limit, limit)), "RdBu_r"
    return np.array(MaxNLocator(12).tick_values(low, high)), "viridis"


def _contour(axes: Axes, frame: MapFrame, product: Product, fields: Fields) -> None:
    name = str(product.contours)
    field, unit = fields[name], fields.units[name]
    step = {"dam": 6, "hPa": 4}.get(unit, 5)
    low, high = np.nanmin(field), np.nanmax(field)
    levels = np.arange(step * np.floor(low / step), high + step, step)
    bold = [1012] if unit == "hPa" else [552]
    widths = [1.8 if level in bold else 0.9 for level in levels]
    lines = axes.contour(
        *frame.smooth(field), levels=levels, colors="black", linewidths=widths, zorder=4
    )
    labels = axes.clabel(lines, levels[:: 1 if len(levels) < 16 else 2], fontsize=7, fmt="%d")
    for label in labels:
        label.set_path_effects(HALO)
    if product.marks:
        _mark(axes, frame, field)


def _mark(axes: Axes, frame: MapFrame, field: Field) -> None:
    """H and L with the central value."""
    for lon, lat, sign, value in frame.extremes(field, _PROMINENCE):
        letter, colour = ("H", "#0072B2") if sign > 0 else ("L", "#D55E00")
        for text, side, size in ((letter, "bottom", 13), (f"{value:.0f}", "top", 8)):
            weight = "bold" if text == letter else "normal"
            written = axes.text(
                lon,
                lat,
                text,
                ha="center",
                va=side,
                size=size,
                weight=weight,
                color=colour,
                zorder=6,
            )
            written.set_path_effects(HALO)


def _barbs(axes: Axes, frame: MapFrame, u: Field, v: Field) -> None:
    """Barbs in knots, some 36 across; feathers point to low pressure in both hemispheres."""
    lon, lat, u = frame.cyclic(u / KNOT)
    v = frame.cyclic(v / KNOT)[2]
    west, east, *_ = frame.extent
    shown = np.flatnonzero((lon >= west) & (lon <= east))
    columns = shown[:: max(1, round(len(shown) / 36))]
    rows = np.arange(len(lat))[:: max(1, round(len(lat) / (36 * frame.ratio)))]
    x, y = np.meshgrid(lon[columns], lat[rows])
    place = np.ix_(rows, columns)
    axes.barbs(
        x, y, u[place], v[place], flip_barb=y < 0, length=4.5, linewidth=0.5, zorder=5,
        barbcolor="#222222", sizes={"emptybarb": 0.1},
    )  # fmt: skip


def _draw_difference(
    axes: Axes,
    frame: MapFrame,
    static: xr.Dataset | None,
    product: Product,
    forecast: Fields,
    analysis: Fields,
) -> None:
    name = product.contours if product.shading in (None, "speed") else product.shading
    name = name or str(product.wind and product.wind[0])
    difference = forecast[name] - analysis[name]
    limit = float(np.nanpercentile(np.abs(difference), 99.5)) or 1.0
    levels = MaxNLocator(10, symmetric=True).tick_values(-limit, limit)
    drawn = axes.contourf(*frame.smooth(difference), levels=levels, cmap="RdBu_r", extend="both")
    unit = forecast.units[name].replace("°C", "K")
    _bar(axes, drawn, unit)
    frame.prepare(axes, static)
    rmse = float(np.sqrt(area_mean(difference**2, frame.grid.area_weights())))
    axes.set_title(
        f"Forecast minus analysis, {name} ({unit}); RMSE {rmse:.3g} {unit}",
        loc="left",
        fontsize=10,
    )


def _bar(axes: Axes, drawn: QuadContourSet, unit: str) -> None:
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn, ax=axes, shrink=0.9, aspect=28, pad=0.015)
    bar.set_label(unit)
    bar.ax.tick_params(labelsize=8)


def _heading(forecast: xr.Dataset, product: Product) -> str:
    initial, valid = forecast["time"].values, forecast["valid_time"].values
    hours = forecast["lead_time"].values / _HOUR
    return f"{product.title}\nInit {_clock(initial)}   +{hours:g} h   Valid {_clock(valid)}"


def _clock(time: np.datetime64 | NDArray[np.datetime64]) -> str:
    """`2001-03-01 06 UTC`."""
    minutes = str(time.astype("datetime64[m]"))
    return f"{minutes[:10]} {minutes[11:13] if minutes.endswith('00') else minutes[11:]} UTC"


def _some(times: NDArray[np.datetime64]) -> str:
    return _clock(times[0]) if len(times) == 1 else f"{_clock(times[0])} to {_clock(times[-1])}"

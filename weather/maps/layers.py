"""What lies on a map: shading, contours, highs and lows, wind barbs."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.contour import QuadContourSet
from matplotlib.ticker import FixedLocator, FuncFormatter
from numpy.typing import NDArray

from weather.files.units import KNOT
from weather.maps.colours import Scale, field_scale, rain_scale, wind_scale
from weather.maps.frame import HALO, MapFrame
from weather.maps.products import RAIN, Fields, Product
from weather.variables import on_level

Field = NDArray[np.float64]

_PROMINENCE = 2.0  # hPa, of a high or low that is marked
_BARBS = 34  # across a wide map


def draw_layers(
    axes: Axes,
    frame: MapFrame,
    product: Product,
    fields: Fields,
    scale: Scale | None,
    small: bool = False,
) -> QuadContourSet | None:
    """Draw a product; returns the shading, for its colour bar.

    Args:
        axes: made by `frame`.
        frame: where the fields lie.
        product: what is drawn.
        fields: in display units.
        scale: of the shading, from `shading_scale`.
        small: without labels, barbs and marks, for pictures of a few centimetres.
    """
    drawn = None
    if scale is not None:
        drawn = shade(axes, frame, shaded(product, fields), scale)
    if product.contours:
        _contour(axes, frame, product, fields, small)
    if product.wind and not small:
        _barbs(axes, frame, *(fields[name] for name in product.wind))
    return drawn


def shaded(product: Product, fields: Fields) -> Field:
    """The field that is shaded; the speed of winds in knots."""
    if product.shading == "speed" and product.wind:
        u, v = (fields[name] for name in product.wind)
        return np.hypot(u, v) / KNOT
    return fields[str(product.shading)]


def shading_scale(product: Product, several: Sequence[Fields]) -> Scale | None:
    """One scale for all pictures; None if the product has no shading."""
    if product.shading is None:
        return None
    values = [shaded(product, fields) for fields in several]
    if product.shading == "speed":
        return wind_scale(values, near_ground=_near_ground(product))
    unit = several[0].units[product.shading]
    if product.shading in RAIN and unit == "mm":
        return rain_scale(values)
    return field_scale(values, unit)


def _near_ground(product: Product) -> bool:
    return product.wind is not None and on_level(product.wind[0])[1] is None


def shade(axes: Axes, frame: MapFrame, field: Field, scale: Scale) -> QuadContourSet:
    """Filled contours; a bounded scale bounds what lies between the cells too."""
    x, y, values = frame.smooth(field)
    if scale.extend == "neither":
        values = np.clip(values, None, scale.levels[-1] - 1e-9)
    return axes.contourf(
        x, y, values, levels=scale.levels, cmap=scale.colormap, norm=scale.norm,
        extend=scale.extend,
    )  # fmt: skip


def add_bar(drawn: ScalarMappable, axes: Axes | Sequence[Axes], scale: Scale) -> None:
    """A colour bar with its unit, and as many of its levels as its height holds."""
    first = axes if isinstance(axes, Axes) else axes[0]
    figure = first.get_figure()
    assert figure is not None
    bar = figure.colorbar(drawn, ax=axes, shrink=0.9, aspect=28, pad=0.015)
    bar.set_label(scale.unit)
    bar.set_ticks(_Levels(scale.levels.tolist()))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(_level))
    bar.ax.tick_params(labelsize=8)


class _Levels(FixedLocator):
    """Ticks at levels, or at every second, third, ... one where the axis is short."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Those that fit on the axis as it is now; the limits do not matter."""
        assert isinstance(self.axis, Axis)
        self.nbins = max(1, self.axis.get_tick_space())
        return super().tick_values(vmin, vmax)


def _level(value: float, _: int | None = None) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _contour(axes: Axes, frame: MapFrame, product: Product, fields: Fields, small: bool) -> None:
    name = str(product.contours)
    field, unit = fields[name], fields.units[name]
    step = {"dam": 6, "hPa": 4}.get(unit, 5)
    low, high = np.nanmin(field), np.nanmax(field)
    levels = np.arange(step * np.floor(low / step), high + step, step)
    bold = [1012] if unit == "hPa" else [552]
    wide = 0.5 if small else 0.9
    widths = [2 * wide if level in bold else wide for level in levels]
    lines = axes.contour(
        *frame.smooth(field), levels=levels, colors="black", linewidths=widths, zorder=4
    )
    if small:
        return
    labels = axes.clabel(lines, levels[:: 1 if len(levels) < 16 else 2], fontsize=7, fmt="%d")
    for label in labels:
        label.set_path_effects(HALO)
    if product.marks:
        _mark(axes, frame, field)


def _mark(axes: Axes, frame: MapFrame, field: Field) -> None:
    """H and L with the central value; beside the edge of a map, where its seam is, within it."""
    left, right = axes.get_xlim()
    beside = 0.015 * (right - left)  # half the width of a value
    for x, y, sign, value in frame.extremes(field, _PROMINENCE):
        letter, colour = ("H", "#0072B2") if sign > 0 else ("L", "#D55E00")
        across = "left" if x < left + beside else "right" if x > right - beside else "center"
        for text, side, size in ((letter, "bottom", 13), (f"{value:.0f}", "top", 8)):
            weight = "bold" if text == letter else "normal"
            written = axes.text(x, y, text, ha=across, va=side, size=size, weight=weight,
                                color=colour, zorder=6, in_layout=False)  # fmt: skip
            written.set_path_effects(HALO)


def _barbs(axes: Axes, frame: MapFrame, u: Field, v: Field) -> None:
    """Barbs in knots, evenly over the map; feathers point to low pressure in both hemispheres."""
    x, y, u, v, lat = frame.arrows(u / KNOT, v / KNOT, _BARBS)
    axes.barbs(
        x, y, u, v, flip_barb=lat < 0, length=4.8, linewidth=0.55, zorder=5,
        barbcolor="#222222", sizes={"emptybarb": 0.1},
    )  # fmt: skip

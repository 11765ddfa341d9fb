"""Forecast maps as forecasters draw them; see `products` for what can be drawn."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from weather.maps.clock import times_line
from weather.maps.colours import Scale, difference_scale
from weather.maps.frame import MapFrame
from weather.maps.layers import add_bar, draw_layers, shade, shaded, shading_scale
from weather.maps.products import (
    Fields,
    Product,
    available,
    choose_product,
    display_unit,
    displayed,
    si_unit,
)
from weather.maps.projections import Projection, frame_of
from weather.maps.region import Extent
from weather.maps.select import require_one_time
from weather.maps.sheet import new_sheet
from weather.verification.metrics import area_mean


@dataclass(frozen=True)
class View:
    """How a map is shown.

    Attributes:
        projection: `latlon` are plain axes.
        region: west, east, south, north in degrees; None shows all.
        static: canonical `lsm` or `z_surface` of a simulated atmosphere, on any grid, for
            the background; analyses of the Earth need none.
        say: is told what could not be drawn as asked.
    """

    projection: Projection = "latlon"
    region: Extent | None = None
    static: xr.Dataset | None = None
    say: Callable[[str], None] = print

    def frame(self, dataset: xr.Dataset) -> tuple[MapFrame, xr.Dataset]:
        """The frame, and the part of the data that it shows."""
        return frame_of(dataset, self.projection, self.region, self.say)


PLAIN = View()


def draw_map(
    forecast: xr.Dataset,
    product: str | None = None,
    truth: xr.Dataset | None = None,
    view: View = PLAIN,
) -> Figure:
    """Map of one forecast, beside the analysis and the difference if there is a truth.

    Args:
        forecast: from `open_forecast`, one initial and one lead time selected by
            `select_forecast`; or one analysis.
        product: see `products`; None takes the first that the file allows.
        truth: canonical analysis of the valid time.
        view: projection, region and background.

    Raises:
        InputError: a field that is not in the file, a region without data, or several times.
    """
    for shown in (forecast,) if truth is None else (forecast, truth):
        require_one_time(shown)
    chosen = choose_product(product, available(forecast))
    frame, forecast = view.frame(forecast)
    fields = displayed(forecast, chosen.fields)
    figure, axes = new_sheet(frame, panels=1 if truth is None else 3)
    if truth is None:
        scale = shading_scale(chosen, [fields])
        draw_panel(axes[0], frame, view, chosen, fields, scale)
    else:
        choose_product(product, available(truth))
        _, truth = view.frame(truth)
        analysis = displayed(truth, chosen.fields)
        scale = shading_scale(chosen, [fields, analysis])
        draw_panel(axes[0], frame, view, chosen, fields, scale)
        draw_panel(axes[1], frame, view, chosen, analysis, scale)
        axes[1].set_title("Analysis, same valid time", loc="left", fontsize=10)
        _draw_difference(axes[2], frame, view, chosen, fields, analysis)
    axes[0].set_title(heading(forecast, chosen), loc="left", fontsize=10)
    return figure


def draw_panel(
    axes: Axes,
    frame: MapFrame,
    view: View,
    product: Product,
    fields: Fields,
    scale: Scale | None,
) -> None:
    """One map with its colour bar."""
    frame.prepare(axes, view.static)
    drawn = draw_layers(axes, frame, product, fields, scale)
    if drawn is not None and scale is not None:
        add_bar(drawn, axes, scale)


def heading(one: xr.Dataset, product: Product) -> str:
    """What is drawn, and its times."""
    title = product.title
    if "(" not in title and product.shading:
        title += f" ({display_unit(product.shading, si_unit(one, product.shading))[0]})"
    if "members" in one.coords:
        title += f", mean of {int(one['members'])} members"
    if "chosen_member" in one.coords:
        title += f", member {int(one['chosen_member'])}"
    return f"{title}\n{times_line(one)}"


def _draw_difference(
    axes: Axes,
    frame: MapFrame,
    view: View,
    product: Product,
    forecast: Fields,
    analysis: Fields,
) -> None:
    name, unit = "speed", "kt"
    if product.shading != "speed":
        name = str(product.shading or product.contours)
        unit = forecast.units[name]
    of_name = replace(product, shading=name)
    difference = shaded(of_name, forecast) - shaded(of_name, analysis)
    scale = difference_scale(difference, unit)
    frame.prepare(axes, view.static)
    add_bar(shade(axes, frame, difference, scale), axes, scale)
    rmse = float(np.sqrt(area_mean(difference**2, frame.grid.area_weights())))
    unit = scale.unit
    axes.set_title(
        f"Forecast minus analysis, {name} ({unit}); RMSE {rmse:.3g} {unit}",
        loc="left",
        fontsize=10,
    )

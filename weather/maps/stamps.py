"""Ensemble stamps: every member as a small map, and the mean."""

import xarray as xr
from matplotlib.figure import Figure

from weather.maps.clock import times_line
from weather.maps.layers import add_bar, draw_layers, shading_scale
from weather.maps.plots import PLAIN, View
from weather.maps.products import available, choose_product, displayed
from weather.maps.select import members, require_members, require_one_time, select_member
from weather.maps.sheet import new_stamps


def draw_stamps(forecast: xr.Dataset, product: str | None = None, view: View = PLAIN) -> Figure:
    """The members beside each other, on one scale, after their mean.

    Args:
        forecast: from `open_forecast`, one initial and one lead time selected.
        product: see `products`; None takes the first that the file allows.
        view: projection, region and background.

    Raises:
        InputError: a file without members, a field that is not in the file.
    """
    require_one_time(forecast, "member")
    require_members(forecast, "stamps")
    chosen = choose_product(product, available(forecast))
    frame, forecast = view.frame(forecast)
    numbers = members(forecast)
    panels = {"mean": select_member(forecast, None)}
    panels |= {f"member {number}": select_member(forecast, number) for number in numbers}
    fields = {name: displayed(one, chosen.fields) for name, one in panels.items()}
    scale = shading_scale(chosen, list(fields.values()))
    figure, axes = new_stamps(frame, len(panels), bar=scale is not None)
    drawn = None
    for own, (name, values) in zip(axes, fields.items(), strict=True):
        frame.prepare(own, view.static, small=True)
        drawn = draw_layers(own, frame, chosen, values, scale, small=True)
        weight = "bold" if name == "mean" else "normal"
        own.set_title(name, loc="left", fontsize=8, pad=2, fontweight=weight)
    if drawn is not None and scale is not None:
        add_bar(drawn, axes, scale)
    times = times_line(panels["mean"])
    figure.suptitle(f"{chosen.title}, {len(numbers)} members\n{times}", fontsize=11, x=0.01,
                    ha="left")  # fmt: skip
    return figure

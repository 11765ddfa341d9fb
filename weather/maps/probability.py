"""How many members exceed a threshold, as a map."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from weather.maps.clock import times_line
from weather.maps.colours import PROBABILITY
from weather.maps.frame import HALO
from weather.maps.layers import add_bar, shade
from weather.maps.plots import PLAIN, View
from weather.maps.select import require_members, require_one_time
from weather.maps.sheet import new_sheet
from weather.maps.threshold import Threshold


def draw_probability(
    forecast: xr.Dataset, threshold: Threshold | str, view: View = PLAIN
) -> Figure:
    """The share of the members for which a threshold holds, in per cent.

    Args:
        forecast: from `open_forecast`, one initial and one lead time selected.
        threshold: such as `"wind10 > 34 kt"`.
        view: projection, region and background.

    Raises:
        InputError: a file without members, a field or unit that is not there.
    """
    require_one_time(forecast, "member")
    require_members(forecast, "probabilities")
    wanted = Threshold.parse(threshold) if isinstance(threshold, str) else threshold
    frame, forecast = view.frame(forecast)
    percent = probability(forecast, wanted)
    figure, (axes, *_) = new_sheet(frame)
    frame.prepare(axes, view.static)
    add_bar(shade(axes, frame, percent, PROBABILITY), axes, PROBABILITY)
    least = PROBABILITY.levels[0]
    if np.nanmax(percent) < least:
        axes.text(0.5, 0.5, f"below {least:g} % everywhere", transform=axes.transAxes, ha="center",
                  fontsize=11, path_effects=HALO, zorder=6)  # fmt: skip
    count = forecast.sizes["member"]
    title = f"Probability of {wanted.describe(forecast)}, {count} members"
    axes.set_title(f"{title}\n{times_line(forecast)}", loc="left", fontsize=10)
    return figure


def probability(forecast: xr.Dataset, threshold: Threshold) -> np.ndarray:
    """Per cent of the members for which a threshold holds, (lat, lon)."""
    ordered = forecast.transpose("member", ...)
    return 100 * threshold.exceeded(ordered).mean(axis=0)

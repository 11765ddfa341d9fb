"""Shading: levels that are round, colours that are uniform to the eye.

Sequential fields take viridis, and magma from pale to dark where nothing is white; rain
goes from white over green to blue; what has a middle (temperature about 0 °C, differences)
takes Moreland's coolwarm (2009, Diverging color maps for scientific visualization). All are
readable without red and green.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

Field = NDArray[np.float64]
Extend = Literal["neither", "max", "both"]


@dataclass(frozen=True)
class Scale:
    """Levels and colours of one shading.

    Attributes:
        levels: in the unit on paper, ascending.
        colours: name of a colour map of matplotlib; `coolwarm` has its middle at zero.
        extend: whether values below and above are coloured.
        unit: on paper.
    """

    levels: Field
    colours: str
    extend: Extend
    unit: str

    @property
    def norm(self) -> BoundaryNorm:
        """Each interval its colour."""
        return BoundaryNorm(self.levels, len(self._places), extend=self.extend)

    @property
    def colormap(self) -> ListedColormap:
        """One colour for each interval, and those below and above; little rain is white."""
        shades = colormaps[self.colours](self._places)
        if self.colours == _WET:
            shades[0] = 1.0
        return ListedColormap(shades)

    @property
    def _places(self) -> Field:
        """Where in the colour map the colours lie, 0..1."""
        middles = 0.5 * (self.levels[1:] + self.levels[:-1])
        step = self.levels[1] - self.levels[0]
        below = [middles[0] - step] if self.extend == "both" else []
        above = [middles[-1] + step] if self.extend in ("both", "max") else []
        values = np.concatenate([below, middles, above])
        if self.colours == "coolwarm":
            return np.interp(values, [values[0], 0, values[-1]], [0, 0.5, 1])
        dark = 0.8 if self.colours == "magma_r" else 1.0  # black lines stay readable
        return np.linspace(0, dark, len(values))


def field_scale(fields: Sequence[Field], unit: str) -> Scale:
    """The scale of a field, the same for all of several pictures."""
    values = np.concatenate([np.ravel(field) for field in fields])
    low, high = np.nanpercentile(values, [0.5, 99.5])
    middle = low < 0 < high and min(-low, high) / max(-low, high) > 0.2
    colours = "coolwarm" if middle else "viridis"
    if unit == "°C":
        step = 4 if high - low > 36 else 2
        return Scale(np.arange(step * np.floor(low / step), high + step, step), colours, "both",
                     unit)  # fmt: skip
    if middle:
        limit = max(-low, high)
        levels = MaxNLocator(12, symmetric=True).tick_values(-limit, limit)
        return Scale(np.array(levels), colours, "both", unit)
    if unit == "%":
        beyond = values[np.isfinite(values) & ((values < 0) | (values > 100))]
        return Scale(np.arange(0.0, 101, 10), colours, "both" if len(beyond) else "neither", unit)
    return Scale(np.array(MaxNLocator(12).tick_values(low, high)), colours, "both", unit)


def rain_scale(depths: Sequence[Field]) -> Scale:
    """Precipitation in mm in steps of 1, 2 and 5; what is no rain at all is white."""
    top = max(float(np.max(depth, initial=0, where=np.isfinite(depth))) for depth in depths)
    count = int(np.searchsorted(_RAIN, top)) + 1
    return Scale(_RAIN[: max(6, count)], _WET, "both", "mm")


def wind_scale(speeds: Sequence[Field], near_ground: bool) -> Scale:
    """Wind speed in knots, blank where it is weak.

    Near the ground the steps are those of Beaufort from 4 to 12, then of Saffir and
    Simpson's hurricanes; aloft every 10 or 20 kt.
    """
    top = max(60.0, *(float(np.nanmax(speed)) for speed in speeds))
    if near_ground:
        levels = _BEAUFORT[: max(9, int(np.searchsorted(_BEAUFORT, top)) + 1)]
    else:
        step = 10 if top <= 110 else 20
        levels = np.arange(step, top + step, step, dtype=float)
    return Scale(levels, "magma_r", "max", "kt")


def difference_scale(difference: Field, unit: str) -> Scale:
    """Differences; about zero there is one interval, pale on both sides of it."""
    limit = float(np.nanpercentile(np.abs(difference), 99.5)) or 1.0
    levels = np.array(MaxNLocator(10, symmetric=True).tick_values(-limit, limit))
    return Scale(levels[np.abs(levels) > 1e-9 * limit], "coolwarm", "both", unit.replace("°C", "K"))


_WET = "YlGnBu"  # of matplotlib, of ColorBrewer
_RAIN = np.array([0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500])  # mm
_BEAUFORT = np.array([11.0, 17, 22, 28, 34, 41, 48, 56, 64, 83, 96, 113, 137])  # kt
PROBABILITY = Scale(
    np.array([5.0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100]), "magma_r", "neither", "%"
)

"""From the fields of a `State` to the arrays of a file, in the file's order and units."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weather.files.forecast_layout import in_hectopascal, positions
from weather.files.layout import FieldLayout, Layout
from weather.files.units import convertible, plain_unit
from weather.grid import LatLonGrid
from weather.variables import Variables, describe

COUNTED = ("time", "lead_time", "member")  # one of each is written at a time


@dataclass(frozen=True)
class Arrangement:
    """Puts a model's fields where a layout wants them.

    Attributes:
        layout: from `forecast_layout`.
        variables, grid: of the model.
    """

    layout: Layout
    variables: Variables
    grid: LatLonGrid

    def __call__(self, name: str, values: NDArray[np.float32]) -> NDArray[np.generic]:
        """One field at one time.

        Args:
            name: canonical.
            values: ([level,] lat, lon) in the model's order, SI.

        Returns:
            The dimensions of the field in the file but for `COUNTED`, its units and dtype.
        """
        field = self.layout.fields[name]
        if values.ndim == 3:
            values = values[self._level]
        values = values[..., self._lat, :][..., self._lon]
        axes = ("level", "lat", "lon")[-values.ndim :]
        values = values.transpose([axes.index(d) for d in field.dims if d not in COUNTED])
        return _in_units(values, name, field).astype(field.dtype)

    @cached_property
    def _level(self) -> NDArray[np.intp]:
        levels = in_hectopascal(self.layout.level, self.layout.level_units)
        return positions(levels, self.variables.levels, "level")

    @cached_property
    def _lat(self) -> NDArray[np.intp]:
        return positions(self.layout.lat, self.grid.lat, "lat")

    @cached_property
    def _lon(self) -> NDArray[np.intp]:
        return positions(self.layout.lon, self.grid.lon, "lon")


def _in_units(
    values: NDArray[np.float32], name: str, field: FieldLayout
) -> NDArray[np.float32] | NDArray[np.float64]:
    """From SI to the file's unit; the inverse of `weather.files.units.to_si`."""
    known, unit = describe(name), plain_unit(field.units or "", name)
    if known is None or not unit or unit == known.units:
        return values
    factor, offset = convertible(known.units)[unit]
    return (values.astype(np.float64) - offset) / factor

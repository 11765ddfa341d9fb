"""Which fields hold what came together since the time before, such as ERA5's precipitation."""

import numpy as np
import xarray as xr

from weather.files.layout import ATTRIBUTE, FieldLayout, Layout
from weather.files.units import plain_unit

# ERA5's names (ECMWF, ERA5: data documentation, table 3), of the hour before each time
_WATER = ("cp", "e", "es", "lsp", "pev", "ro", "sf", "smlt", "sro", "tp")
_ENERGY = (
    "slhf", "ssr", "ssrc", "ssrd", "sshf", "str", "strc", "strd", "tisr", "tsr", "tsrc", "ttr",
    "ttrc",
)  # fmt: skip
_UNITS = dict.fromkeys(_WATER, ("m", "mm", "kg m-2")) | dict.fromkeys(_ENERGY, ("J m-2",))
_LOOKED_AT = 10 * 24  # times
_SPREAD = 64  # rows, and columns, of cells that are looked at
_ROUNDING = 1e-6  # of the largest value


def accumulated(dataset: xr.Dataset) -> list[str]:
    """Names of the fields that accumulate from time to time.

    By what their file states of them, or by ECMWF's names in a unit that fits. A file that
    says in the name of a field how long it accumulates (`tp06`) is taken at its word.

    Args:
        dataset: canonical, with a time axis.
    """
    told = Layout.of(dataset).fields if ATTRIBUTE in dataset.attrs else {}
    fields = {str(name): field for name, field in dataset.data_vars.items()}
    return [
        name
        for name, field in fields.items()
        if "time" in field.dims and _accumulates(name, field, told.get(name))
    ]


def is_running_total(field: xr.DataArray) -> bool:
    """Whether values of some days grow everywhere but at one hour of the day, as ERA5-Land's.

    Args:
        field: (time, lat, lon), of which at most the first 240 times of evenly spread cells are
            held in memory.
    """
    steps = {axis: max(1, field.sizes[axis] // _SPREAD) for axis in ("lat", "lon")}
    some = field.isel({axis: slice(None, None, step) for axis, step in steps.items()})
    hours = field["time"].dt.hour.values[1:_LOOKED_AT]
    values = some.isel(time=slice(_LOOKED_AT)).values.reshape(len(hours) + 1, -1)
    change, least = np.diff(values, axis=0), _ROUNDING * np.nanmax(np.abs(values), initial=0)
    falls, rises = (set(hours[(sign * change > least).any(axis=1)]) for sign in (-1, 1))
    return len(falls) == 1 and len(rises - falls) > 1


def _accumulates(name: str, field: xr.DataArray, told: FieldLayout | None) -> bool:
    attributes = told.attributes if told else {}
    methods = str(attributes.get("cell_methods", field.attrs.get("cell_methods", "")))
    if "time: mean" in methods or "time: point" in methods or _states_hours(told):
        return False
    if "time: sum" in methods or attributes.get("GRIB_stepType") == "accum":
        return True
    return plain_unit(str(field.attrs.get("units", ""))) in _UNITS.get(name, ())


def _states_hours(told: FieldLayout | None) -> bool:
    """As `tp06` and WeatherBench's `total_precipitation_6hr` do."""
    return told is not None and told.name.lower().removesuffix("hr")[-1:].isdigit()

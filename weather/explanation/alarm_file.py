"""Alarm fields as NetCDF."""

from pathlib import Path

import numpy as np
import xarray as xr

from sciml.files import atomic_path
from weather.explanation.alarms import findings
from weather.files.history import stamped

_TEXT = {
    "outside": ("Share of fields outside of their range", "1"),
    "excess": ("Largest distance outside of a range, in spreads; negative below", "1"),
    "farthest": ("Field with the largest excess", ""),
    "outside_area": ("Share of the area outside of the range", "1"),
    "largest_excess": ("Largest distance outside of the range, in spreads", "1"),
    "chance": ("Share of the area outside by chance: of one year against the others", "1"),
}
_SPACE = {
    "latitude": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "longitude": {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
    "time": {"standard_name": "forecast_reference_time", "long_name": "Initial time"},
    "lead_time": {"standard_name": "forecast_period", "long_name": "Lead time"},
    "valid_time": {"standard_name": "time", "long_name": "Valid time"},
    "channel": {"long_name": "Field"},
}


def write_alarms(found: xr.Dataset, path: Path, command: str) -> None:
    """Write the file, whole or not at all.

    Args:
        found: from `alarms`.
        path: ends in .nc.
        command: for the file's history.
    """
    dataset = found.rename(lat="latitude", lon="longitude")
    for name, (text, unit) in _TEXT.items():
        dataset[name].attrs = {"long_name": text} | ({"units": unit} if unit else {})
    channels = dataset["channel"].values
    flags = {"flag_values": np.arange(-1, len(channels), dtype=np.int16),
             "flag_meanings": " ".join(["inside", *channels])}  # fmt: skip
    dataset["farthest"].attrs |= flags
    for name, attributes in _SPACE.items():
        dataset[name].attrs = attributes
    hours = {"units": "hours since 1970-01-01 00:00:00", "dtype": "float64", "_FillValue": None}
    packed = {name: {"zlib": True, "complevel": 1} for name in ("outside", "excess", "farthest")}
    lead = {"units": "hours", "dtype": "float64", "_FillValue": None}
    dataset.attrs = {
        "Conventions": "CF-1.10",
        "title": f"Where a forecast leaves the range {found.attrs['range']}",
        "history": stamped(command),
        "comment": "\n".join(findings(found)),
    }
    encoding = packed | {"time": hours, "valid_time": hours, "lead_time": lead}
    with atomic_path(path) as temporary:
        dataset.to_netcdf(temporary, encoding=encoding)

"""The coordinates of a forecast file, as numbers with CF attributes.

Times are hours in double precision and `lead_time` states hours: ncview and CDO read no
64-bit integers and no attribute-less durations. The attribute `dtype` is xarray's own mark
of a duration.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from weather.dates import HOUR
from weather.files.layout import Layout

EPOCH = np.datetime64("1970-01-01", "ns")
_TIME = {"units": "hours since 1970-01-01 00:00:00", "calendar": "standard"}
_LEAD = {
    "standard_name": "forecast_period", "long_name": "Lead time", "units": "hours",
    "dtype": "timedelta64[ns]",
}  # fmt: skip
_INITIAL = {"standard_name": "forecast_reference_time", "long_name": "Initial time", **_TIME}
_VALID = {"standard_name": "time", "long_name": "Valid time", **_TIME}
_SPACE = {
    "lat": {"standard_name": "latitude", "long_name": "Latitude", "units": "degrees_north",
            "axis": "Y"},
    "lon": {"standard_name": "longitude", "long_name": "Longitude", "units": "degrees_east",
            "axis": "X"},
    "level": {"standard_name": "air_pressure", "long_name": "Pressure level", "positive": "down",
              "axis": "Z"},
}  # fmt: skip
_MEMBER = {"standard_name": "realization", "long_name": "Ensemble member", "units": "1"}


def forecast_coordinates(
    layout: Layout,
    initial: NDArray[np.datetime64],
    leads: Sequence[int],
    members: NDArray[np.generic] | None,
) -> xr.Dataset:
    """Coordinates of a forecast file, not to be encoded further.

    Args:
        layout: from `forecast_layout`.
        initial: initial times.
        leads: seconds.
        members: names or numbers of members.
    """
    dims = layout.dims
    start = _hours(initial)
    hours = np.array(leads) / 3600
    variables = _places(layout, members)
    lead = dims["lead_time"]
    if "time" not in dims:  # the time axis holds valid times
        variables[lead] = xr.Variable(lead, start[0] + hours, {**_VALID, "axis": "T"})
        variables["lead_time"] = xr.Variable(lead, hours, _LEAD)
        variables["forecast_reference_time"] = xr.Variable((), start[0], _INITIAL)
        return _bare(variables)
    variables[dims["time"]] = xr.Variable(dims["time"], start, _INITIAL)
    variables[lead] = xr.Variable(lead, hours, _LEAD)
    if auxiliary(layout):
        valid = start[:, None] + hours
        variables["valid_time"] = xr.Variable((dims["time"], lead), valid, _VALID)
    return _bare(variables)


def analysis_coordinates(
    layout: Layout, times: NDArray[np.datetime64], members: NDArray[np.generic] | None
) -> xr.Dataset:
    """Coordinates of a file of analyses, not to be encoded further.

    Args:
        layout: from `analysis_layout`.
        times: of the fields.
        members: names or numbers of members.
    """
    variables, time = _places(layout, members), layout.dims["time"]
    variables[time] = xr.Variable(
        time, _hours(times), {"standard_name": "time", "long_name": "Time", **_TIME, "axis": "T"}
    )
    return _bare(variables)


def auxiliary(layout: Layout) -> str:
    """Names of the coordinates that are no dimension, as CF's attribute `coordinates`."""
    if "time" not in layout.dims:
        return "forecast_reference_time lead_time"
    return "" if layout.dims["lead_time"] == "prediction_timedelta" else "valid_time"


def _hours(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    return (times.astype("datetime64[ns]") - EPOCH) / HOUR


def _places(layout: Layout, members: NDArray[np.generic] | None) -> dict[str, xr.Variable]:
    """Coordinates of space, and of members."""
    dims = layout.dims
    variables = {dims[role]: _space(layout, role) for role in ("lat", "lon")}
    if layout.level:
        variables[dims["level"]] = _space(layout, "level")
    if members is not None:
        number = members.astype(np.int32) if members.dtype.kind in "iu" else members
        variables[dims["member"]] = xr.Variable(dims["member"], number, _MEMBER)
    return variables


def _space(layout: Layout, role: str) -> xr.Variable:
    values = np.array(getattr(layout, role)).astype(layout.dtypes.get(role, "float64"))
    unit = {"units": layout.level_units} if role == "level" else {}
    return xr.Variable(layout.dims[role], values, {**_SPACE[role], **unit})


def _bare(variables: dict[str, xr.Variable]) -> xr.Dataset:
    """All as plain variables: xarray shall not write which of them are coordinates."""
    dataset = xr.Dataset(variables)
    for name in dataset.variables:
        dataset[name].encoding["_FillValue"] = None
    return dataset

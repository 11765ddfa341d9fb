"""A sensitivity as NetCDF: the grid, order and names of the analyses it was made from."""

from pathlib import Path

import numpy as np
import xarray as xr

from sciml.files import atomic_path
from weather.dates import HOUR
from weather.explanation.sensitivity import Sensitivity
from weather.explanation.summary import effects, lines
from weather.files.forecast_coordinates import EPOCH
from weather.files.forecast_layout import in_hectopascal, positions
from weather.files.history import stamped
from weather.files.layout import Layout
from weather.forecasting.forecaster import Forecaster
from weather.variables import si_unit

_SPACE = {
    "lat": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "lon": {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
    "level": {"standard_name": "air_pressure", "positive": "down", "axis": "Z"},
    "time": {"standard_name": "time", "long_name": "Time of the initial states",
             "units": "hours since 1970-01-01 00:00:00", "calendar": "standard", "axis": "T"},
}  # fmt: skip


def write_sensitivity(
    sensitivity: Sensitivity, forecaster: Forecaster, layout: Layout, path: Path, command: str
) -> None:
    """Write the file, whole or not at all.

    Args:
        sensitivity: what to write.
        forecaster: that it explains.
        layout: of the analyses.
        path: ends in .nc.
        command: for the file's history.
    """
    dataset = _named(sensitivity, layout)
    dataset.attrs = {
        "Conventions": "CF-1.10",
        "title": f"Sensitivity of a forecast of {sensitivity.target.channel} to its initial state",
        "source": f"gradient of {forecaster.name} by back-propagation",
        "history": stamped(command),
        "comment": "\n".join(lines(sensitivity)),
        "model_sha256": forecaster.sha256,
    }
    with atomic_path(path) as temporary:
        dataset.to_netcdf(temporary)


def _named(sensitivity: Sensitivity, layout: Layout) -> xr.Dataset:
    """All fields, in the file's names and order."""
    target, names = sensitivity.target, layout.dims
    unit, of = si_unit(target.channel), f"of {target.channel}, {target.area.text}"
    density = f"1e-12 {unit} m-2".replace("  ", " ")
    fields = {}
    for key, field in sensitivity.fields.items():
        own = layout.fields[str(key)]
        order = [d for d in own.dims if d in field.dims]
        kept = field.transpose(*order).astype(np.float32)
        fields[f"{own.name}_sensitivity"] = kept.assign_attrs(
            long_name=f"Sensitivity {of}, to {own.attributes.get('long_name', own.name)}, "
            "per standard deviation and million km2",
            units=density,
        )
    found = effects(sensitivity)
    space = [d for d in layout.fields[next(iter(layout.fields))].dims if d in ("lat", "lon")]
    for name, values, text, units in (
        ("total_effect", found.density, f"Size of the sensitivity {of}, sum over fields", density),
        ("target_weight", target.area.weights, "Weight of the cell in the target", "1"),
    ):  # fmt: skip
        grid = xr.DataArray(values.astype(np.float32), dims=("lat", "lon"))
        fields[name] = grid.transpose(*space).assign_attrs(long_name=text, units=units)
    dataset = xr.Dataset(fields).assign_coords(sensitivity.fields.coords)
    dataset = _ordered(dataset, layout).rename({d: names[d] for d in names if d in dataset.dims})
    dataset["forecast_value"] = xr.DataArray(
        sensitivity.value, attrs={"long_name": f"Forecast {of}", "units": unit or "1"}
    )
    hours = sensitivity.lead / HOUR
    lead = {"standard_name": "forecast_period", "long_name": "Lead time", "units": "hours"}
    return dataset.assign_coords(lead_time=xr.DataArray(hours, attrs=lead))


def _ordered(dataset: xr.Dataset, layout: Layout) -> xr.Dataset:
    """Coordinates as the file has them, in its order, with CF attributes."""
    levels = in_hectopascal(layout.level, layout.level_units)
    for role, own, matched in (
        ("lat", layout.lat, layout.lat),
        ("lon", layout.lon, layout.lon),
        ("level", layout.level, levels),
    ):
        if role not in dataset.dims:
            continue
        places = positions(matched, dataset[role].values.tolist(), role)
        kept = [number for number, place in enumerate(places) if place >= 0]
        values = np.array([own[number] for number in kept], layout.dtypes.get(role, "float64"))
        attributes = _SPACE[role] | ({"units": layout.level_units} if role == "level" else {})
        dataset = dataset.isel({role: places[kept]})
        dataset = dataset.assign_coords({role: (role, values, attributes)})
    hours = (dataset["time"].values - EPOCH) / HOUR
    dataset = dataset.assign_coords(time=("time", hours, _SPACE["time"]))
    for name in dataset.coords:
        dataset[name].encoding["_FillValue"] = None
    return dataset

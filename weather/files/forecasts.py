"""Reading forecast files: initial time, lead time, valid time."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from sciml.errors import InputError
from weather.grid import LatLonGrid
from weather.variables import canonical_name

DIMENSIONS = ("time", "lead_time", "level", "lat", "lon")
_ALIASES = {
    "init_time": "time",
    "forecast_reference_time": "time",
    "prediction_timedelta": "lead_time",
    "step": "lead_time",
    "latitude": "lat",
    "longitude": "lon",
}
_UNNAMED = {"time", "lead_time", "lat", "lon"}


def open_forecast(paths: Path | str | Sequence[Path | str]) -> xr.Dataset:
    """Open the forecasts of one model, lazily.

    Args:
        paths: NetCDF files, each of one or more initial times.

    Returns:
        Dimensions (time, lead_time, level, lat, lon), `time` being the initial time,
        ascending; latitude north to south, longitude and level ascending; coordinate
        `valid_time` (time, lead_time).

    Raises:
        InputError: a file that cannot be read or holds no forecasts, files of
            different grids or lead times, an initial time that comes twice.
    """
    files = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    parts = [_canonical(_open(file), file) for file in files]
    for part, file in zip(parts, files, strict=True):
        if not LatLonGrid.from_dataset(part).matches(LatLonGrid.from_dataset(parts[0])):
            raise InputError(f"{file} and {files[0]} have different grids: evaluate them apart")
        if not np.array_equal(part["lead_time"], parts[0]["lead_time"]):
            raise InputError(f"{file} and {files[0]} have different lead times")
    forecast = parts[0] if len(parts) == 1 else _concatenate(parts)
    initial = forecast["time"].values
    if len(np.unique(initial)) < len(initial):
        raise InputError("an initial time comes twice; give the files of one model only")
    forecast = forecast.sortby("time")
    return forecast.assign_coords(valid_time=forecast["time"] + forecast["lead_time"])


def holds_forecasts(source: Path | str) -> bool:
    """Whether a file has a dimension of lead times; False for what is not a local file."""
    if not Path(source).exists():
        return False
    engine = "zarr" if Path(source).is_dir() else None
    try:
        with xr.open_dataset(source, engine=engine, decode_timedelta=True) as dataset:
            dims = {_ALIASES.get(name, name) for name in map(str, dataset.dims)}
    except (OSError, ValueError, ImportError):
        return False  # `open_reanalysis` says what is wrong
    return "lead_time" in dims


def _concatenate(parts: list[xr.Dataset]) -> xr.Dataset:
    parts = [part.assign_coords(lat=parts[0]["lat"], lon=parts[0]["lon"]) for part in parts]
    return xr.concat(parts, "time", join="inner", data_vars="minimal", combine_attrs="override")


def _open(file: Path) -> xr.Dataset:
    if not file.exists():
        raise InputError(f"{file}: no such file")
    try:
        return xr.open_dataset(file, decode_timedelta=True)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {file} as NetCDF; give a forecast file") from error


def _canonical(dataset: xr.Dataset, file: Path) -> xr.Dataset:
    names: dict[Hashable, str] = {old: new for old, new in _ALIASES.items() if old in dataset.dims}
    names |= {name: canonical_name(str(name)) for name in dataset.data_vars}
    dataset = dataset.rename({old: new for old, new in names.items() if old != new})
    missing = sorted(_UNNAMED - set(dataset.dims))
    if missing:
        raise InputError(
            f"{file} holds no forecast: no dimension {', '.join(missing)}; expected a file "
            "of `weather forecast`"
        )
    fields = [name for name, field in dataset.data_vars.items() if _is_field(field)]
    dataset = dataset[fields].transpose(..., *DIMENSIONS, missing_dims="ignore")
    return dataset.sortby("lat", ascending=False).sortby(
        [name for name in ("level", "lon") if name in dataset.coords]
    )


def _is_field(field: xr.DataArray) -> bool:
    """A forecast, or a static field."""
    return set(field.dims) >= _UNNAMED or set(field.dims) == {"lat", "lon"}

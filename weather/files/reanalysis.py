"""From files of gridded analyses to a `State`, and from a `State` back to a data set."""

from collections.abc import Sequence
from pathlib import Path

import dask
import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciml.config import nearest
from sciml.errors import InputError
from weather.files.canonical import canonical
from weather.grid import LatLonGrid
from weather.state import State, seconds
from weather.variables import Variables, describe

LARGE = 256 * 2**20  # bytes on disk from which files are read piece by piece
PIECE = "8MiB"  # of a field, read at a time


def open_reanalysis(paths: Path | str | Sequence[Path | str]) -> xr.Dataset:
    """Open analyses as one canonical data set, lazily.

    Files may continue each other in time, hold different variables of the same times
    (only common times are kept), or hold static fields without time.

    Args:
        paths: NetCDF files or Zarr stores (GRIB with `cfgrib` installed).

    Returns:
        Dimensions (time, level, lat, lon), latitude north to south, longitude and
        level (hPa) ascending, ERA5 short names, SI units.

    Raises:
        InputError: a file that cannot be read or understood, repeated or unsorted
            times, different grids.
    """
    files = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    if not files:
        raise InputError("no data given; name at least one NetCDF file")
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise InputError(f"{', '.join(missing)}: no such file")
    chunks = {"time": "auto"} if sum(_bytes(file) for file in files) > LARGE else None
    parts = [canonical(_open(file, chunks), str(file)) for file in files]
    return _check_times(_merge(parts, files))


def to_state(dataset: xr.Dataset, variables: Variables) -> State:
    """Load fields of a canonical data set.

    Returns:
        A state of batch size one, float32, with all times of the data set.

    Raises:
        InputError: a variable or level that is not in the data set.
    """
    require(dataset, variables)
    grid = LatLonGrid.from_dataset(dataset)
    steps = dataset.sizes["time"]
    on_levels = dataset.sel(level=list(variables.levels)) if variables.levels else dataset
    return State(
        surface=_stack([dataset[n] for n in variables.surface], (steps, 0, *grid.shape)),
        upper=_stack(
            [on_levels[n] for n in variables.upper], (steps, 0, len(variables.levels), *grid.shape)
        ),
        time=seconds(dataset["time"].values)[None],
        variables=variables,
        grid=grid,
    )


def static_fields(dataset: xr.Dataset, variables: Variables) -> dict[str, torch.Tensor]:
    """The model's static fields, each (lat, lon) float32.

    Raises:
        InputError: a field that is not in the data set or changes with time.
    """
    _require_names(dataset, variables.static)
    fields = {}
    for name in variables.static:
        if dataset[name].dims != ("lat", "lon"):
            raise InputError(
                f"static {name} has dimensions {dataset[name].dims}; expected (lat, lon)"
            )
        fields[name] = torch.from_numpy(dataset[name].values.astype(np.float32))
    return fields


def state_to_dataset(
    state: State,
    initial: NDArray[np.datetime64],
    attributes: dict[str, dict[str, str]] | None = None,
) -> xr.Dataset:
    """A forecast as a data set that follows the CF conventions.

    Args:
        state: (batch, time, ...), one sample for each initial time.
        initial: (batch,) initial times.
        attributes: of variables that are not in the table.

    Returns:
        Dimensions (time, lead_time, level, latitude, longitude); `time` is the initial
        time, `valid_time` (time, lead_time) the sum of the two.
    """
    lead = state.datetimes()[0] - initial[0]
    names = state.variables
    fields: dict[str, tuple[tuple[str, ...], NDArray[np.float32]]] = {}
    axes = ("time", "lead_time", "latitude", "longitude")
    for number, name in enumerate(names.surface):
        fields[name] = (axes, state.surface[:, :, number].cpu().numpy())
    for number, name in enumerate(names.upper):
        values = state.upper[:, :, number].cpu().numpy()
        fields[name] = ((*axes[:2], "level", *axes[2:]), values)
    coordinates = forecast_coordinates(state.grid, names, initial, lead)
    dataset = xr.Dataset(fields, coordinates, {"Conventions": "CF-1.10"})
    for name in fields:
        dataset[name].attrs = field_attributes(name, attributes or {})
    return dataset


def forecast_coordinates(
    grid: LatLonGrid,
    variables: Variables,
    initial: NDArray[np.datetime64],
    lead: NDArray[np.timedelta64],
) -> dict[str, xr.Variable]:
    """Coordinates of a forecast file, with CF attributes."""

    def named(dims: str | tuple[str, ...], values: object, **attributes: str) -> xr.Variable:
        return xr.Variable(dims, values, attributes)

    valid = initial[:, None] + lead[None, :]
    coordinates = {
        "time": named("time", initial, standard_name="forecast_reference_time",
                      long_name="Initial time"),
        "lead_time": named("lead_time", lead, standard_name="forecast_period",
                           long_name="Lead time"),
        "valid_time": named(("time", "lead_time"), valid, standard_name="time",
                            long_name="Valid time"),
        "latitude": named("latitude", np.array(grid.lat), standard_name="latitude",
                          units="degrees_north", axis="Y"),
        "longitude": named("longitude", np.array(grid.lon), standard_name="longitude",
                           units="degrees_east", axis="X"),
    }  # fmt: skip
    if variables.levels:
        coordinates["level"] = named(
            "level", np.array(variables.levels), standard_name="air_pressure", units="hPa",
            positive="down", axis="Z",
        )  # fmt: skip
    return coordinates


def field_attributes(name: str, others: dict[str, dict[str, str]]) -> dict[str, str]:
    """CF attributes of a variable: the table's, or those it came with."""
    known = describe(name)
    return known.attributes if known else others.get(name, {})


def require(dataset: xr.Dataset, variables: Variables) -> None:
    """Check that a data set has the variables and levels that a model forecasts.

    Raises:
        InputError: names what is missing, the nearest name, and what there is.
    """
    _require_names(dataset, (*variables.surface, *variables.upper))
    for name in variables.surface:
        if "level" in dataset[name].dims:
            raise InputError(f"{name} lies on levels; list it under upper, not surface")
    for name in variables.upper:
        if "level" not in dataset[name].dims:
            raise InputError(f"{name} has no level; list it under surface, not upper")
    levels = dataset["level"].values.tolist() if "level" in dataset.coords else []
    absent = [f"{level:g}" for level in variables.levels if level not in levels]
    if absent:
        found = ", ".join(f"{level:g}" for level in levels) or "none"
        raise InputError(f"no level {', '.join(absent)} hPa in the data (there are {found})")


def _require_names(dataset: xr.Dataset, names: Sequence[str]) -> None:
    there = [str(name) for name in dataset.data_vars]
    for name in names:
        if name not in dataset:
            raise InputError(
                f"no variable {name!r} in the data{nearest(name, there)} "
                f"(there are {', '.join(there)})"
            )


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _open(path: Path, chunks: dict[str, str] | None) -> xr.Dataset:
    engine = "zarr" if path.is_dir() else None
    if path.suffix in (".grib", ".grib2", ".grb", ".grb2"):
        engine = "cfgrib"
    try:
        with dask.config.set({"array.chunk-size": PIECE}):
            return xr.open_dataset(path, engine=engine, chunks=chunks)
    except (OSError, ValueError, KeyError, ImportError) as error:
        if engine == "cfgrib":
            raise InputError(f"{path}: GRIB needs cfgrib: pip install cfgrib") from error
        raise InputError(f"cannot read {path} as NetCDF or Zarr: give analyses") from error


def _merge(parts: list[xr.Dataset], files: list[Path]) -> xr.Dataset:
    grids = [LatLonGrid.from_dataset(part) for part in parts]
    for grid, file in zip(grids, files, strict=True):
        if not grid.matches(grids[0]):
            raise InputError(
                f"{file} has {grid.describe()}; {files[0]} has {grids[0].describe()}: "
                "regrid to one grid"
            )
    parts = [part.assign_coords(lat=parts[0]["lat"], lon=parts[0]["lon"]) for part in parts]
    series: dict[tuple[str, ...], list[xr.Dataset]] = {}
    for part in parts:
        series.setdefault(tuple(sorted(map(str, part.data_vars))), []).append(part)
    return xr.merge(
        [_concatenate(group) for group in series.values()],
        join="inner",
        compat="override",
        combine_attrs="override",
    )


def _concatenate(parts: list[xr.Dataset]) -> xr.Dataset:
    if len(parts) == 1 or "time" not in parts[0].dims:
        return parts[0]
    parts = sorted(parts, key=lambda part: part["time"].values[0])
    return xr.concat(
        parts, "time", data_vars="minimal", coords="minimal", compat="override", join="inner"
    )


def _check_times(dataset: xr.Dataset) -> xr.Dataset:
    if "time" not in dataset.dims:
        return dataset
    times = dataset["time"].values
    if not len(times):
        raise InputError("the files have no time in common; give files of the same period")
    steps = np.diff(times)
    if (steps == np.timedelta64(0)).any():
        twice = times[1:][steps == np.timedelta64(0)][0]
        raise InputError(f"time {_show(twice)} comes twice; drop the repeated steps")
    if (steps < np.timedelta64(0)).any():
        back = times[1:][steps < np.timedelta64(0)][0]
        raise InputError(f"times do not ascend at {_show(back)}; sort them by time")
    return dataset


def _show(time: np.datetime64) -> str:
    return str(time.astype("datetime64[m]"))


def _stack(fields: list[xr.DataArray], empty: tuple[int, ...]) -> torch.Tensor:
    """(1, time, variable, ...) float32; a shape with no variable where there is none."""
    if not fields:
        return torch.zeros(1, *empty)
    values = [np.asarray(field.values, dtype=np.float32) for field in fields]
    return torch.from_numpy(np.stack(values, axis=1))[None]

"""From files of gridded analyses to a `State`, and from a `State` back to a data set."""

import re
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from sciml.config import nearest
from sciml.errors import InputError
from weather.files.canonical import canonical
from weather.files.chunks import LARGE, chunked, size
from weather.files.coordinates import by_level_axis
from weather.files.history import not_understood
from weather.files.humidity import with_specific_humidity
from weather.files.members import one_member
from weather.files.merge import merge, preferred
from weather.files.sources import Sources, expand, open_source, short_name
from weather.files.times import time_of
from weather.grid import LatLonGrid
from weather.state import State, seconds
from weather.variables import Variables, canonical_name, describe


def open_reanalysis(sources: Sources | xr.Dataset) -> xr.Dataset:
    """Open analyses as one canonical data set, lazily.

    Files may continue each other in time, hold different variables of the same times
    (only common times are kept; `history` tells of others) or different levels, or hold static
    fields without time.

    Args:
        sources: NetCDF, GRIB (with `cfgrib` installed) or Zarr, as paths, globs, fsspec
            URLs, or short names of public stores (`weather.files.stores.STORES`); or a data
            set as xarray opened or computed it.

    Returns:
        Dimensions (time, member, level, lat, lon), those that there are; latitude north
        to south, longitude and level (hPa) ascending, ERA5 short names, SI units. Its
        attributes are `layout`, how the files had it (`weather.files.layout.Layout`), and
        `history`, what was changed, in lines. Large files come in dask arrays.

    Raises:
        InputError: a source that cannot be reached, read or understood, a time with two
            values, different grids.
    """
    if isinstance(sources, xr.Dataset):
        return as_reanalysis([("the data set", [sources])])
    return as_reanalysis([(name, open_source(name)) for name in expand(sources)])


def as_reanalysis(sources: Sequence[tuple[str, list[xr.Dataset]]]) -> xr.Dataset:
    """Sources that are open already, as `open_reanalysis` gives them.

    Args:
        sources: names, and what `open_source` made of each.
    """
    opened = [(name, raw) for name, several in sources for raw in several]
    if size(raw for _, raw in opened) > LARGE:
        opened = [(name, chunked(raw, time_of(raw), always=False)) for name, raw in opened]
    parts: dict[str, list[xr.Dataset]] = {}
    for name, raw in opened:
        found = [canonical(part, short_name(name)) for part in by_level_axis(raw)]
        parts.setdefault(name, []).extend(found)
    files = [(name, part) for name, found in parts.items() for part in preferred(found)]
    names = [name for name, _ in files]
    return with_specific_humidity(merge([part for _, part in files], names))


def to_state(dataset: xr.Dataset, variables: Variables) -> State:
    """Load fields of a canonical data set.

    Returns:
        A state of batch size one, float32, with all times of the data set.

    Raises:
        InputError: a variable or level that is not in the data set; several members.
    """
    dataset = one_member(dataset)
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
    require_names(dataset, variables.static)
    fields = {}
    for name in variables.static:
        if dataset[name].dims != ("lat", "lon"):
            raise InputError(
                f"static {name} has dimensions {dataset[name].dims}; expected (lat, lon): if it "
                "is the same at all times, give it at one of them, else under another name"
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
    require_names(dataset, (*variables.surface, *variables.upper))
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


def require_names(dataset: xr.Dataset, names: Sequence[str]) -> None:
    """Check that a data set has some fields.

    Raises:
        InputError: names the first that is missing, the nearest name, and what there is.
    """
    there = [str(name) for name in dataset.data_vars]
    for name in names:
        if name not in dataset:
            found = not_understood(dataset).items()
            why = next(
                (f": {line}; {todo} first" for line, todo in found if _names(line, name)), ""
            )
            raise InputError(
                f"no variable {name!r} in the data{nearest(name, there)} "
                f"(there are {', '.join(there)}){why}"
            )


def _names(line: str, name: str) -> bool:
    """Whether a line of history names a field, by whatever alias."""
    return any(canonical_name(word) == name for word in re.findall(r"'([^']+)'", line))


def _stack(fields: list[xr.DataArray], empty: tuple[int, ...]) -> torch.Tensor:
    """(1, time, variable, ...) float32; a shape with no variable where there is none."""
    if not fields:
        return torch.zeros(1, *empty)
    values = [np.asarray(field.values, dtype=np.float32) for field in fields]
    return torch.from_numpy(np.stack(values, axis=1))[None]

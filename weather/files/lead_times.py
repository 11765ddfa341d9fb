"""Lead times of a forecast file, and the initial times that they are counted from."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.files.chunks import chunked
from weather.files.forecast_signs import INITIAL, LEADS, lead_hours, moving, plain
from weather.files.times import time_of, unreadable_lead

_INITIAL = (*INITIAL, "time")
_VALID = ("valid_time", "time")


def lead_times(parts: list[xr.Dataset]) -> NDArray[np.timedelta64]:
    """The lead times of a file, in order; none where it does not state them for all fields."""
    every = [_with_leads(part) for part in parts]
    names = [_find(part, "forecast_period", LEADS, "m") for part in every]
    found = [part[name].values.ravel() for part, name in zip(every, names, strict=True) if name]
    nothing = np.empty(0, "timedelta64[ns]")
    return np.unique(np.concatenate(found)) if found and all(names) else nothing


def deciding(files: Sequence[list[xr.Dataset]]) -> list[list[xr.Dataset]]:
    """Of each file the parts that tell whether they are forecasts.

    ERA5 has sums, extremes and other fields of GRIB type fc beside its analyses. Their lead
    times tell nothing where the analyses, of other fields, are not only where their runs begin.
    """
    late = [part for parts in files for part in parts if _is_late(part)]
    early = [[part for part in parts if not _is_late(part)] for parts in files]
    stated = [part for parts in early for part in parts if len(lead_times([part]))]
    analyses = [part[names] for part in stated if (names := moving(part))]
    return early if _accompany(late, analyses) else [*files]


def _is_late(part: xr.Dataset) -> bool:
    return bool((lead_times([part]) > 0).any())


def _accompany(others: list[xr.Dataset], analyses: list[xr.Dataset]) -> bool:
    """Whether fields are such as stand beside analyses."""
    typed = all(field.attrs.get("GRIB_dataType") == "an" for field in _fields(analyses))
    fits = all(
        field.attrs.get("GRIB_stepType", "instant") != "instant"
        or (typed and field.attrs.get("GRIB_dataType") == "fc")
        for field in _fields(others)
    )
    same = {field.name for field in _fields(analyses)} & {field.name for field in _fields(others)}
    return fits and not same and bool({*_initial_times(analyses)} - {*_initial_times(others)})


def _fields(parts: list[xr.Dataset]) -> list[xr.DataArray]:
    return [field for part in parts for field in part.data_vars.values()]


def _initial_times(parts: list[xr.Dataset]) -> list[np.datetime64]:
    found = [(part, _find(part, "forecast_reference_time", _INITIAL, "M")) for part in parts]
    return [time for part, key in found if key for time in part[key].values.ravel()]


def hours_since_initial(parts: list[xr.Dataset]) -> NDArray[np.float64]:
    """Lead times that initial times tell of a file on axes of valid times."""
    dated = [(part, time_of(part)) for part in parts]
    dated = [(p, axis) for p, axis in dated if axis in p.coords and p[axis].dtype.kind == "M"]
    initial = [_find(part, "forecast_reference_time", INITIAL, "M") for part, _ in dated]
    hours = [lead_hours(*pair, start) for pair, start in zip(dated, initial, strict=True)]
    return np.concatenate([np.empty(0), *hours])


def by_lead_time(dataset: xr.Dataset, file: Path) -> xr.Dataset:
    """Dimensions `time`, the initial time, and `lead_time`, wherever the file has them."""
    dataset = _with_leads(dataset)
    lead = _find(dataset, "forecast_period", LEADS, "m")
    initial = _find(dataset, "forecast_reference_time", _INITIAL, "M", besides=lead)
    if lead is None and (reason := unreadable_lead(dataset)):
        raise InputError(f"{file} holds no forecast: {reason}")
    if lead is None or initial is None:
        raise InputError(
            f"{file} holds no forecast: no {'lead' if lead is None else 'initial'} time; expected "
            "a file of `weather forecast`, or one of the CF conventions or WeatherBench 2"
        )
    dataset = dataset.set_coords([lead, initial])
    along = dataset[lead].dims
    if along and along != (lead,):  # its axis holds valid times
        dataset = dataset.swap_dims({along[0]: lead}).drop_vars([along[0]])
    several = dataset.sizes.get(initial, 1) > 1 or lead not in dataset.dims
    dataset = chunked(dataset, initial if several else lead)
    axes = [key for key in (lead, initial) if key in dataset.dims]
    single = [key for key in (initial, lead) if key not in dataset.dims]
    fields = {k: field for k, field in dataset.data_vars.items() if {*axes} <= {*field.dims}}
    expanded = {key: field.expand_dims(single) for key, field in fields.items()}
    dataset = dataset.drop_vars([*fields, *single]).assign(expanded)
    names = {lead: "lead_time", initial: "time"}
    return dataset.rename({own: name for own, name in names.items() if own != name})


def _with_leads(dataset: xr.Dataset) -> xr.Dataset:
    """A file of valid and initial times with the lead times that these tell, where it has none."""
    initial = _find(dataset, "forecast_reference_time", INITIAL, "M")
    if initial is None or _find(dataset, "forecast_period", LEADS, "m") is not None:
        return dataset
    if dataset[initial].size == 1 and dataset[initial].dims in ((), (initial,)):
        return _of_one_run(dataset.squeeze(dataset[initial].dims), initial)
    return _with_single_lead(dataset, initial)


def _of_one_run(dataset: xr.Dataset, initial: Hashable) -> xr.Dataset:
    """With lead times along the axis of valid times; unless these are too far away."""
    axis = time_of(dataset)
    valid = axis if axis in dataset.coords else _find(dataset, "time", _VALID, "M", initial)
    if valid is None or not lead_hours(dataset, valid, initial).size:
        return dataset
    leads = dataset[valid] - dataset[initial]
    if (leads < np.timedelta64(0)).any():
        return dataset
    named = dataset.assign_coords({"lead_time": (leads.dims, leads.values)})
    return named if leads.dims else named.drop_vars([valid])


def _with_single_lead(dataset: xr.Dataset, initial: Hashable) -> xr.Dataset:
    """Of valid times, each with its initial time, by initial and one lead time."""
    valid = next(iter(dataset[initial].dims), initial)
    if valid == initial or valid not in dataset.coords or dataset[valid].dtype.kind != "M":
        return dataset
    leads = np.unique(dataset[valid].values - dataset[initial].values)
    if len(leads) != 1:
        return dataset
    named = dataset.swap_dims({valid: initial}).drop_vars([valid])
    return named.assign_coords({"lead_time": leads[0]})


def _find(
    dataset: xr.Dataset,
    standard_name: str,
    names: Sequence[str],
    kind: str,
    besides: Hashable | None = None,
) -> Hashable | None:
    """A coordinate of times (kind `M`) or durations (`m`), by its standard name or its own."""
    found = [k for k in dataset.variables if dataset[k].dtype.kind == kind]
    found = [k for k in found if dataset[k].ndim < 2]
    named = [k for k in found if dataset[k].attrs.get("standard_name") == standard_name]
    named += [
        k
        for name in names
        for k in found
        if plain(k) == name and dataset[k].attrs.get("standard_name") != "time"
    ]
    return named[0] if named else None

"""Fields that hold what came together up to each time, such as ERA5's precipitation."""

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.dates import minute
from weather.files.chunks import in_globes
from weather.files.history import SUMS_OVER
from weather.files.layout import ATTRIBUTE, FieldLayout, Layout
from weather.files.units import plain_unit

HOURS = "accumulation_hours"  # attribute of a field: of how many hours it is, up to each time
RUNNING = (
    "{name} is a running total that begins anew once a day (as ERA5-Land's): take --every 24h, or "
    "its differences, or leave it out by --variables"
)
# ERA5's names (ECMWF, ERA5: data documentation, table 3), of the hour before each time
_WATER = ("cp", "e", "es", "lsp", "pev", "ro", "sf", "smlt", "sro", "tp")
_ENERGY = (
    "slhf", "ssr", "ssrc", "ssrd", "sshf", "str", "strc", "strd", "tisr", "tsr", "tsrc", "ttr",
    "ttrc",
)  # fmt: skip
_UNITS = dict.fromkeys(_WATER, ("m", "mm", "kg m-2")) | dict.fromkeys(_ENERGY, ("J m-2",))
_NAMES_HOURS = re.compile(r"(?:tp|.*_(?=\d+hr$))(\d+)(?:hr)?", re.IGNORECASE)
_LOOKED_AT = (26, 10 * 24)  # times, at least and at most
_READ = 64 * 2**20  # bytes, from which fewer are
_SPREAD = 64  # rows, and columns, of cells that are looked at
_ROUNDING = 1e-6  # of the largest value

Times = NDArray[np.datetime64]


def accumulated(dataset: xr.Dataset) -> list[str]:
    """Names of the fields that accumulate from time to time.

    By what their file states of them, by the hours in their name (`tp06`), or by ECMWF's names
    in a unit that fits.

    Args:
        dataset: canonical, with a time axis.
    """
    told = _told(dataset)
    return [
        str(name)
        for name, field in dataset.data_vars.items()
        if "time" in field.dims and _accumulates(str(name), field, told.get(str(name)))
    ]


def stated_hours(dataset: xr.Dataset) -> dict[str, float]:
    """Of how many hours fields are, up to each time, that say so: by an attribute or name."""
    told, found = _told(dataset), {}
    for name in accumulated(dataset):
        given = re.fullmatch(r"\d+(\.\d+)?", str(dataset[name].attrs.get(HOURS, "")))
        found[name] = float(given[0]) if given else _named_hours(dataset[name], told.get(name))
    return {name: hours for name, hours in found.items() if hours}


def known_hours(dataset: xr.Dataset) -> dict[str, float]:
    """Of how many hours fields are, as far as that is known.

    As stated; else of one, where the times are hourly, as ERA5's are.
    """
    stated = stated_hours(dataset)
    if dataset.sizes.get("time", 0) < 2 or np.median(_steps(dataset["time"].values)) != 3600:
        return stated
    return dict.fromkeys(accumulated(dataset), 1.0) | stated


def of_hours(
    dataset: xr.Dataset,
    wanted: Mapping[str, float],
    times: Times | None = None,
    torn: Literal["nan", "drop", "refuse"] = "nan",
) -> tuple[xr.Dataset, list[str]]:
    """Fields as sums over the hours that are wanted, lazily.

    Args:
        dataset: canonical.
        wanted: hours up to each time, by name. Fields that are not there, and those of unknown
            hours, are left as they are.
        times: to keep; default all.
        torn: what becomes of times whose hours are not all there.

    Returns:
        The data set, and what was summed, a line each.

    Raises:
        InputError: a field of more hours than are wanted, or of some that do not divide them;
            hours that are not there.
    """
    kept = dataset if times is None else dataset.sel(time=times)
    if not wanted:
        return kept, []
    ends, known, fields, lines = kept["time"].values, known_hours(dataset), {}, []
    complete = np.ones(len(ends), dtype=bool)
    for name, hours in wanted.items():
        own = known.get(name, hours)
        if own == hours:
            continue
        if hours % own:
            raise InputError(
                f"{name} is of the {own:g} h up to each time; expected of {hours:g} h: give data "
                "of these, or of hours that divide them"
            )
        numbers = whole(dataset["time"].values, ends, hours, own)
        there = numbers > 0
        if torn == "refuse" and not there.all():
            raise InputError(
                f"{name}: not all of the {hours:g} h up to {minute(ends[~there][0])}, to be "
                "summed, are in the data; give these times too"
            )
        complete &= there
        some = in_globes(dataset[[name]])[name]
        summed = total(some, ends[there], hours, numbers[there])
        fields[name] = summed.reindex(time=ends).assign_attrs({HOURS: f"{hours:g}"})
        lines.append(f"{name}{SUMS_OVER}{hours:g} h up to each time")
    result = kept.assign(fields)
    return (result.isel(time=np.flatnonzero(complete)) if torn == "drop" else result), lines


def require_increments(dataset: xr.Dataset, wanted: Mapping[str, float]) -> None:
    """Check that fields which are to be summed over more hours than one are no running totals.

    Raises:
        InputError: ERA5-Land's, of which the end of a day alone is a sum.
    """
    if not wanted:
        return
    stated = stated_hours(dataset)
    for name in accumulated(dataset):
        if name in wanted and name not in stated and is_running_total(dataset[name]):
            raise InputError(RUNNING.format(name=name))


def accumulation(hours: float | None) -> dict[str, str]:
    """Attributes of a field that accumulates over so many hours; none of another."""
    return {"cell_methods": "time: sum", HOURS: f"{hours:g}"} if hours else {}


def whole(times: Times, ends: Times, hours: float, own: float) -> NDArray[np.int64]:
    """(end,) how many values make up the hours up to each end; 0 where not all are there.

    Args:
        times: of the data, ascending.
        ends: some of them.
        hours: that are wanted, a multiple of `own`.
        own: hours of each value.
    """
    number = round(hours / own)
    there = [np.isin(ends - back * _duration(own), times) for back in range(number)]
    return np.where(np.all(there, axis=0), number, 0)


def total(
    field: xr.DataArray, ends: Times, hours: float, numbers: NDArray[np.int64]
) -> xr.DataArray:
    """Sums over the hours up to some times, of so many values at equal steps; lazily.

    Args:
        field: (time, ...), with all that is summed.
        ends: (end,) times.
        hours: up to each of them.
        numbers: (end,) values that make these up, at least one.
    """
    times, sums, order = field["time"].values, [], []
    for number in np.unique(numbers):
        places = np.flatnonzero(numbers == number)
        step = _duration(hours / number)
        back = [np.searchsorted(times, ends[places] - i * step) for i in range(number)]
        terms = [field.isel(time=rows).variable for rows in back]
        sums.append(sum(terms[1:], terms[0]))
        order.append(places)
    if not sums:
        return field.isel(time=[])
    joined = xr.Variable.concat(sums, "time") if len(sums) > 1 else sums[0]
    joined = joined.isel(time=np.argsort(np.concatenate(order)))
    return xr.DataArray(joined, {"time": ends}, attrs=field.attrs, name=field.name)


def is_running_total(field: xr.DataArray) -> bool:
    """Whether values of some days grow everywhere but at one hour of the day, as ERA5-Land's.

    Args:
        field: (time, lat, lon), of which the first 240 times are read, of large fields 26, and
            evenly spread cells held in memory.
    """
    least, most = _LOOKED_AT
    looked_at = min(max(least, _READ * field.sizes["time"] // max(1, field.nbytes)), most)
    steps = {axis: max(1, field.sizes[axis] // _SPREAD) for axis in ("lat", "lon")}
    some = field.isel({axis: slice(None, None, step) for axis, step in steps.items()})
    hours = field["time"].dt.hour.values[1:looked_at]
    values = some.isel(time=slice(looked_at)).values.reshape(len(hours) + 1, -1)
    change, least = np.diff(values, axis=0), _ROUNDING * np.nanmax(np.abs(values), initial=0)
    falls, rises = (set(hours[(sign * change > least).any(axis=1)]) for sign in (-1, 1))
    return len(falls) == 1 and len(rises - falls) > 1


def _told(dataset: xr.Dataset) -> dict[str, FieldLayout]:
    return Layout.of(dataset).fields if ATTRIBUTE in dataset.attrs else {}


def _accumulates(name: str, field: xr.DataArray, told: FieldLayout | None) -> bool:
    attributes = told.attributes if told else {}
    methods = str(attributes.get("cell_methods", field.attrs.get("cell_methods", "")))
    if "time: mean" in methods or "time: point" in methods:
        return False
    if "time: sum" in methods or attributes.get("GRIB_stepType") == "accum":
        return True
    if HOURS in field.attrs or _named_hours(field, told):
        return True
    return plain_unit(str(field.attrs.get("units", ""))) in _UNITS.get(name, ())


def _named_hours(field: xr.DataArray, told: FieldLayout | None) -> float:
    """As `tp06` and WeatherBench's `total_precipitation_6hr` have; else 0."""
    found = _NAMES_HOURS.fullmatch(told.name if told else str(field.name))
    unit = plain_unit(str(field.attrs.get("units", "")))
    return float(found[1]) if found and any(unit in units for units in _UNITS.values()) else 0.0


def _steps(times: Times) -> NDArray[np.int64]:
    """(time - 1,) seconds."""
    return np.diff(times).astype("timedelta64[s]").astype(np.int64)


def _duration(hours: float) -> np.timedelta64:
    return np.timedelta64(round(3600 * hours), "s")

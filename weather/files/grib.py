"""GRIB files of either edition, through cfgrib."""

import logging
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from sciml.errors import InputError
from weather.files.accumulations import HOURS
from weather.files.history import noted
from weather.files.times import THERE
from weather.variables import ON_LEVELS, canonical_name

_PRESSURE = ("isobaricInhPa", "isobaricInPa")
_SINGLE = (
    "surface", "meanSea", "heightAboveGround", "atmosphere", "entireAtmosphere",
    "atmosphereSingleLayer", "depthBelowLandLayer",
)  # fmt: skip
# A message belongs to the array of all messages that agree in these.
_SAME = (
    "typeOfLevel", "paramId", "dataType", "stepType", "stepUnits", "gridType", "numberOfPoints",
    "md5GridSection", "uvRelativeToGrid", "edition", "centre", "centreDescription", "subCentre",
    "expver",
)  # fmt: skip
_PLACE = ("level:float", "time", "step", "number")
_SPAN = "stepRange"  # hours that a sum or mean is of: `6-12`
_IN_HOURS = 1  # stepUnits


def open_grib(path: Path) -> list[xr.Dataset]:
    """Its fields, lazily, a data set for each choice of levels and times.

    Nothing is written beside the file. A message that holds several fields, such as u
    and v, gives all of them. Fields on pressure levels and single-level fields are
    taken; layers, tropopause and the like are left out, which the history of the first
    data set says. So are longer sums and means where a shorter one is up to the same time,
    as GFS has them since 6 h and in all, and means of a field that is there at each time.

    Raises:
        InputError: cfgrib is not installed, or the file holds no field for us.
    """
    cfgrib = _cfgrib(path)
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder, "{short_hash}.idx"))
        arrays = _arrays(cfgrib, path, index)
        usable = [array for array in arrays if _wanted(array)]
        wanted = [array for array in usable if not _there_at_once(array, usable)]
        if not wanted:
            raise InputError(f"{path} holds no field on pressure levels or near the ground")
        parts = [_open(path, index, group) for group in _groups(wanted)]
    lines = [f"{path.name}: {line}" for line in _left_out(arrays, usable, wanted)]
    return [noted(parts[0], *lines), *parts[1:]]


def _cfgrib(path: Path) -> Any:
    try:
        import cfgrib
    except (ImportError, RuntimeError) as error:  # RuntimeError: no ecCodes library
        raise InputError(
            f"{path} is GRIB; reading it needs cfgrib: pip install 'sciml-foundation[grib]'"
        ) from error
    logging.getLogger("cfgrib").setLevel(logging.CRITICAL)  # errors are raised, too
    return cfgrib


_Spans = dict[tuple[Any, ...], set[str]]  # by place


@dataclass(frozen=True)
class _Array:
    """Messages of one field.

    Attributes:
        name: cfgrib's.
        keys: `_SAME` and their values.
        places: (level, time, step, number) of every message.
        spans: `_SPAN` of the messages, those that are left out not among them.
        line: what was left out.
    """

    name: str
    keys: dict[str, Any]
    places: frozenset[tuple[Any, ...]]
    spans: tuple[str, ...]
    line: str


def _arrays(cfgrib: Any, path: Path, index: str) -> list[_Array]:
    stream = cfgrib.FileStream(str(path), errors="ignore")
    index_keys = cfgrib.compute_index_keys(filter_by_keys=dict.fromkeys((*_SAME, _SPAN)))
    messages = cfgrib.dataset.open_fileindex(stream, index, index_keys)
    where = {key: messages.index_keys.index(key) for key in (*_SAME, *_PLACE, _SPAN)}
    places: dict[tuple[Any, ...], _Spans] = {}
    for values, _ in messages.iter_index():
        key = tuple(values[where[key]] for key in _SAME)
        place = tuple(values[where[key]] for key in _PLACE)
        places.setdefault(key, {}).setdefault(place, set()).add(str(values[where[_SPAN]]))
    return [_array(messages, key, found) for key, found in places.items()]


def _array(messages: Any, same: tuple[Any, ...], found: _Spans) -> _Array:
    keys = dict(zip(_SAME, same, strict=True))
    first = messages.subindex(keys).first()
    name = next(n for n in (first["cfVarName"], first["shortName"]) if n != "undef")
    spans = _shortest(found)
    places = frozenset(place for place, several in found.items() if several & spans)
    left = set().union(*found.values()) - spans
    line = f"{name} read over {_listed(spans)} h, left out over {_listed(left)} h" if left else ""
    return _Array(name, keys, places, tuple(sorted(spans)), line)


def _shortest(found: _Spans) -> set[str]:
    """Of the spans up to each step the shortest, where a place has several; else all."""
    by_step: dict[Any, set[str]] = {}
    for (_, _, step, _), spans in found.items():
        by_step.setdefault(step, set()).update(spans)
    if all(len(spans) == 1 for spans in found.values()):
        return set().union(*by_step.values())
    return {min(spans, key=_hours) for spans in by_step.values()}


def _hours(span: str) -> int:
    first, *_, last = 2 * re.findall(r"\d+", span)
    return int(last) - int(first)


def _listed(spans: set[str]) -> str:
    return ", ".join(map(str, sorted({_hours(span) for span in spans})))


def _wanted(array: _Array) -> bool:
    kind = array.keys["typeOfLevel"]
    if kind in _PRESSURE:
        return True
    if kind not in _SINGLE or len({level for level, *_ in array.places}) > 1:
        return False
    if kind == "surface" and array.name in ("z", "t"):
        return True  # orography and skin temperature
    return array.name != "unknown" and canonical_name(array.name) not in ON_LEVELS


def _there_at_once(array: _Array, arrays: list[_Array]) -> bool:
    """Whether a mean or sum has the name of a field that is there at the same times."""
    return array.keys["stepType"] != "instant" and any(
        other.keys["stepType"] == "instant"
        and (other.name, other.keys["typeOfLevel"]) == (array.name, array.keys["typeOfLevel"])
        and other.places & array.places
        for other in arrays
    )


def _left_out(arrays: list[_Array], usable: list[_Array], wanted: list[_Array]) -> list[str]:
    number = len(arrays) - len(usable)
    lines = [f"left out {number} fields of layers and special surfaces"] if number else []
    lines += [array.line for array in wanted if array.line]
    means = [array for array in usable if array not in wanted]
    return lines + [
        f"left out {array.keys['stepType']} of {array.name}; it is there at each time"
        for array in means
    ]


def _groups(arrays: list[_Array]) -> list[list[_Array]]:
    """Arrays that differ in nothing but the field."""
    groups: dict[tuple[Any, ...], list[_Array]] = {}
    for array in arrays:
        others = tuple(value for key, value in array.keys.items() if key != "paramId")
        key: tuple[Any, ...] = (others, array.places, array.spans)
        while array.name in [other.name for other in groups.get(key, [])]:
            key = (*key, array.name)  # two kinds of one name: apart
        groups.setdefault(key, []).append(array)
    return list(groups.values())


def _open(path: Path, index: str, group: list[_Array]) -> xr.Dataset:
    keys = group[0].keys | {"paramId": [array.keys["paramId"] for array in group]}
    keys |= {_SPAN: [*group[0].spans]}
    options = {"indexpath": index, "filter_by_keys": keys, "errors": "ignore"}
    dataset = xr.open_dataset(path, engine="cfgrib", backend_kwargs=options, chunks=None)
    if group[0].keys["typeOfLevel"] == "surface" and "t" in dataset:
        dataset = dataset.rename(t="skt")
    dataset = dataset.drop_vars(_SINGLE, errors="ignore").drop_attrs(deep=False)
    dataset = _with_gaps(_with_hours(dataset, group[0]), group[0])
    release = group[0].keys["expver"]
    return dataset if release == "undef" else dataset.assign_coords(expver=release)


def _with_hours(dataset: xr.Dataset, array: _Array) -> xr.Dataset:
    """Sums with the hours that all of them are of."""
    hours, *others = {_hours(span) for span in array.spans}
    kind = array.keys["stepType"], array.keys["stepUnits"]
    if others or not hours or kind != ("accum", _IN_HOURS):
        return dataset
    told = {HOURS: str(hours)}
    return dataset.assign({name: f.assign_attrs(told) for name, f in dataset.data_vars.items()})


def _with_gaps(dataset: xr.Dataset, array: _Array) -> xr.Dataset:
    """With a note of which lead times each run has, where not all have the same."""
    pairs = {(time, step) for _, time, step, _ in array.places}
    times, steps = (sorted(set(values)) for values in zip(*pairs, strict=True))
    if len(pairs) == len(times) * len(steps):
        return dataset
    there = [[(time, step) in pairs for step in steps] for time in times]
    return dataset.assign_coords({THERE: (("time", "step"), there)})

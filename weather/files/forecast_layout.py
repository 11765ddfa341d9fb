"""How a forecast is laid out in a file: the user's own way, CF's, or WeatherBench 2's.

A forecast's layout is a `Layout` with one more dimension, `lead_time`. Where a forecast
from one initial time is asked for in the layout `input` or `cf`, there is no dimension
for the initial time, and the one of the lead time takes the place and the name of the
time axis and holds valid times: such a file looks like the analyses it came from, and
programs that know four dimensions (CDO) read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sciml.errors import InputError
from weather.files.accumulations import HOURS, accumulation
from weather.files.layout import FieldLayout, Layout
from weather.grid import LatLonGrid
from weather.variables import KNOWN, Variables, describe

LayoutName = Literal["cf", "wb2", "input"]
_CF = {
    "time": "forecast_reference_time", "lead_time": "lead_time", "member": "realization",
    "level": "level", "lat": "latitude", "lon": "longitude",
}  # fmt: skip
_WB2 = _CF | {"time": "time", "lead_time": "prediction_timedelta", "member": "number"}
_TOLERANCE = 1e-3  # degrees and hPa; coordinates are often stored in single precision
_ORDER = ("member", "time", "level", "lat", "lon")
_OF_THE_ANALYSES = (
    "actual_range", "valid_range", "valid_min", "valid_max", "missing_value", "_FillValue",
    "scale_factor", "add_offset", "coordinates", "grid_mapping", "cell_methods", "units",
    HOURS,
)  # attributes that need not hold for the forecast  # fmt: skip


@dataclass(frozen=True)
class Contents:
    """What a forecast file holds.

    Attributes:
        variables: of the model.
        grid: of the model.
        members: whether there is a dimension `member`.
        single: whether there is one initial time only.
        attributes: of variables that are not in the table.
        hours: of fields that accumulate, up to each time.
    """

    variables: Variables
    grid: LatLonGrid
    members: bool = False
    single: bool = False
    attributes: Mapping[str, Mapping[str, str]] | None = None
    hours: Mapping[str, float] = field(default_factory=dict)


def forecast_layout(name: LayoutName, contents: Contents, own: Layout | None) -> Layout:
    """The layout of a forecast.

    Args:
        name: `input` for that of the analyses.
        contents: what is to be written.
        own: layout of the analyses; needed for `input`.

    Returns:
        With the rows, columns and levels of the model in the order of the file.

    Raises:
        InputError: if the analyses' layout does not hold the model's grid and levels.
    """
    plain = _plain(name, contents)
    base = plain if name != "input" or own is None else own
    single = contents.single and name != "wb2"
    axis = base.dims.get("time", "time") if base is own else "time"
    dims = _CF | base.dims | {"time": plain.dims["time"], "lead_time": plain.dims["lead_time"]}
    if single:
        dims["lead_time"] = axis
    fields = {key: base.fields.get(key, field) for key, field in plain.fields.items()}
    wanted = ["time", *(["member"] if contents.members else [])]
    level = _kept(in_hectopascal(base.level, base.level_units), contents.variables.levels, "level")
    return Layout(
        dims=dims if not single else {k: v for k, v in dims.items() if k != "time"},
        lat=_required(base.lat, contents.grid.lat, "lat"),
        lon=_required(base.lon, contents.grid.lon, "lon"),
        level=plain.level if level is None else tuple(base.level[i] for i in level),
        level_units="hPa" if level is None else base.level_units,
        dtypes=base.dtypes,
        fields={
            key: field.model_copy(
                update={
                    "dims": _dims(field.dims, [*wanted, *plain.fields[key].dims], single),
                    "attributes": _still_true(field.attributes)
                    | accumulation(contents.hours.get(key)),
                }
            )
            for key, field in fields.items()
        },
    )


def analysis_layout(contents: Contents, own: Layout | None) -> Layout:
    """The layout of fields on another grid than that of the files they came from.

    Args:
        contents: what is to be written.
        own: of the files they came from; None takes CF's.

    Returns:
        As `own`, with the rows and columns of `contents` in the order and the range of
        longitudes that it has.
    """
    if own is not None:
        own = own.model_copy(update=_other_grid(own, contents.grid))
    layout = forecast_layout("input", replace(contents, single=False), own)
    dims = {role: name for role, name in layout.dims.items() if role != "lead_time"}
    dims["time"] = (own.dims if own else dims).get("time", "time")
    fields = {
        name: field.model_copy(update={"dims": tuple(d for d in field.dims if d != "lead_time")})
        for name, field in layout.fields.items()
    }
    return layout.model_copy(update={"dims": dims, "fields": fields})


def wb2_name(name: str) -> str:
    """WeatherBench 2's name of a field: the first alias in the table; others keep theirs."""
    return KNOWN[name].aliases[0] if name in KNOWN else name


def positions(file: Sequence[float], model: Sequence[float], role: str) -> NDArray[np.intp]:
    """Of each coordinate of a file, its place among the model's; -1 where it has none.

    Args:
        file: degrees, or hPa.
        model: likewise.
        role: `lat`, `lon` (which comes back every 360 degrees) or `level`.
    """
    if not len(file) or not len(model):
        return np.full(len(file), -1)
    apart = np.abs(np.subtract.outer(np.asarray(file, float), np.asarray(model, float)))
    if role == "lon":
        apart = np.minimum(apart % 360, -apart % 360)
    return np.where(apart.min(axis=1) < _TOLERANCE, apart.argmin(axis=1), -1)


def in_hectopascal(levels: Sequence[float], units: str) -> list[float]:
    """Levels of a file in the model's unit."""
    return [level / 100 if units == "Pa" else level for level in levels]


def _other_grid(own: Layout, grid: LatLonGrid) -> dict[str, tuple[float, ...]]:
    ascending = own.lat[0] < own.lat[-1]
    west = -180.0 if min(own.lon) < 0 else 0.0
    lon = sorted((value - west) % 360 + west for value in grid.lon)
    return {"lat": grid.lat[::-1] if ascending else grid.lat, "lon": tuple(lon)}


def _plain(name: LayoutName, contents: Contents) -> Layout:
    """CF's layout, or WeatherBench 2's."""
    variables, wb2 = contents.variables, name == "wb2"
    fields = {}
    for key in (*variables.surface, *variables.upper):
        known = describe(key)
        given = (contents.attributes or {}).get(key, {})
        attributes = dict(known.attributes if known else given)
        fields[key] = FieldLayout(
            name=wb2_name(key) if wb2 else key,
            dims=("lat", "lon") if key in variables.surface else ("level", "lat", "lon"),
            units=attributes.pop("units", None),
            attributes=attributes,
        )
    whole = all(float(level).is_integer() for level in variables.levels)
    return Layout(
        dims=_WB2 if wb2 else _CF,
        lat=contents.grid.lat,
        lon=contents.grid.lon,
        level=variables.levels,
        dtypes={"level": "int32"} if wb2 and whole else {},
        fields=fields,
    )


def _kept(file: Sequence[float], model: Sequence[float], role: str) -> list[int] | None:
    """Where in the file, in its order, the model's coordinates are; None if some are not."""
    place = positions(file, model, role)
    if set(range(len(model))) - set(place.tolist()):
        return None
    return np.flatnonzero(place >= 0).tolist()


def _required(file: Sequence[float], model: Sequence[float], role: str) -> tuple[float, ...]:
    kept = _kept(file, model, role)
    if kept is None:
        raise InputError(
            f"the data's files have {len(file)} values of {role}, not all of the model's "
            f"{len(model)} among them; choose --layout cf"
        )
    return tuple(file[i] for i in kept)


def _dims(own: tuple[str, ...], wanted: Sequence[str], single: bool) -> tuple[str, ...]:
    """A field's dimensions in the file's order, and `lead_time` after or in place of `time`."""
    order = [dim for dim in own if dim in wanted]
    for dim in wanted:
        if dim not in order:
            before = [d for d in order if _ORDER.index(d) > _ORDER.index(dim)]
            order.insert(min((order.index(d) for d in before), default=len(order)), dim)
    place = order.index("time")
    order[place : place + 1] = ["lead_time"] if single else ["time", "lead_time"]
    return tuple(order)


def _still_true(attributes: Mapping[str, str | float | int]) -> dict[str, str | float | int]:
    return {key: value for key, value in attributes.items() if key not in _OF_THE_ANALYSES}

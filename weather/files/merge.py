"""Files that belong together, as one data set: later times, more variables, more levels."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import xarray as xr

from sciml.errors import InputError
from weather.files.accumulations import HOURS
from weather.files.chunks import chunked
from weather.files.common_times import at_common_times, times_left_out
from weather.files.history import history, noted, with_earlier
from weather.files.layout import FieldLayout, Layout
from weather.files.members import by_member, spread_layout
from weather.files.releases import compared
from weather.files.sources import short_name
from weather.files.times import tidy_times
from weather.grid import LatLonGrid
from weather.variables import preference


def merge(parts: Sequence[xr.Dataset], names: Sequence[str]) -> xr.Dataset:
    """Join canonical data sets: common times, and all levels, NaN where a field has none.

    Times that not all fields have are left out, and files of no times; the history tells.

    Raises:
        InputError: different grids, no common times, one time with different values.
    """
    parts, names, told = _of_some_times(parts, names)
    layout, lines = _layouts(parts), [*told, *(line for part in parts for line in history(part))]
    short = [short_name(name) for name in names]
    lines += compared(parts, short)
    layout = spread_layout(layout, parts)
    dataset = by_member(_on_one_grid(parts, names), partial(_together, lines=lines, layout=layout))
    if dataset.sizes.get("time") == 0:
        if len(parts) == 1:
            raise InputError("the data holds no times; give a file of some")
        raise InputError("the files have no time in common; give files of the same period")
    if "time" in dataset.dims:
        lines += times_left_out(parts, short, dataset["time"].values)
    dataset = dataset.drop_attrs(deep=False)
    return layout.attach(with_earlier(noted(dataset, *lines), parts))


def _of_some_times(
    parts: Sequence[xr.Dataset], names: Sequence[str]
) -> tuple[list[xr.Dataset], list[str], list[str]]:
    """Parts and names without files of no times, but for their static fields; what to note."""
    empty = [short_name(n) for n, p in zip(names, parts, strict=True) if _is_empty(p)]
    if len(parts) == 1 or not empty:
        return [*parts], [*names], []
    if not any(part.sizes.get("time") for part in parts):
        raise InputError(f"{', '.join(empty)} hold no times; give files of some")
    still = [_static(part) if _is_empty(part) else part for part in parts]
    kept = [(part, name) for part, name in zip(still, names, strict=True) if part.data_vars]
    lines = [f"{name}: left out, it holds no times" for name in empty]
    return [part for part, _ in kept], [name for _, name in kept], lines


def _is_empty(part: xr.Dataset) -> bool:
    return part.sizes.get("time") == 0


def _static(part: xr.Dataset) -> xr.Dataset:
    static, layout = part.drop_dims("time"), Layout.of(part)
    fields = {name: field for name, field in layout.fields.items() if name in static}
    return layout.model_copy(update={"fields": fields}).attach(static)


def _together(parts: list[xr.Dataset], lines: list[str], layout: Layout) -> xr.Dataset:
    return parts[0] if len(parts) == 1 else _joined(parts, lines, layout)


def preferred(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Parts of one file, each field once where the file has it under several names."""
    names: dict[str, set[str]] = {}
    for part in parts:
        for name, field in Layout.of(part).fields.items():
            names.setdefault(name, set()).add(field.name)
    best = {name: min(keys, key=preference) for name, keys in names.items()}
    kept = []
    for part in parts:
        layout = Layout.of(part)
        less = {n: f.name for n, f in layout.fields.items() if f.name != best[n]}
        fields = {name: field for name, field in layout.fields.items() if name not in less}
        lines = [
            f"left out {key!r}; {name} is there as {best[name]!r}" for name, key in less.items()
        ]
        if fields:
            part = noted(part.drop_vars(list(less)), *lines)
            kept.append(layout.model_copy(update={"fields": fields}).attach(part))
    return kept


def shared_attributes(every: Sequence[dict[str, Any]], context: object) -> dict[str, Any]:
    """Those of the first, without hours of sums where others are not of as many."""
    differ = len({attributes.get(HOURS) for attributes in every}) > 1
    return {key: value for key, value in every[0].items() if key != HOURS or not differ}


def _layouts(parts: Sequence[xr.Dataset]) -> Layout:
    """One layout: the first file's, with everybody's fields and levels."""
    layouts = [Layout.of(part) for part in parts]
    first = next((layout for layout in layouts if "time" in layout.dims), layouts[0])
    deep = max(layouts, key=lambda layout: len(layout.level))
    alike = [layout for layout in layouts if layout.level_units == deep.level_units]
    levels = {level for layout in alike for level in layout.level}
    downwards = len(deep.level) > 1 and deep.level[0] > deep.level[-1]
    return first.model_copy(
        update={
            "dims": {k: v for layout in (*layouts, first) for k, v in layout.dims.items()},
            "level": tuple(sorted(levels, reverse=downwards)),
            "level_units": deep.level_units,
            "dtypes": deep.dtypes | first.dtypes,
            "fields": _fields(parts, layouts),
        }
    )


def _fields(parts: Sequence[xr.Dataset], layouts: Sequence[Layout]) -> dict[str, FieldLayout]:
    """Every field as the first file has it, with the levels it is on where not on all."""
    fields: dict[str, FieldLayout] = {}
    levels: dict[str, set[float]] = {}
    for part, layout in zip(parts, layouts, strict=True):
        for name, field in layout.fields.items():
            fields.setdefault(name, field)
            levels.setdefault(name, set()).update(_levels(part[name]))
    every = set().union(*levels.values())
    given = {name: tuple(sorted(found)) if found < every else () for name, found in levels.items()}
    return {n: field.model_copy(update={"level": given[n]}) for n, field in fields.items()}


def _levels(data: xr.Dataset | xr.DataArray) -> tuple[float, ...]:
    return tuple(data["level"].values.tolist()) if "level" in data.dims else ()


def _on_one_grid(parts: Sequence[xr.Dataset], names: Sequence[str]) -> list[xr.Dataset]:
    grids = [LatLonGrid.from_dataset(part) for part in parts]
    for grid, name in zip(grids, names, strict=True):
        if not grid.matches(grids[0]):
            raise InputError(
                f"{name} has {grid.describe()}; {names[0]} has {grids[0].describe()}: "
                "regrid to one grid"
            )
    first = parts[0]
    return [
        part.assign_coords(lat=first["lat"].variable, lon=first["lon"].variable) for part in parts
    ]


def _joined(parts: Sequence[xr.Dataset], lines: list[str], layout: Layout) -> xr.Dataset:
    groups: dict[tuple[object, ...], list[xr.Dataset]] = {}
    for part in parts:
        key = (tuple(sorted(map(str, part.data_vars))), _levels(part), "time" in part.dims)
        groups.setdefault(key, []).append(part)
    series = [_in_time(group, lines) for group in groups.values()]
    fields: dict[str, list[xr.Dataset]] = {}
    for group in series:
        for name in group.data_vars:
            fields.setdefault(str(name), []).append(group[[name]])
    shared = [name for name, found in fields.items() if len(found) > 1]
    wholes = [_without(group, shared) for group in series]
    wholes = [group for group in wholes if group.data_vars]
    wholes += [_of_one_field(fields[name], lines) for name in shared]
    wholes, told = at_common_times([layout.attach(whole) for whole in wholes])
    lines += told
    levels = sorted({level for whole in wholes for level in _levels(whole)})
    wholes = [w.reindex(level=levels) if _levels(w) not in ((), tuple(levels)) else w
              for w in wholes]  # fmt: skip
    return xr.merge(wholes, join="inner", compat="override", combine_attrs="override")


def _without(part: xr.Dataset, names: list[str]) -> xr.Dataset:
    """Without some fields, and without the axes that only they have."""
    rest = part.drop_vars(names, errors="ignore")
    used = {dim for field in rest.data_vars.values() for dim in field.dims}
    return rest.drop_dims([dim for dim in rest.dims if dim not in used])


def _of_one_field(parts: list[xr.Dataset], lines: list[str]) -> xr.Dataset:
    """One field out of several files: along time where its levels agree, or else along level."""
    by_level: dict[tuple[float, ...], list[xr.Dataset]] = {}
    for part in parts:
        by_level.setdefault(_levels(part), []).append(part)
    wholes = [_in_time(group, lines) for group in by_level.values()]
    if len(wholes) == 1:
        return wholes[0]
    (name,) = map(str, wholes[0].data_vars)
    levels = [level for whole in wholes for level in _levels(whole)]
    if () in by_level or len(set(levels)) < len(levels):
        raise InputError(
            f"{name} comes on different levels in several files; give files of the same levels, "
            "or of levels that do not overlap"
        )
    joined = xr.concat([chunked(w, "time") for w in wholes], "level", join="inner",
                       coords="minimal", compat="override")  # fmt: skip
    return joined.sortby("level")


def _in_time(parts: list[xr.Dataset], lines: list[str]) -> xr.Dataset:
    """Files that continue one another; of fields without time, the first."""
    if len(parts) == 1 or "time" not in parts[0].dims:
        return parts[0]
    parts = sorted(parts, key=lambda part: part["time"].values[0])
    joined = xr.concat(
        parts, "time", data_vars="minimal", coords="minimal", compat="override", join="inner",
        combine_attrs=shared_attributes,
    )  # fmt: skip
    joined, changed = tidy_times(joined, "the files together")
    lines += [line for line in changed if "dropped" in line]
    return joined

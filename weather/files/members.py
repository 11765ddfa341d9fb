"""Ensembles of one file per member: each file tells its member, and they become one data set."""

from collections.abc import Callable, Sequence

import pandas as pd
import xarray as xr

from sciml.errors import InputError
from weather.files.coordinates import DIMENSIONS
from weather.files.layout import ATTRIBUTE, Layout

_NAME = "name_in_file"


def with_member(part: xr.Dataset, read: xr.Dataset, own: str | None) -> xr.Dataset:
    """The data set with the only member of its file as a coordinate, where the file names one.

    Args:
        part: canonical.
        read: the file, its coordinates named canonically.
        own: the file's name of `member`.
    """
    if "member" in part.dims or "member" not in read.coords or read["member"].size != 1:
        return part
    member = read["member"].values.reshape(())
    return part.assign_coords(member=xr.Variable((), member, {_NAME: own or "member"}))


def spread(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """Parts of one file: a single member has a dimension too where others have the same field.

    So a control run is one of its ensemble. Fields without time stay as they are.
    """
    held: dict[object, set[object]] = {}
    for part in parts:
        for name in part.data_vars if "member" in part.coords else ():
            held.setdefault(name, set()).update(part["member"].values.ravel().tolist())
    several = {name for name, members in held.items() if len(members) > 1}
    return [_spread(part, several) if _is_sole(part) else part for part in parts]


def member_name(parts: Sequence[xr.Dataset]) -> str | None:
    """The files' name of `member` where they hold different ones; else None."""
    sole = [part["member"] for part in parts if _is_sole(part)]
    names = [str(member.attrs[_NAME]) for member in sole if _NAME in member.attrs]
    return names[0] if len({member.item() for member in sole}) > 1 else None


def by_member(
    parts: Sequence[xr.Dataset], join: Callable[[list[xr.Dataset]], xr.Dataset]
) -> xr.Dataset:
    """The files of each member joined, and these along `member`; files without one serve all.

    A file of several is taken apart where others have its fields for a single one: an ensemble
    beside its control run.

    Args:
        parts: canonical; those of one member name it (see `with_member`).
        join: how the files of one member become a data set.

    Raises:
        InputError: members of different variables, or without common times.
    """
    parts = _each_alone(parts)
    every = [part for part in parts if not _is_sole(part)]
    groups: dict[object, list[xr.Dataset]] = {}
    for part in parts:
        if _is_sole(part):
            groups.setdefault(part["member"].item(), []).append(part.drop_vars("member"))
    if member_name(parts) is None:
        return join([*(part for group in groups.values() for part in group), *every])
    members = {member: join([*group, *every]) for member, group in groups.items()}
    _require_alike(members)
    fixed = next(iter(members.values())).drop_dims("time", errors="ignore")
    moving = [whole.drop_vars(list(fixed.data_vars)) for whole in members.values()]
    index = pd.Index(list(members), name="member")
    joined = xr.concat(moving, index, join="inner", combine_attrs="override")
    return joined.merge(fixed).sortby("member").transpose(*DIMENSIONS, missing_dims="ignore")


def one_member(dataset: xr.Dataset) -> xr.Dataset:
    """Analyses without the dimension `member`, as those of one member are.

    Args:
        dataset: canonical.

    Raises:
        InputError: if there are several members.
    """
    if "member" not in dataset.dims:
        return dataset
    if dataset.sizes["member"] > 1:
        name = Layout.of(dataset).dims.get("member") if ATTRIBUTE in dataset.attrs else None
        name = name or "member"
        raise InputError(
            f"the analyses are an ensemble of {dataset.sizes['member']} members; expected a single "
            f"analysis of each time: choose one with .isel({name}=0), or their .mean({name!r})"
        )
    return dataset.squeeze("member", drop=True)


def spread_layout(layout: Layout, parts: Sequence[xr.Dataset]) -> Layout:
    """The layout with the dimension that several members need."""
    name = member_name(parts)
    return (
        layout
        if name is None
        else layout.model_copy(update={"dims": {**layout.dims, "member": name}})
    )


def _spread(part: xr.Dataset, names: set[object]) -> xr.Dataset:
    rest = part.drop_vars("member")
    ours = [name for name, f in part.data_vars.items() if name in names and "time" in f.dims]
    return rest.assign(rest[ours].expand_dims(member=[part["member"].item()]).data_vars)


def _each_alone(parts: Sequence[xr.Dataset]) -> list[xr.Dataset]:
    """With a part for each member of those whose fields others have for a single one."""
    alone = {name for part in parts if _is_sole(part) for name in _timed(part)}
    return [
        one
        for part in parts
        for one in (
            [part.isel(member=i) for i in range(part.sizes["member"])]
            if "member" in part.dims and alone & _timed(part)
            else [part]
        )
    ]


def _timed(part: xr.Dataset) -> set[object]:
    return {name for name, field in part.data_vars.items() if "time" in field.dims}


def _is_sole(part: xr.Dataset) -> bool:
    return "member" in part.coords and "member" not in part.dims


def _require_alike(members: dict[object, xr.Dataset]) -> None:
    first, *others = members
    for other in others:
        apart = sorted(map(str, set(members[first].data_vars) ^ set(members[other].data_vars)))
        if apart:
            raise InputError(
                f"members {first} and {other} differ: {', '.join(apart)} is in one alone; "
                "give all files of each member"
            )

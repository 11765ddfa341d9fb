"""Dask chunks that follow how a store lies on disk."""

import math
from collections.abc import Hashable, Iterable
from uuid import uuid4

import xarray as xr

LARGE = 256 * 2**20  # bytes from which fields are read piece by piece
_BLOCK = 8 * 2**20  # bytes up to which shorter pieces are joined
_WIDEST = 512 * 2**20  # bytes of a block that spans the whole space
_MOST_BLOCKS = 10_000_000  # of a data set; dask keeps a list of them for every field


def size(datasets: Iterable[xr.Dataset]) -> int:
    """Bytes of all fields in memory."""
    return sum(int(dataset.nbytes) for dataset in datasets)


def chunked(dataset: xr.Dataset, time: Hashable, always: bool = True) -> xr.Dataset:
    """The data set in dask arrays, cut along time as its store is.

    Short pieces are joined to some MiB; other dimensions are cut only where the
    store's pieces in time are so long that whole fields of them would not fit.

    Args:
        dataset: as opened, lazily indexed or in dask arrays already (left as they are).
        time: its time dimension.
        always: also where that makes so many blocks that dask would be slow; such a
            store stays lazily indexed: select from it, then chunk the selection.
    """
    fields = [field for field in dataset.data_vars.values() if field.chunks is None]
    if not fields:
        return dataset
    plan = _plan(fields, time)
    blocks = sum(
        math.prod(-(-field.sizes[d] // n) for d, n in plan.items() if d in field.dims)
        for field in fields
    )
    if blocks > _MOST_BLOCKS and not always:
        return dataset
    return dataset.chunk({d: n for d, n in plan.items() if d in dataset.dims}, token=uuid4().hex)


def computable(field: xr.DataArray, time: Hashable = "time") -> xr.DataArray:
    """The field, in dask arrays if it is so large that arithmetic must not read it whole."""
    if field.nbytes <= LARGE:
        return field
    return chunked(field.to_dataset(name="field"), time)["field"].rename(field.name)


def in_globes(dataset: xr.Dataset) -> xr.Dataset:
    """Dask arrays of whole globes; a field that is in no blocks yet is cut along time."""
    blocks = {}
    for name, field in dataset.data_vars.items():
        own = field.encoding.get("preferred_chunks", {}).get("time", 1)
        fit = max(1, _BLOCK * field.sizes["time"] // (field.nbytes * own)) * own
        length = {"time": fit} if field.chunks is None else {}
        blocks[name] = field.chunk({"lat": -1, "lon": -1} | length)
    return dataset.assign(blocks)


def _plan(fields: list[xr.DataArray], time: Hashable) -> dict[Hashable, int]:
    """Length of a block along every dimension that is cut."""
    series = [field for field in fields if time in field.dims]
    if not series:
        return {}
    own = max(_stored(field).get(time, 1) for field in series)
    step = max(field.nbytes // max(1, field.sizes[time]) for field in series) or 1
    if own * step > _WIDEST:
        return {d: n for field in series for d, n in _stored(field).items()}
    return {time: own * max(1, _BLOCK // (own * step))}


def _stored(field: xr.DataArray) -> dict[Hashable, int]:
    """Length of the store's own pieces along each dimension; empty where it has none."""
    pieces = field.encoding.get("preferred_chunks", {})
    return {d: n if isinstance(n, int) else max(n) for d, n in pieces.items()}

"""From a working store to the file that was asked for, which appears whole or not at all."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import zarr

from sciml.errors import InputError
from sciml.files import claim_path

NETCDF, ZARR = (".nc", ".nc4"), ".zarr"
_PACKED = {"compression": "zlib", "complevel": 1, "fill_value": np.nan}  # fields, not coordinates


def claim_output(path: Path) -> None:
    """Check that a forecast can be written there, before it is made.

    Raises:
        InputError: another suffix, a folder that is no Zarr store, or no permission.
    """
    if path.suffix not in (*NETCDF, ZARR):
        raise InputError(f"cannot write {path}: give a name that ends in .nc or .zarr")
    if path.suffix == ZARR and path.is_dir() and not _is_store(path):
        raise InputError(f"cannot write {path}: a folder that is no Zarr store is there")
    if path.suffix == ZARR and path.is_file():
        raise InputError(f"cannot write {path}: it is a file; give another name")
    claim_path(path, folder=path.suffix == ZARR)


def finish(store: Path, path: Path) -> None:
    """Turn a complete working store into the output.

    Args:
        store: is used up.
        path: `.zarr`, to which the store is renamed, or `.nc`, into which it is copied
            piece by piece and compressed.
    """
    if path.suffix == ZARR:
        zarr.consolidate_metadata(store, zarr_format=2)
        if path.exists():
            path.replace(store.with_name("replaced"))
        store.replace(path)
        return
    temporary = store.with_name(path.name)
    with netCDF4.Dataset(temporary, "w") as file:
        copy_to_netcdf(zarr.open_group(store, mode="r"), file)
    temporary.replace(path)


def copy_to_netcdf(group: zarr.Group, file: netCDF4.Dataset) -> None:
    """Copy a Zarr group of xarray's convention, one stored piece at a time."""
    file.setncatts(dict(group.attrs))
    for name, array in sorted(group.arrays(), key=lambda item: (item[1].ndim > 2, item[0])):
        attributes: dict[str, Any] = dict(array.attrs)
        dims = attributes.pop("_ARRAY_DIMENSIONS")
        for dim, size in zip(dims, array.shape, strict=True):
            if dim not in file.dimensions:
                file.createDimension(dim, size)
        packed: dict[str, Any] = _PACKED | {"chunksizes": array.chunks} if array.ndim > 2 else {}
        kind: Any = str if array.dtype.kind in "OUT" else array.dtype.str[1:]
        variable = file.createVariable(name, kind, dims, **packed)
        variable.setncatts({key: _plain(value) for key, value in attributes.items()})
        for piece in _pieces(array.shape, array.chunks):
            variable[piece] = array[piece]


def remove(folder: Path) -> None:
    """Remove the folder of a working store with all in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _pieces(
    shape: tuple[int, ...], chunks: tuple[int, ...]
) -> "itertools.product[tuple[slice, ...]]":
    steps = [
        [slice(first, min(first + length, size)) for first in range(0, size, length)]
        for size, length in zip(shape, chunks, strict=True)
    ]
    return itertools.product(*steps)


def _is_store(folder: Path) -> bool:
    return any((folder / name).exists() for name in (".zgroup", ".zmetadata", "zarr.json"))


def _plain(value: Any) -> Any:
    """Attributes without 64-bit integers, which older readers do not know."""
    return np.int32(value) if isinstance(value, int) and abs(value) < 2**31 else value

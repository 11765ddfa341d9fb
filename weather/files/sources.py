"""What a user names, opened: files, globs, folders, URLs and short names of public stores."""

import glob
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsspec
import xarray as xr

from sciml.config import nearest
from sciml.errors import InputError
from sciml.sources import is_remote, matching, reason, require_other, unreachable
from weather.files.archives import is_zip, unpacked
from weather.files.grib import open_grib
from weather.files.history import set_apart, simulated
from weather.files.layout import ATTRIBUTE
from weather.files.stores import STORES
from weather.files.time_units import decoding

Sources = str | Path | Sequence[str | Path]

_GRIB = (".grib", ".grib2", ".grb", ".grb2", ".gb", ".gb2")
_NETCDF = (".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".hdf5")
_ZARR = (".zgroup", ".zmetadata", "zarr.json")


def expand(sources: Sources) -> list[str]:
    """One name for each file or store; globs are sorted, archives of files unpacked.

    Raises:
        InputError: nothing given, a file that does not exist, a glob without a match,
            a short name that is not known.
    """
    given = [sources] if isinstance(sources, str | Path) else sources
    names = [name for source in given for name in _expand(str(source))]
    if not names:
        raise InputError("no data given; name a file, a folder or a URL of analyses")
    return [file for name in names for file in _files(name)]


def refuse_to_overwrite(sources: Sources, out: Path) -> None:
    """Raise an InputError if an output is one of the files or stores that are read."""
    require_other(expand(sources), out)


def _files(name: str) -> list[str]:
    path = Path(name)
    if is_remote(name) or not is_zip(path) or _holds_zarr(path):
        return [name]
    return unpacked(path, (*_NETCDF, *_GRIB))


def open_source(name: str) -> list[xr.Dataset]:
    """Open one file or store as it is, lazily; several data sets where arrays differ.

    Raises:
        InputError: it cannot be reached or read, or needs a package that is missing.
    """
    if name in STORES:
        return [_published(_zarr(STORES[name].address, name, dict(STORES[name].options)))]
    if is_remote(name):
        return _open_remote(name)
    return _open_local(Path(name))


def short_name(name: str) -> str:
    """The last part of a path or URL, for messages and metadata."""
    return name.rstrip("/").rsplit("/", 1)[-1] or name


def _expand(source: str) -> list[str]:
    if source in STORES:
        return [source]
    source = source.removeprefix("file://")
    if glob.has_magic(source) and not Path(source).exists():
        return matching(source)
    path = Path(source).expanduser()
    if is_remote(source) or path.exists():
        return [source if is_remote(source) else str(path)]
    if "/" not in source and not path.suffix:
        raise InputError(
            f"{source}: no such file, and no public store of that name"
            f"{nearest(source, STORES)} (stores: {', '.join(STORES)})"
        )
    raise InputError(f"{source}: no such file")


def _open_remote(name: str) -> list[xr.Dataset]:
    suffix = Path(name.partition("?")[0]).suffix.lower()
    if suffix not in (*_GRIB, *_NETCDF):
        return [_published(_zarr(name, name, None))]
    try:
        if suffix in _GRIB:
            return open_grib(Path(fsspec.open_local(f"simplecache::{name}")))
        file = fsspec.open(name, "rb").open()
        if file.read(4) == b"\x89HDF":
            return [_decoded(file, "h5netcdf")]
        return [_decoded(fsspec.open_local(f"simplecache::{name}"), None)]
    except InputError:
        raise
    except Exception as error:  # every file system raises errors of its own
        raise unreachable(name, error) from error


def _open_local(path: Path) -> list[xr.Dataset]:
    if path.is_dir():
        if not any((path / entry).exists() for entry in _ZARR):
            raise InputError(f"{path} is no Zarr store; name the files in it: '{path}/*.nc'")
        return [_published(_zarr(str(path), str(path), None))]
    if is_grib(path):
        return _open_grib(path)
    if is_zip(path):
        from zarr.storage import ZipStore

        return [_zarr(ZipStore(path, mode="r"), str(path), None)]
    try:
        return [_decoded(path, None)]
    except InputError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise InputError(f"cannot read {path} as NetCDF, GRIB or Zarr: give analyses") from error


def is_grib(path: Path) -> bool:
    """Whether a file is GRIB by its first bytes or its name."""
    with path.open("rb") as file:
        return file.read(4) == b"GRIB" or path.suffix.lower() in _GRIB


def _open_grib(path: Path) -> list[xr.Dataset]:
    try:
        return open_grib(path)
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"cannot read {path} as GRIB: {reason(error)}") from error


def _holds_zarr(path: Path) -> bool:
    return any(Path(name).name in _ZARR for name in zipfile.ZipFile(path).namelist())


def _zarr(store: Any, name: str, options: dict[str, str] | None) -> xr.Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # consolidated metadata or not: both are fine
            return _decoded(store, "zarr", storage_options=options)
    except InputError:
        raise
    except Exception as error:  # every file system raises errors of its own
        if isinstance(store, str) and is_remote(store):
            raise unreachable(name, error) from error
        raise InputError(f"cannot read {name} as Zarr: {reason(error)}") from error


def _decoded(file: Any, engine: Any, **options: Any) -> xr.Dataset:
    with decoding(short_name(str(file))):
        dataset = xr.open_dataset(
            file, engine=engine, chunks=None, decode_timedelta=False, **options
        )
    if ATTRIBUTE not in dataset.attrs and not simulated(dataset):
        return set_apart(dataset)  # of other programs; what we wrote is kept
    return dataset


def _published(dataset: xr.Dataset) -> xr.Dataset:
    """Without the times that a growing store has room for but no data yet."""
    ends = [dataset.attrs.get(f"valid_time_{end}") for end in ("start", "stop")]
    if None in ends or "time" not in dataset.indexes:
        return dataset
    return dataset.sel(time=slice(*map(str, ends)))

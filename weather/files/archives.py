"""Zip archives of files, as the Climate Data Store sends them: unpacked while the program runs."""

import atexit
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from sciml.errors import InputError


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive, whatever its name."""
    return path.is_file() and zipfile.is_zipfile(path)


def unpacked(path: Path, suffixes: tuple[str, ...]) -> list[str]:
    """The files of an archive in a temporary folder, sorted; it goes when the program ends.

    Args:
        path: a zip archive.
        suffixes: of the files to take.

    Raises:
        InputError: no such file in it, a damaged archive, or no room to unpack it.
    """
    return list(_unpacked(path.resolve(), path.stat().st_mtime_ns, suffixes))


@cache
def _unpacked(path: Path, _changed: int, suffixes: tuple[str, ...]) -> tuple[str, ...]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.lower().endswith(suffixes))
        if not names:
            raise InputError(f"{path} is a zip archive without NetCDF or GRIB files")
        folder = tempfile.TemporaryDirectory(prefix="weather-")
        atexit.register(folder.cleanup)
        try:
            return tuple(archive.extract(name, folder.name) for name in names)
        except (OSError, zipfile.BadZipFile, RuntimeError) as error:
            raise InputError(f"cannot unpack {path} into {folder.name}: {error}") from error

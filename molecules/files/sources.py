"""What a user names, opened: a file, a glob, a URL, standard input."""

import glob
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from sciml.errors import InputError
from sciml.sources import is_remote, matching, require_other, unreachable

STANDARD_INPUT = "-"
DEMO = "demo"


def expand(source: Path | str) -> list[str]:
    """One name for each file; those of a glob are sorted.

    Args:
        source: a path, a glob (`parts/*.csv.gz`), a URL that fsspec knows (`https://`,
            `s3://`, ...), or "-" for standard input.

    Raises:
        InputError: a glob without a match, or a place that cannot be listed.
    """
    name = str(source)
    if name == STANDARD_INPUT or not glob.has_magic(name) or _is_file(name):
        return [name]
    if name.startswith(("http://", "https://")):
        return [name]  # "?" begins a query there
    return matching(name)


def lasting(source: Path | str) -> str:
    """The name under which a source is found from every folder; as it is if it is no path."""
    name = str(source)
    is_path = name not in (STANDARD_INPUT, DEMO) and not is_remote(name)
    return str(Path(name).absolute()) if is_path else name


def require_there(source: Path | str) -> None:
    """Raise an InputError if a file is not there, or nothing matches a glob; URLs are not asked."""
    for name in expand(source):
        if name not in (STANDARD_INPUT, DEMO) and not is_remote(name) and not Path(name).exists():
            raise InputError(f"{name} is not there")


def refuse_to_overwrite(source: Path | str, out: Path) -> None:
    """Raise an InputError if an output is an input, or one of the files of a glob."""
    names = (name for name in expand(source) if name != STANDARD_INPUT)
    require_other(names, out)


def refuse_options(names: Iterable[str]) -> None:
    """Raise an InputError for an option that came where files stand: its name is misspelt.

    Commands of several tables take whatever stands between their options, also "-".
    """
    for name in names:
        if name.startswith("-") and name != STANDARD_INPUT:
            raise InputError(f"there is no option {name} here; --help lists those there are")


def open_binary(name: Path | str) -> BinaryIO:
    """Open a file to read bytes and to seek.

    Standard input and remote files are copied to disk first, since choosing a format
    needs to look twice.

    Raises:
        InputError: missing, a folder, not to be reached.
    """
    if str(name) == STANDARD_INPUT:
        return _on_disk(sys.stdin.buffer)
    if is_remote(str(name)):
        return _fetched(str(name))
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error


def _is_file(name: str) -> bool:
    return not is_remote(name) and Path(name).is_file()


def _fetched(url: str) -> BinaryIO:
    try:
        with fsspec.open(url, "rb") as file:
            return _on_disk(cast(BinaryIO, file))
    except Exception as error:  # every file system raises errors of its own
        raise unreachable(url, error) from error


def _on_disk(stream: BinaryIO) -> BinaryIO:
    """A copy that can be read twice and vanishes when it is closed."""
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (the caller closes it)
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy

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
    found = _matching(name)
    if not found:
        raise InputError(f"{name} matches nothing; check the folder and the pattern")
    return found


def lasting(source: Path | str) -> str:
    """The name under which a source is found from every folder; as it is if it is no path."""
    name = str(source)
    is_path = name not in (STANDARD_INPUT, DEMO) and not _remote(name)
    return str(Path(name).absolute()) if is_path else name


def require_there(source: Path | str) -> None:
    """Raise an InputError if a file is not there, or nothing matches a glob; URLs are not asked."""
    for name in expand(source):
        if name not in (STANDARD_INPUT, DEMO) and not _remote(name) and not Path(name).exists():
            raise InputError(f"{name} is not there")


def refuse_to_overwrite(source: Path | str, out: Path) -> None:
    """Raise an InputError if an output is an input, or one of the files of a glob."""
    names = (name for name in expand(source) if name != STANDARD_INPUT)
    if any(Path(name).resolve() == out.resolve() for name in names):
        raise InputError(f"{out} is an input; choose another output file")


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
    if _remote(str(name)):
        return _fetched(str(name))
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error


def _is_file(name: str) -> bool:
    return not _remote(name) and Path(name).is_file()


def _remote(name: str) -> bool:
    return "://" in name


def _matching(pattern: str) -> list[str]:
    try:
        files, path = fsspec.url_to_fs(pattern)
        found = sorted(files.glob(path))
    except Exception as error:  # every file system raises errors of its own
        raise _unreachable(pattern, error) from error
    return [files.unstrip_protocol(name) for name in found] if _remote(pattern) else found


def _fetched(url: str) -> BinaryIO:
    try:
        with fsspec.open(url, "rb") as file:
            return _on_disk(cast(BinaryIO, file))
    except Exception as error:  # every file system raises errors of its own
        raise _unreachable(url, error) from error


def _on_disk(stream: BinaryIO) -> BinaryIO:
    """A copy that can be read twice and vanishes when it is closed."""
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 (the caller closes it)
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _unreachable(name: str, error: Exception) -> InputError:
    reason = f"{type(error).__name__} {' '.join(str(error).split())[:200]}".strip()
    if isinstance(error, ImportError):
        return InputError(f"{name} needs: pip install 'sciml-foundation[cloud]' ({reason})")
    return InputError(f"cannot read {name}: {reason}; check the address and the network")

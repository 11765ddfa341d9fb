"""What a user names as input: globs, URLs, and what to say where they cannot be reached."""

from collections.abc import Iterable
from pathlib import Path

import fsspec

from sciml.errors import InputError


def is_remote(name: str) -> bool:
    """Whether it is a URL that fsspec is to open."""
    return "://" in name


def matching(pattern: str) -> list[str]:
    """The files and folders of a glob, here or at a URL; sorted.

    Raises:
        InputError: nothing matches, or the place cannot be listed.
    """
    try:
        files, path = fsspec.url_to_fs(pattern)
        found = sorted(str(name) for name in files.glob(path))
    except Exception as error:  # every file system raises errors of its own
        raise unreachable(pattern, error) from error
    if not found:
        raise InputError(f"{pattern} matches nothing; check the folder and the pattern")
    return [files.unstrip_protocol(name) for name in found] if is_remote(pattern) else found


def require_other(names: Iterable[str], out: Path) -> None:
    """Raise an InputError if an output is one of the files or stores that are read."""
    if any(not is_remote(name) and Path(name).resolve() == out.resolve() for name in names):
        raise InputError(f"{out} is an input; choose another output")


def unreachable(name: str, error: Exception) -> InputError:
    """What to tell a user whose file or URL could not be opened."""
    if isinstance(error, ImportError):
        return InputError(
            f"{name} needs a further package: pip install 'sciml-foundation[cloud]' "
            f"({reason(error)})"
        )
    return InputError(f"cannot read {name}: {reason(error)}; check the address and the network")


def reason(error: Exception) -> str:
    """Kind and beginning of an error of another library, in one line."""
    return f"{type(error).__name__} {' '.join(str(error).split())[:200]}".strip()

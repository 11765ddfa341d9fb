"""Output files appear whole or not at all."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sciml.errors import InputError

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` if the block succeeds.

    The temporary name keeps the suffix, since writers choose a format by it.
    Missing parent folders are made. On an exception the temporary file is removed
    and an existing `path` is left as it was.

    Raises:
        InputError: if the folder cannot be made or written to, or there is no room.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    claim_path(path)
    try:
        try:
            yield temporary
        except OSError as error:
            if temporary.name not in str(error) and error.errno not in _FULL:
                raise
            raise _unwritable(path, error) from error
        if temporary.is_file():
            temporary.chmod(0o666 & ~_umask())  # some writers make private files
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file, in UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def claim_path(path: Path, folder: bool = False) -> None:
    """Make the parent folders of an output and check that it can be written.

    Args:
        path: the output.
        folder: whether it may be a folder that is there.

    Raises:
        InputError: if the folder cannot be made or written to.
    """
    if path.is_dir() and not folder:
        raise InputError(f"cannot write {path}: it is a folder; give a file name")
    try:
        _try(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def require_writable(path: Path, folder: bool = False) -> None:
    """Check that an output can be written, long before it is made; leaves nothing behind.

    Args:
        path: the output.
        folder: whether it is a folder of files.

    Raises:
        InputError: if it cannot, or what is there is of the other kind.
    """
    if path.exists() and path.is_dir() != folder:
        there, wanted = ("a file", "a folder") if folder else ("a folder", "a file name")
        raise InputError(f"cannot write {path}: it is {there}; give {wanted}")
    place = path if folder else path.parent
    missing = [parent for parent in (place, *place.parents) if not parent.exists()]
    try:
        _try(place)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()


def require_suffix(path: Path, *suffixes: str) -> None:
    """Check an output's name, before the output is made.

    Raises:
        InputError: it ends otherwise.
    """
    if path.suffix not in suffixes:
        raise InputError(f"cannot write {path}: give a name that ends in {' or '.join(suffixes)}")


@contextmanager
def only_writer(path: Path, option: str = "--out") -> Iterator[None]:
    """Keep other processes from writing an output that takes long to make.

    The lock is a file beside the output; it ends with the process, however that ends.

    Args:
        path: the output.
        option: that names it, for the message.

    Raises:
        InputError: if another process is writing it, or it cannot be written there.
    """
    claim_path(path, folder=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
        while not Path(lock.lock_file).exists():  # its last holder took it away just now
            lock.release()
            lock.acquire()
    except Timeout:
        raise InputError(
            f"another process is writing {path}; wait for it or give another {option}"
        ) from None
    try:
        yield
    finally:
        with suppress(PermissionError):  # Windows: goes when it is released
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _try(folder: Path) -> None:
    """Make a folder and a file in it, which goes again: permissions alone do not tell."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".{secrets.token_hex(8)}"
    probe.touch(exist_ok=False)
    probe.unlink()


def _unwritable(path: Path, error: OSError) -> InputError:
    match error:
        case FileNotFoundError():  # as in /proc
            reason = "no files can be made there; choose another folder"
        case FileExistsError() | NotADirectoryError():
            reason = "a file is in the place of its folder; choose another"
        case _ if error.errno in _FULL:
            reason = f"{error.strerror}, and no part of it is kept; make room and start again"
        case _:
            reason = f"{error.strerror or error}; choose another folder"
    return InputError(f"cannot write {path}: {reason}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

"""Output files appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sciml.errors import InputError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` if the block succeeds.

    The temporary name keeps the suffix, since writers choose a format by it.
    Missing parent folders are made. On an exception the temporary file is removed
    and an existing `path` is left as it was.

    Raises:
        InputError: if the folder cannot be made or written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    claim_path(path)
    try:
        yield temporary
        if temporary.is_file():
            temporary.chmod(0o666 & ~_umask())  # some writers make private files
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def claim_path(path: Path, folder: bool = False) -> None:
    """Make the parent folders of an output and check that it can be written.

    Args:
        path: the output.
        folder: whether it may be a folder that is there.

    Raises:
        InputError: if the folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another folder") from error
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"cannot write {path}: no permission; choose another folder")
    if path.is_dir() and not folder:
        raise InputError(f"cannot write {path}: it is a folder; give a file name")


def require_suffix(path: Path, *suffixes: str) -> None:
    """Check an output's name, before the output is made.

    Raises:
        InputError: it ends otherwise.
    """
    if path.suffix not in suffixes:
        raise InputError(f"cannot write {path}: give a name that ends in {' or '.join(suffixes)}")


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep other processes from writing an output that takes long to make.

    The lock is a file beside the output; it ends with the process, however that ends.

    Raises:
        InputError: if another process is writing it, or it cannot be written there.
    """
    claim_path(path, folder=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"another process is writing {path}; wait for it or give another --out"
        ) from None
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

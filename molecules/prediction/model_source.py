"""A model file as workers know it: loaded once in each process, and the same in all."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.predictor import PropertyPredictor


@dataclass(frozen=True)
class ModelSource:
    """Where a model is, and a hash of what it holds.

    Attributes:
        path: of the file; on a cluster, every worker must find it there.
        digest: SHA-256 of its content.
    """

    path: str
    digest: str

    @classmethod
    def of(cls, path: Path | str) -> Self:
        """Look at a file.

        Raises:
            InputError: it cannot be read.
        """
        return cls(str(Path(path).absolute()), _digest(path))

    def load(self) -> "PropertyPredictor":
        """The model; the second call in a process costs nothing.

        Raises:
            InputError: no such file, no property model, or another one than `of` saw.
        """
        return _load(self)


@lru_cache(maxsize=2)
def _load(source: ModelSource) -> "PropertyPredictor":
    from molecules.prediction.predictor import PropertyPredictor

    if _digest(source.path) != source.digest:
        raise InputError(f"{source.path} is not the model that the job began with")
    return PropertyPredictor.load(source.path)


def _digest(path: Path | str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error

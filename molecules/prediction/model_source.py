"""A model file as workers know it: loaded once in each process, and the same in all.

Several processes may share one GPU: each reads molecules on a core of its own, which takes
longer than the network does, and has its own copy of the weights on the GPU.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from molecules.prediction.parallel import cores
from sciml.errors import InputError

if TYPE_CHECKING:
    from molecules.prediction.predictor import PropertyPredictor


Device = Literal["cpu", "cuda", "auto"]
GPU_PROCESSES = 4  # at most, unless a number is given: each takes memory on the GPU


@dataclass(frozen=True)
class ModelSource:
    """Where a model is, and a hash of what it holds.

    Attributes:
        path: of the file; on a cluster, every worker must find it there.
        digest: SHA-256 of its content.
        device: where it computes.
    """

    path: str
    digest: str
    device: Literal["cpu", "cuda"] = "cpu"

    @classmethod
    def of(cls, path: Path | str, device: Device = "cpu") -> Self:
        """Look at a file.

        Args:
            path: of the file.
            device: `auto` is the GPU if there is one.

        Raises:
            InputError: it cannot be read, or there is no GPU.
        """
        return cls(str(Path(path).absolute()), _digest(path), _found(device))

    def processes(self, number: int | None) -> int | None:
        """How many processes to start: as asked for, else one per core, few on a GPU."""
        if number is not None or self.device == "cpu":
            return number
        return min(cores(), GPU_PROCESSES)

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
    return PropertyPredictor.load(source.path, source.device)


def _found(device: Device) -> Literal["cpu", "cuda"]:
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError("--device is cuda, and torch finds no GPU here; expected cpu or auto")
    return "cpu"


def _digest(path: Path | str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error

"""Model files as workers know them: loaded once in each process, and the same in all.

Several processes may share one GPU: each reads molecules on a core of its own, which takes
longer than the network does, and has its own copy of the weights on the GPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest, sha256
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, cast

from molecules.choices import Device, Precision
from molecules.files.sources import refuse_options
from sciml.cli import note
from sciml.errors import InputError
from sciml.processes import cores

if TYPE_CHECKING:
    from molecules.prediction.embedder import Embedder
    from molecules.prediction.ensemble import AnyPredictor
    from molecules.prediction.predictor import PropertyPredictor


GPU_PROCESSES = 4  # at most, unless a number is given: each takes memory on the GPU


@dataclass(frozen=True)
class ModelSource:
    """Where a model is, and a hash of what it holds.

    Attributes:
        paths: of its files, more than one for an ensemble; on a cluster, every worker must
            find them there.
        digest: SHA-256 of the file's content, or of the digests of several.
        device: where it computes.
        precision: of the networks' encoders; everything else is float32 or better.
    """

    paths: tuple[str, ...]
    digest: str
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Precision = "float32"

    @classmethod
    def of(
        cls,
        models: Path | str | Sequence[Path | str],
        device: Device = "cpu",
        precision: Precision = "float32",
    ) -> Self:
        """Look at a file, or several.

        Args:
            models: files that `train` wrote.
            device: `auto` is the GPU if there is one.
            precision: bfloat16 takes half the time where the processor has it, and changes a
                prediction by some thousandths of the spread of predictions.

        Raises:
            InputError: one cannot be read, or there is no GPU.
        """
        files = [models] if isinstance(models, Path | str) else models
        paths = tuple(str(Path(file).absolute()) for file in files)
        found = _found(device)
        if precision == "bfloat16" and found == "cpu":
            _tell_if_slow()
        return cls(paths, _digest(paths), found, precision)

    def processes(self, number: int | None) -> int | None:
        """How many processes to start: as asked for, else one per core, few on a GPU."""
        if number is not None or self.device == "cpu":
            return number
        return min(cores(), GPU_PROCESSES)

    def load(self) -> "AnyPredictor":
        """The model; the second call in a process costs nothing.

        Raises:
            InputError: no such file, no property model, other ones than `of` saw, or
                several of different properties.
        """
        return _load(self)

    def load_one(self, command: str) -> "PropertyPredictor":
        """The model of a single file, which is all that a command takes.

        Raises:
            InputError: there are several, or as `load`.
        """
        self._require_one(command)
        return cast("PropertyPredictor", _load(self))

    def load_embedder(self) -> "Embedder":
        """A property model, or an encoder that `pretrain` wrote or the package ships.

        Raises:
            InputError: there are several, or as `load`.
        """
        self._require_one("embed")
        return _load_embedder(self)

    def _require_one(self, command: str) -> None:
        if len(self.paths) > 1:
            raise InputError(
                f"{command} takes one model; {len(self.paths)} files are given: run it for each"
            )


def split_files(model: Path, files: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Models and tables of a command line, `A.safetensors B.safetensors TABLE...`.

    Args:
        model: the first model.
        files: what stands behind it: further models as long as names end in
            `.safetensors`, then tables.

    Raises:
        InputError: an option stands there, which the command does not know.
    """
    refuse_options(files)
    more = list(takewhile(lambda name: name.endswith(".safetensors"), files))
    return [model, *map(Path, more)], list(files[len(more) :])


def models_and_table(
    command: str, model: Path, files: Sequence[str] | None
) -> tuple[list[Path], str]:
    """As `split_files`, of a command that takes one table.

    Raises:
        InputError: there is none, there are more, or an unknown option.
    """
    models, tables = split_files(model, files or ())
    if not tables:
        raise InputError(
            f"{command} needs a table behind the model: give a file, or demo for the library that "
            "comes with RDKit"
        )
    if len(tables) > 1:
        raise InputError(
            f"{command} takes one table behind the models; {', '.join(tables)} are given "
            "(models end in .safetensors, and a quoted '*.csv' is one table)"
        )
    return models, tables[0]


@lru_cache(maxsize=2)
def _load(source: ModelSource) -> "AnyPredictor":
    from molecules.prediction.ensemble import Ensemble
    from molecules.prediction.predictor import PropertyPredictor

    _require_unchanged(source)
    predictors = [
        PropertyPredictor.load(path, source.device, source.precision) for path in source.paths
    ]
    return predictors[0] if len(predictors) == 1 else Ensemble(predictors, source.paths)


@lru_cache(maxsize=2)
def _load_embedder(source: ModelSource) -> "Embedder":
    from molecules.models.model import ENCODER
    from molecules.prediction.embedder import Embedder
    from sciml.model_file import read_header

    if read_header(source.paths[0])["kind"] != ENCODER:
        return source.load_one("embed")
    _require_unchanged(source)
    return Embedder.load(source.paths[0], source.device, source.precision)


def _require_unchanged(source: ModelSource) -> None:
    if _digest(source.paths) != source.digest:
        raise InputError(f"{', '.join(source.paths)}: not the model that the job began with")


def _found(device: Device) -> Literal["cpu", "cuda"]:
    if device == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InputError("--device is cuda, and torch finds no GPU here; expected cpu or auto")
    return "cpu"


def _tell_if_slow() -> None:
    from sciml.machine import has_bfloat16

    if not has_bfloat16():
        note("this processor has no instructions for bfloat16: --precision float32 is faster")


def _digest(paths: Sequence[str]) -> str:
    digests = [_file_digest(path) for path in paths]
    return digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()


def _file_digest(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error

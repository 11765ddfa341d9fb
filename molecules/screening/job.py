"""A screen that is to be done: of which files, by which model, ranked how, in which parts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field

from molecules.choices import Combine, RankBy
from molecules.prediction.model_source import ModelSource
from molecules.prediction.rows import PART_ROWS
from molecules.screening.objectives import Objective
from sciml.config import Config
from sciml.errors import InputError

_SAMPLE = 1 << 20  # bytes hashed at either end of a file


class LibraryFile(Config):
    """A file of molecules.

    Attributes:
        path: as the user gave it, or `-`.
        size: in bytes; 0 if it is not a file here.
        digest: SHA-256 of its first and its last megabyte.
    """

    path: str
    size: int = 0
    digest: str = ""

    @classmethod
    def of(cls, path: str) -> Self:
        """Look at a file; standard input and addresses are known by name only."""
        if not Path(path).is_file():
            return cls(path=path)
        size = Path(path).stat().st_size
        with Path(path).open("rb") as file:
            head = file.read(_SAMPLE)
            file.seek(max(0, size - _SAMPLE))
            return cls(path=path, size=size, digest=hashlib.sha256(head + file.read()).hexdigest())

    def same(self, other: "LibraryFile") -> bool:
        """Whether the content is the same, or the name where the content is not known."""
        if self.digest or other.digest:
            return (self.size, self.digest) == (other.size, other.digest)
        return self.path == other.path


class Job(Config):
    """All that decides which molecules a screen finds.

    Attributes:
        model: the model file, or several, with the precision; the device does not matter.
        files: of the library, in their order.
        smiles: column with the SMILES; found in each file if None.
        objectives: what is ranked by.
        by: see `Ranking`.
        combine: `sum` keeps the highest sums, `pareto` ranks by fronts.
        actives: file of known actives, if similarity to them is an objective; on a cluster,
            every worker must find it there.
        top: how many distinct molecules to find, as `identities` tells them apart.
        exclude: filters; where they flag what the model would read, it is not predicted.
        min_similarity: less similar molecules (Tanimoto, to the nearest training
            molecule) are passed over.
        shards: into how many shards the parts are dealt.
        part_rows: rows predicted together.
        cache: folder that keeps graphs and conformers; changes nothing but the time.
    """

    model: ModelSource
    files: tuple[LibraryFile, ...]
    smiles: str | None = None
    objectives: tuple[Objective, ...]
    actives: LibraryFile | None = None
    by: RankBy = "mean"
    combine: Combine = "sum"
    top: int = Field(100, ge=1)
    exclude: tuple[str, ...] = ()
    min_similarity: float = 0.0
    shards: int = Field(1, ge=1)
    part_rows: int = Field(PART_ROWS, ge=1)
    cache: Path | None = None

    def difference(self, other: "Job") -> str:
        """What another job does otherwise, in a few words; empty if nothing that matters."""
        if self.model.digest != other.model.digest:
            return "another model"
        if self.model.precision != other.model.precision:
            return f"precision {other.model.precision}, not {self.model.precision}"
        pairs = zip(self.files, other.files, strict=False)
        if len(self.files) != len(other.files) or not all(a.same(b) for a, b in pairs):
            return "another library"
        mine, theirs = self.actives or LibraryFile(path=""), other.actives or LibraryFile(path="")
        if not mine.same(theirs):
            return "other actives"
        for name in type(self).model_fields:
            here, there = getattr(self, name), getattr(other, name)
            if name not in ("model", "files", "actives", "cache") and here != there:
                return f"{name} {_plain(there)}, not {_plain(here)}"
        return ""


def read_shard(text: str | None) -> tuple[int, int]:
    """`3/16` to (3, 16); None is the whole, (1, 1).

    Raises:
        InputError: it is something else.
    """
    if text is None:
        return 1, 1
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return int(number), int(count)
    raise InputError(f"--shard is {text!r}; expected e.g. 3/16, the third of sixteen")


def _plain(value: object) -> str:
    if isinstance(value, Objective):
        return f"{value.name}:{'min' if value.minimize else 'max'}:{value.weight:g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value)) or "none"
    return "unset" if value is None else str(value)

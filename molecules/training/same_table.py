"""What a run learns from is noted in its folder, so that it goes on with nothing else."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from molecules.files.recognize import listing
from molecules.files.sources import lasting
from molecules.files.table import Table
from molecules.training.preparation import Prepared
from sciml.errors import InputError
from sciml.files import write_text
from sciml.wording import count

_FILE = "table.json"
_FORMAT = 2  # counts on when checkpoints of before cannot be read


@dataclass(frozen=True)
class LearnedFrom:
    """The content of a run's tables, wherever they stand and whatever their format.

    Attributes:
        targets: columns that are learned; none in a pre-training.
        rows: of all tables.
        sha256: of SMILES, and of labels, bounds, weights and folds where there are some. It takes
            a fifth of a second for a million SMILES, which are in memory anyway, and sees a
            change anywhere.
        divided_into: folds of a cross-validation; 0 elsewhere.
        tables, column: where they stood, and of what column, to be found again by a run that
            is resumed without; they may have moved, and are not compared.
        repeats: of a cross-validation, which may grow.
        format: of what a run keeps; runs of another cannot be resumed.
    """

    targets: tuple[str, ...] = ()
    rows: int = 0
    sha256: str = ""
    divided_into: int = 0
    tables: tuple[str, ...] = field(default=(), compare=False)
    column: str | None = field(default=None, compare=False)
    repeats: int = field(default=0, compare=False)
    format: int = _FORMAT

    @classmethod
    def of_table(cls, ready: Prepared, divided_into: int = 0, repeats: int = 0) -> Self:
        """Of a table made ready; a cross-validation has folds of its own."""
        folds = () if divided_into else ready.folds.values()
        digest = hashlib.sha256("\n".join(ready.smiles).encode())
        bounds = () if ready.data.bounds is None else (ready.data.bounds,)
        for part in (ready.labels, ready.weights, *folds, *bounds):
            digest.update(np.ascontiguousarray(part).tobytes())
        columns = tuple(dict.fromkeys(task.of or task.name for task in ready.tasks.tasks))
        return cls(columns, len(ready.smiles), digest.hexdigest(), divided_into, repeats=repeats)

    @classmethod
    def of_smiles(cls, smiles: Sequence[str]) -> Self:
        """Of molecules without labels."""
        digest = hashlib.sha256()
        for text in smiles:
            digest.update(text.encode("utf-8", "surrogatepass"))
            digest.update(b"\n")
        return cls((), len(smiles), digest.hexdigest())

    @classmethod
    def noted(cls, run: Path) -> Self | None:
        """What the folder of a run says of it, if it says anything."""
        path = run / _FILE
        if not path.exists():
            return None
        kept = {"format": 1} | json.loads(path.read_text(encoding="utf-8"))
        lists = {name: tuple(kept.get(name, ())) for name in ("targets", "tables")}
        return cls(**kept | lists)

    def at(self, tables: Sequence[str | Path | Table], column: str | None) -> Self:
        """The same with where it stands; nothing that is only in memory can be found again."""
        files = [str(table) for table in tables if not isinstance(table, Table)]
        return replace(self, tables=tuple(map(lasting, files)), column=column)

    def write(self, run: Path) -> None:
        """Note it in the folder of a run."""
        write_text(run / _FILE, json.dumps(asdict(self), indent=1))

    def require_same(self, run: Path) -> Self:
        """Check that a run to resume goes on with what it was begun with.

        Returns:
            The same, with where the run found it if this is only in memory.

        Raises:
            InputError: it was begun with another table, other columns or folds, or does not
                say with what.
        """
        before = self.noted(run)
        if before is None and not any(run.rglob("last.ckpt")):
            return self
        if before is None or before.format != self.format:
            raise InputError(
                f"{run} was begun by an earlier version, which kept other things; give another "
                "--run folder"
            )
        if before != self:
            raise InputError(
                f"{run} was begun with {before._told()}; {self._told()} came, and is not the "
                f"same: resume it with the same {self._parts()}, or give another --run folder"
            )
        return self if self.tables else replace(self, tables=before.tables, column=before.column)

    def _told(self) -> str:
        columns = f" ({listing(self.targets, 3)})" if self.targets else ""
        folds = f" in {self.divided_into} folds" if self.divided_into else ""
        return f"{count(self.rows, 'row')}{columns}{folds}"

    def _parts(self) -> str:
        if self.divided_into:
            return "table, columns and folds"
        return "table and columns" if self.targets else "tables"

"""The user's table of molecules: every row, in its order, with all its columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.files.candidates import (
    holds_numbers,
    is_pattern,
    left_out,
    of_candidates,
    why_no_label,
)
from molecules.files.inchi import as_smiles, is_inchi
from molecules.files.labels import Labels, parse_labels
from molecules.files.readers import Chunk, read_chunks
from molecules.files.recognize import (
    find_smiles_column,
    listing,
    plain_name,
    require_columns,
    text_cells,
)
from molecules.files.sources import expand
from sciml.errors import InputError

Value = TypeVar("Value")

WHOLE_TABLE_ROWS = 100_000


@dataclass(frozen=True)
class Table:
    """Rows of a table of molecules.

    Attributes:
        frame: all columns as they were written; row i of the table is row i here.
        smiles_column: the column that holds the molecules, as SMILES or InChI.
        source: the file, for messages.
        unreadable: row -> why its structure could not be read, for formats without SMILES.
        notes: what was odd about the rows, one line each.
        fraction: how much of the file has been read with this part of it, 0 to 1.
        positions: row -> (atom, 3) Å in the order of its SMILES, where the file has three
            dimensions.
    """

    frame: pd.DataFrame
    smiles_column: str
    source: str = "the table"
    unreadable: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    fraction: float = 1.0
    positions: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def smiles(self) -> list[str]:
        """SMILES of every row as written, or of its InChI; a blank cell is an empty string."""
        return as_smiles("" if cell.isspace() else cell for cell in self._cells())

    @property
    def notation(self) -> str:
        """In what the first molecule is written, SMILES or InChI."""
        first = next((cell for cell in self._cells() if cell.strip()), "")
        return "InChI" if is_inchi(first) else "SMILES"

    def _cells(self) -> list[str]:
        return text_cells(self.frame[self.smiles_column])

    def labels(self, columns: Sequence[str]) -> Labels:
        """The named columns as numbers.

        Raises:
            InputError: there is no such column, or one of them holds no number at all.
        """
        require_columns(self.frame, columns, self.source)
        labels = parse_labels(self.frame, columns)
        for column, values in zip(columns, labels.values.T, strict=True):
            if np.isnan(values).all():
                raise InputError(
                    f"column {column!r} of {self.source} holds no label: "
                    "expected numbers, or yes and no"
                )
        return labels

    def label_columns(self, named: Sequence[str] = ()) -> list[str]:
        """The columns to learn: those named, or the only one that can be meant.

        A pattern (`NVS_*`, or `*` for all) stands for the columns that hold labels.

        Beside a measured value, tables often hold predicted ones and descriptors, so
        nothing is guessed where several columns hold numbers.

        Raises:
            InputError: none is named and there is not exactly one candidate; an unknown
                column, or a pattern that matches none with labels.
        """
        if named:
            found = [column for name in named for column in self._meant(name)]
            return list(dict.fromkeys(found))
        others = (column for column in self.frame.columns if column != self.smiles_column)
        candidates = [column for column in others if holds_numbers(self.frame, column)]
        if len(candidates) == 1:
            return candidates
        raise InputError(
            f"{self.source}: name the column to learn with --target; {of_candidates(candidates)}"
        )

    def not_meant(self, named: Sequence[str]) -> str:
        """A line on the columns that patterns match and yet do not stand for; maybe empty."""
        patterns = [name for name in named if is_pattern(name, self.frame)]
        why = {column: reason for name in patterns for column, reason in self._why_not(name)}
        return left_out({c: reason for c, reason in why.items() if reason and c not in named})

    def _meant(self, name: str) -> list[str]:
        """The column of that name, or those of a pattern that may be labels."""
        if not is_pattern(name, self.frame):
            if name not in self.frame.columns:  # but for blanks it may be
                alike = [c for c in self.frame.columns if plain_name(c) == plain_name(name)]
                name = alike[0] if len(alike) == 1 else name
            require_columns(self.frame, [name], self.source)
            return [name]
        why = dict(self._why_not(name))
        found = [column for column, reason in why.items() if not reason]
        if not found:
            raise InputError(
                f"{self.source}: {name!r} stands for no column to learn; "
                f"{left_out(why) or 'it matches no name'}"
            )
        return found

    def _why_not(self, pattern: str) -> list[tuple[str, str]]:
        """Columns that a pattern matches, but that of the molecules, and why each is none."""
        matched = [
            column
            for column in self.frame.columns
            if fnmatchcase(column, pattern) and column != self.smiles_column
        ]
        for column in matched:
            if column not in self._reasons:
                self._reasons[column] = why_no_label(self.frame, column)
        return [(column, self._reasons[column]) for column in matched]

    @cached_property
    def _reasons(self) -> dict[str, str]:
        """Column -> what `why_no_label` said of it; it reads all cells."""
        return {}


def read_table(path: Path | str, smiles: str | None = None) -> Table:
    """Read a whole table.

    Args:
        path: .csv, .tsv, .txt, .smi, .jsonl, .xlsx, .parquet or .sdf, also with .gz; a glob or
            a URL of such files; "-" is standard input.
        smiles: the column of SMILES or InChI; by default found by name, then by content.

    Raises:
        InputError: the file cannot be read, has no rows, or no column of SMILES.
    """
    parts = list(iter_library(path, WHOLE_TABLE_ROWS, smiles))
    starts = np.cumsum([0, *(len(part) for part in parts)])
    unreadable = _renumbered([part.unreadable for part in parts], starts)
    positions = _renumbered([part.positions for part in parts], starts)
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    notes = tuple(note for part in parts for note in part.notes)
    column = parts[0].smiles_column
    return Table(frame, column, str(path), unreadable, notes, positions=positions)


def _renumbered(
    parts: Sequence[Mapping[int, Value]], starts: NDArray[np.int64]
) -> dict[int, Value]:
    """What is known of some rows of each part, by row of the whole."""
    return {
        int(start) + row: value
        for start, part in zip(starts, parts, strict=False)
        for row, value in part.items()
    }


def iter_library(
    path: Path | str, chunk_rows: int = 8192, smiles: str | None = None
) -> Iterator[Table]:
    """Read a table of any length in constant memory, `chunk_rows` rows at a time.

    The column of molecules is chosen in the first chunk and kept. Several files that a glob
    matches are one table; they hold the same columns.

    Raises:
        InputError: as `read_table`; or the files of a glob do not fit together.
    """
    names = expand(path)
    first: Table | None = None
    for number, name in enumerate(names):
        for chunk in read_chunks(name, chunk_rows):
            fraction = (number + chunk.fraction) / len(names)
            if first is None:
                column = _smiles_column(chunk, smiles, name)
                first = Table(chunk.frame, column, str(path))
            frame = _same_columns(chunk.frame, first.frame, name, names[0])
            column = first.smiles_column
            placed = chunk.positions if column == chunk.smiles_column else {}  # else in no order
            yield Table(frame, column, str(path), chunk.unreadable, chunk.notes, fraction, placed)
    if first is None:
        raise InputError(f"{path} has no rows; expected one molecule per row")


def _same_columns(frame: pd.DataFrame, first: pd.DataFrame, name: str, other: str) -> pd.DataFrame:
    """The columns in the order of the first file of a glob."""
    if frame.columns.equals(first.columns):
        return frame
    odd = sorted(set(map(str, frame.columns)) ^ set(map(str, first.columns)))
    if odd:
        raise InputError(
            f"{name} and {other} differ in {listing(odd)}; read files of the same columns together"
        )
    return frame[first.columns]


def demo_activity() -> Table:
    """1,017 molecules with a measured activity, shipped with RDKit.

    ChEMBL document 2321810 (inhibitors of a sodium channel), from RDKit's Free-Wilson
    example: SMILES, name, and `Act`, the negative decimal logarithm of the molar
    concentration.

    Raises:
        InputError: this RDKit was installed without its example data.
    """
    from rdkit import RDConfig

    folder = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
    molecules = read_table(_shipped(folder / "CHEMBL2321810.smi"))
    activity = read_table(_shipped(folder / "CHEMBL2321810_act.csv"), smiles="Name").frame
    frame = molecules.frame.merge(activity, left_on="name", right_on="Name", how="left")
    return Table(frame.drop(columns="Name"), "smiles", "CHEMBL2321810")


def demo_library() -> Path:
    """4,999 molecules to screen, shipped with RDKit: the start of the NCI open database.

    Raises:
        InputError: this RDKit was installed without its example data.
    """
    from rdkit import RDConfig

    return _shipped(Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi")


def _smiles_column(chunk: Chunk, named: str | None, source: str) -> str:
    if named is None:
        return chunk.smiles_column or find_smiles_column(chunk.frame, source)
    require_columns(chunk.frame, [named], source)
    return named


def _shipped(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"this RDKit has no {path.name}; install rdkit with pip, or give a table")
    return path

"""Tables written part by part, in constant memory: text, Parquet, SDF, Excel."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.features.coordinates import Positions
from molecules.files.parquet_types import Types
from molecules.files.recognize import name_column
from molecules.files.workbook import workbook_writer
from sciml.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa
    from rdkit import Chem

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
SDF_END = "$$$$"  # of a record
FORMATS = (".csv", ".tsv", ".parquet", ".xlsx", ".sdf")

NOWHERE: Positions = {}


class Write(Protocol):
    """Writes rows."""

    def __call__(
        self, frame: pd.DataFrame, smiles: Sequence[str], positions: Positions = NOWHERE
    ) -> None:
        """Rows, the SMILES of each, and where atoms are of those that have three dimensions."""


def table_format(out: Path, formats: Sequence[str] = FORMATS) -> str:
    """`.parquet`, `.sdf`, or the suffix of a text table; without `.gz`.

    Args:
        out: a file to write.
        formats: suffixes that can be written; only text may be compressed.

    Raises:
        InputError: the suffix is none of them.
    """
    name = out.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    compressed = name.endswith(".gz") and suffix not in (*SEPARATORS, ".sdf")
    if compressed or suffix not in (*formats, ".txt"):
        raise InputError(f"cannot write {out}: expected {', '.join(formats[:-1])} or {formats[-1]}")
    return suffix


def resolved(frame: pd.DataFrame) -> pd.DataFrame:
    """Computed columns with the digits that a model resolves: float32, as `Prediction.columns`."""
    return frame.astype(dict.fromkeys(frame.select_dtypes("float").columns, np.float32))


def table_writer(path: Path, types: Types | None = None) -> AbstractContextManager[Write]:
    """What writes consecutive parts of a table to a file; its suffix says how.

    Args:
        path: the file.
        types: column -> its type in Parquet, where the first part alone does not tell it; see
            `shared_types`.
    """
    match table_format(path):
        case ".parquet":
            return _parquet_writer(path, types or {})
        case ".sdf":
            return _sdf_writer(path)
        case ".xlsx":
            return _workbook_writer(path)
        case suffix:
            return _text_writer(path, suffix)


def _open(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "wt", encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")


@contextmanager
def _text_writer(path: Path, suffix: str) -> Iterator[Write]:
    with _open(path) as file:

        def write(
            frame: pd.DataFrame, smiles: Sequence[str], positions: Positions = NOWHERE
        ) -> None:
            first = file.tell() == 0
            frame.to_csv(file, sep=SEPARATORS[suffix], index=False, header=first)

        yield write


@contextmanager
def _parquet_writer(path: Path, types: Types) -> Iterator[Write]:
    import pyarrow as pa
    from pyarrow import parquet

    writer: parquet.ParquetWriter | None = None

    def write(frame: pd.DataFrame, smiles: Sequence[str], positions: Positions = NOWHERE) -> None:
        nonlocal writer
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if writer is None:
            fields = [field.with_type(types.get(field.name, field.type)) for field in table.schema]
            writer = parquet.ParquetWriter(path, pa.schema(fields))
        writer.write_table(_cast(table, writer.schema))

    try:
        yield write
    finally:
        if writer:
            writer.close()


def _cast(table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    """With the types of a schema of the same names."""
    import pyarrow as pa

    columns = []
    for field, column in zip(schema, table.columns, strict=True):
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowException as error:
            raise InputError(
                f"column {field.name!r} is {field.type} in the first rows, and not in all: "
                f"write .csv instead ({error})"
            ) from error
    return pa.Table.from_arrays(columns, schema=schema)


@contextmanager
def _workbook_writer(path: Path) -> Iterator[Write]:
    with workbook_writer(path) as rows:

        def write(
            frame: pd.DataFrame, smiles: Sequence[str], positions: Positions = NOWHERE
        ) -> None:
            rows(frame)

        yield write


@contextmanager
def _sdf_writer(path: Path) -> Iterator[Write]:
    """A record for each row, drawn in 2-D where it has no positions, without hydrogens.

    It has no atoms where there is no molecule.
    """
    with _open(path) as file:

        def write(
            frame: pd.DataFrame, smiles: Sequence[str], positions: Positions = NOWHERE
        ) -> None:
            title = name_column(frame, "")
            for number, (text, (_, row)) in enumerate(zip(smiles, frame.iterrows(), strict=True)):
                name = "" if title is None else _cell(row[title])
                file.write(_record(text, name, row, positions.get(number)))

        yield write


def _record(smiles: str, title: str, row: pd.Series, place: NDArray[np.float32] | None) -> str:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = (Chem.MolFromSmiles(smiles) if smiles else None) or Chem.Mol()
    _place(molecule, place)
    molecule.ClearComputedProps()  # or a column of such a name would not be written
    molecule.SetProp("_Name", title)
    for name, value in row.items():
        molecule.SetProp(str(name), _cell(value))
    return Chem.SDWriter.GetText(molecule)


def _place(molecule: "Chem.Mol", place: NDArray[np.float32] | None) -> None:
    """Put the atoms where they are, (atom, 3) Å, or draw them."""
    from rdkit import Chem
    from rdkit.Chem import rdDepictor

    if place is None or len(place) != molecule.GetNumAtoms():
        rdDepictor.Compute2DCoords(molecule)
        return
    conformer = Chem.Conformer(len(place))
    conformer.SetPositions(place.astype(np.float64))
    conformer.Set3D(True)
    molecule.AddConformer(conformer)


def _cell(value: object) -> str:
    """A cell on one line, which ends no record; SDF ends a value at a blank line."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return ""
    text = " ".join(f"{value:.7g}".split() if isinstance(value, float) else str(value).split())
    return f" {text}" if text.startswith((SDF_END, ">")) else text

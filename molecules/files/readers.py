"""Files of molecules as chunks of text cells, in the file's order, in constant memory.

Comma, semicolon, tab and pipe separated text with or without a header, `.smi`
("SMILES name" or "InChI name"), JSON lines, Excel, Parquet and SDF, each also compressed with
gzip, from standard input ("-") or a URL. UTF-8 and UTF-16 are recognized; bytes that are
not UTF-8 are taken as Latin-1. Cells keep the text that was written.
"""

import codecs
import csv
import gzip
import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.files import sdf
from molecules.files.delimited import (
    SNIFFED_CHARACTERS,
    Named,
    delimited_records,
    find_delimiter,
    names_columns,
    smi_records,
)
from molecules.files.inchi import is_inchi
from molecules.files.recognize import tidy_names
from molecules.files.sources import open_binary
from molecules.files.workbook import OLD, ZIP, workbook_records
from sciml.errors import InputError

SNIFFED_BYTES = 1 << 16
FORMATS = "CSV, TSV, SMI, SDF, JSON lines, Excel (.xlsx) or Parquet"


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows of a file.

    Attributes:
        frame: one row per row of the file; text cells, or Parquet's own types.
        smiles_column: where the format itself says which column holds the molecules.
        unreadable: row in `frame` -> why its structure could not be read (SDF).
        positions: row in `frame` -> (atom, 3) Å in the order of its SMILES (3-D SDF).
        notes: what was odd about the rows, one line each.
        fraction: how much of the file has been read, 0 to 1.
    """

    frame: pd.DataFrame
    smiles_column: str | None = None
    unreadable: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    fraction: float = 0.0
    positions: dict[int, NDArray[np.float32]] = field(default_factory=dict)


def read_chunks(path: Path | str, chunk_rows: int) -> Iterator[Chunk]:
    """Read a file of molecules, `chunk_rows` rows at a time; every chunk has the same columns.

    Args:
        path: the file, or "-" for standard input.
        chunk_rows: rows per chunk; the last may hold fewer.

    Raises:
        InputError: missing, empty, damaged, or of a format that is none of ours.
    """
    try:
        with ExitStack() as files:
            raw = files.enter_context(open_binary(path))
            size = raw.seek(0, io.SEEK_END)
            raw.seek(0)
            for chunk in _chunks(_decompressed(raw, files), str(path), chunk_rows, files):
                yield replace(chunk, fraction=chunk.fraction or raw.tell() / max(1, size))
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, ParseError) as error:
        raise InputError(f"{path} is damaged: {error}; copy or download it again") from error
    except csv.Error as error:
        raise InputError(f"cannot read {path}: {error}") from error


def _decompressed(raw: BinaryIO, files: ExitStack) -> BinaryIO:
    compressed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    if not compressed:
        return raw
    return cast(BinaryIO, files.enter_context(gzip.GzipFile(fileobj=raw)))


def _chunks(stream: BinaryIO, path: str, chunk_rows: int, files: ExitStack) -> Iterator[Chunk]:
    head = stream.read(SNIFFED_BYTES)
    stream.seek(0)
    name = path.partition("?")[0].lower().removesuffix(".gz")
    if not head.strip():
        raise InputError(f"{path} is empty; expected a table with a column of SMILES or InChI")
    if head.startswith(b"PAR1"):
        return _parquet(stream, path, chunk_rows)
    if head.startswith(ZIP):
        return _workbook(stream, path, chunk_rows, files)
    encoding = _encoding(head, path)
    text = files.enter_context(io.TextIOWrapper(stream, encoding, _as_latin1(), newline=""))
    if name.endswith((".sdf", ".sd", ".mol")) or b"\nM  END" in head:
        return _sdf(text, chunk_rows)
    if name.endswith((".jsonl", ".ndjson", ".json")) or head.lstrip().startswith(b"{"):
        return _json_lines(text, path, chunk_rows)
    delimiter = find_delimiter(text)
    table = name.endswith((".csv", ".tsv", ".tab")) and not _lists_inchi(text)
    listed = name.endswith((".smi", ".ism", ".smiles")) and not names_columns(text)
    if listed or not (delimiter or table):
        return _frames(named := smi_records(text), path, chunk_rows, named.columns[0])
    return _frames(delimited_records(text, delimiter or ","), path, chunk_rows)


def _lists_inchi(text: TextIO) -> bool:
    """Whether InChI stand there one a line, maybe below a header, and none in quotes."""
    lines = text.read(SNIFFED_CHARACTERS).split("\n")
    text.seek(0)
    first = [line for line in lines if line.strip()][:2]
    return any(map(is_inchi, first)) and not any(line.startswith('"InChI=') for line in lines)


def _encoding(head: bytes, path: str) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if head.startswith(OLD):
        raise InputError(f"{path} is an old or a protected Excel workbook; save the table as .xlsx")
    if b"\0" in head:
        raise InputError(f"{path} is not a table of molecules; expected {FORMATS}")
    return "utf-8-sig"


def _as_latin1() -> str:
    """Name of a decoding rule: a byte that is not UTF-8 stands for its Latin-1 character."""
    name = "as_latin1"

    def decode(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        return error.object[error.start : error.end].decode("latin-1"), error.end

    codecs.register_error(name, decode)
    return name


def _frames(
    table: Named,
    path: str,
    chunk_rows: int,
    smiles_column: str | None = None,
    told: Sequence[str] = (),
) -> Iterator[Chunk]:
    width, number = len(table.columns), 0
    notes = [*told, *filter(None, [table.note])]
    while rows := list(islice(table.records, chunk_rows)):
        notes += [
            f"row {i} has {len(row)} cells, the header {width}: the surplus was left out"
            for i, row in enumerate(rows, start=number + 1)
            if len(row) > width
        ]
        cells = [row[:width] + [""] * (width - len(row)) for row in rows]
        number += len(rows)
        yield Chunk(_text_frame(cells, table.columns), smiles_column, notes=tuple(notes))
        notes = []
    if not number:
        raise InputError(f"{path} has a header but no rows; expected one molecule per row")


def _workbook(stream: BinaryIO, path: str, chunk_rows: int, files: ExitStack) -> Iterator[Chunk]:
    rows, notes = workbook_records(stream, path, files)
    return _frames(Named.of(rows), path, chunk_rows, told=notes)


def _json_lines(text: TextIO, path: str, chunk_rows: int) -> Iterator[Chunk]:
    columns = list(dict.fromkeys(key for row in _json_records(text, path) for key in row))
    text.seek(0)
    records = _json_records(text, path)
    while rows := list(islice(records, chunk_rows)):
        cells = [[_json_cell(row.get(column)) for column in columns] for row in rows]
        yield Chunk(_text_frame(cells, tidy_names(columns)))


def _json_records(text: TextIO, path: str) -> Iterator[dict[str, object]]:
    return (_json_record(line, n, path) for n, line in enumerate(text, start=1) if line.strip())


def _json_record(line: str, number: int, path: str) -> dict[str, object]:
    try:
        record = json.loads(line, parse_float=str, parse_int=str)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {number} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}, line {number} is not an object; expected JSON lines")
    return record


def _json_cell(value: object) -> str:
    if isinstance(value, str):  # half a character of UTF-16 becomes a question mark
        return value.encode("utf-8", "replace").decode("utf-8")
    return "" if value is None else json.dumps(value)


def _parquet(stream: BinaryIO, path: str, chunk_rows: int) -> Iterator[Chunk]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is a damaged Parquet file: {error}") from error
    names = Counter(table.schema_arrow.names)
    if twice := [name for name, times in names.items() if times > 1]:
        raise InputError(f"{path} has the column {twice[0]!r} {names[twice[0]]} times; rename one")
    rows = 0
    for batch in table.iter_batches(batch_size=chunk_rows):
        rows += len(batch)
        batch = pa.RecordBatch.from_arrays(
            [_plain_text(column) for column in batch.columns], batch.schema.names
        )
        frame = batch.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
        yield Chunk(frame, fraction=rows / table.metadata.num_rows)


def _plain_text(column: Any) -> Any:
    """A column of text that is stored as bytes or as views as text; others as they are."""
    import pyarrow as pa

    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
            or pa.types.is_string_view(column.type)):  # fmt: skip
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:  # bytes that are no text
        return column


def _sdf(text: TextIO, chunk_rows: int) -> Iterator[Chunk]:
    """Each record is a row: SMILES of the structure, name, and every property of the file."""
    columns = sdf.property_names(text)
    text.seek(0)
    names = tidy_names(["smiles", "name", *columns])
    records = sdf.records(text)
    while chunk := list(islice(records, chunk_rows)):
        cells = [
            [record.smiles, record.name, *(record.properties.get(column, "") for column in columns)]
            for record in chunk
        ]
        unreadable = {i: record.problem for i, record in enumerate(chunk) if record.problem}
        positions = {i: r.positions for i, r in enumerate(chunk) if r.positions is not None}
        yield Chunk(_text_frame(cells, names), "smiles", unreadable, positions=positions)


def _text_frame(cells: list[list[str]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=pd.Index(columns), dtype="str")

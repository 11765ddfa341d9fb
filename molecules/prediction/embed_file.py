"""A table with the encoder's vectors beside its columns, or the vectors alone."""

import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from molecules.choices import Device, Precision
from molecules.files.parquet_types import Types, shared_types
from molecules.files.recognize import tidy_names
from molecules.files.sources import refuse_to_overwrite
from molecules.files.table import Table
from molecules.models.shipped import weights_path
from molecules.prediction.annotate import mark_unreadable, require_molecules
from molecules.prediction.model_source import ModelSource
from molecules.prediction.parallel import along
from molecules.prediction.parallel import workers as start_workers
from molecules.prediction.rows import (
    Content,
    account,
    counted_off,
    positions_unused,
    source_of,
    watched,
)
from molecules.prediction.writers import table_format, table_writer
from sciml.cli import progress
from sciml.files import atomic_path

if TYPE_CHECKING:
    from molecules.prediction.prediction import Embedding

FORMATS = (".csv", ".tsv", ".parquet", ".npz")
_BLOCK = 1 << 20  # bytes copied at once


def embed_file(
    model: Path | Sequence[Path],
    table: str,
    out: Path,
    smiles: str | None = None,
    workers: int | None = 1,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
) -> Counter[str]:
    """Write the vector of each row of a table; other arguments as of `predict_file`.

    Args:
        model: also an encoder that `pretrain` wrote, or the name of one that ships.
        out: .csv, .tsv, .parquet or .npz.

    Returns:
        How many rows have each status.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    table_format(out, FORMATS)
    source = source_of(table)
    refuse_to_overwrite(source, out)
    types = shared_types(source) if out.suffix.lower() == ".parquet" else {}
    files = [model] if isinstance(model, Path) else model
    model_source = ModelSource.of([weights_path(file) for file in files], device, precision)
    embedder = model_source.load_embedder()
    with (
        start_workers(model_source.processes(workers)) as pool,
        progress() as bar,
        atomic_path(out) as path,
    ):
        tables = watched(source, smiles, bar, "embedding", ahead=True)
        if embedder.makes_conformers:
            tables = positions_unused(tables)
        work = partial(embed_rows, model_source, cache)
        embedded = counted_off(bar, along(pool, work, tables, Content.of))
        write = _write_arrays if out.suffix.lower() == ".npz" else partial(_write_table, types)
        counts = write(embedded, path)
    print(f"{out}: {counts.total():,} rows, {account(counts)}")
    return counts


def embed_rows(model: ModelSource, cache: Path | None, rows: Content) -> "Embedding":
    """What a worker does: vectors of SMILES; structures the file hides say so."""
    embedding = model.load_embedder().embed(rows.smiles, cache=cache, positions=rows.positions)
    mark_unreadable(embedding, rows.unreadable)
    return embedding


def _write_table(
    types: Types, embedded: Iterable[tuple[Table, "Embedding"]], path: Path
) -> Counter[str]:
    counts, reasons = Counter[str](), Counter[str]()
    with table_writer(path, types) as write:
        for table, embedding in embedded:
            write(_beside(table.frame, embedding), table.smiles)
            counts.update(embedding.status)
            reasons.update(filter(None, embedding.reason))
        require_molecules(counts, reasons)
    return counts


def _beside(frame: pd.DataFrame, embedding: "Embedding") -> pd.DataFrame:
    own = [str(name) for name in frame.columns]
    vectors = embedding.vectors.astype(np.float32)
    names = [f"embedding_{i}" for i in range(vectors.shape[1])]
    added = tidy_names([*own, *names, "status", "reason"])[len(own) :]
    made = pd.DataFrame(vectors, columns=added[:-2], index=frame.index)
    told = pd.DataFrame(
        {added[-2]: list(embedding.status), added[-1]: embedding.reason}, index=frame.index
    )
    return pd.concat([frame, made, told], axis=1)


def _write_arrays(embedded: Iterable[tuple[Table, "Embedding"]], path: Path) -> Counter[str]:
    """Vectors go to a file on the way, since an array's header says how many there are."""
    status, reasons = list[str](), Counter[str]()
    shape = (0, 0)
    with tempfile.TemporaryFile(dir=path.parent) as spooled:
        for _, embedding in embedded:
            vectors = embedding.vectors.astype("<f4")
            spooled.write(vectors.tobytes())
            shape = (shape[0] + len(vectors), vectors.shape[1])
            status += embedding.status
            reasons.update(filter(None, embedding.reason))
        counts = Counter(status)
        require_molecules(counts, reasons)
        with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
            with archive.open("vectors.npy", "w", force_zip64=True) as file:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                spooled.seek(0)
                while block := spooled.read(_BLOCK):
                    file.write(block)
            with archive.open("status.npy", "w") as file:
                np.lib.format.write_array(file, np.array(status, np.str_), allow_pickle=False)
    return counts

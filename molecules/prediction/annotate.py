"""Predictions beside the columns of the user's own table, in constant memory."""

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from molecules.files.recognize import tidy_names
from molecules.files.table import Table
from sciml.errors import InputError
from sciml.files import atomic_path

if TYPE_CHECKING:
    from molecules.features.features import Status
    from molecules.prediction.prediction import Prediction
    from molecules.prediction.predictor import PropertyPredictor

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
UNREADABLE = cast("Status", "invalid_structure")  # known to files only, not to a model

Write = Callable[[pd.DataFrame], None]


def annotate(model: "PropertyPredictor", tables: Iterable[Table], out: Path) -> Counter[str]:
    """Write every row of a table, in its order, with predictions and a status.

    Adds the columns of `Prediction.columns`; a name that the table has already gets a
    number behind it. A molecule that cannot be predicted has blanks and says why.

    Args:
        model: the trained model.
        tables: consecutive parts of the table.
        out: .csv, .tsv (also with .gz) or .parquet; appears when it is complete.

    Returns:
        How many rows have each status.

    Raises:
        InputError: no row holds a molecule that can be predicted, or `out` has no
            known format; nothing is written.
    """
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with atomic_path(out) as path, table_writer(path) as write:
        for table in tables:
            prediction = predict(model, table)
            write(beside(table.frame, prediction))
            counts.update(prediction.status)
            reasons.update(filter(None, prediction.reason))
        require_molecules(counts, reasons)
    return counts


def predict(model: "PropertyPredictor", table: Table, domain: bool = True) -> "Prediction":
    """Predictions for the rows of a table; structures the file itself hides say so."""
    prediction = model.predict(table.smiles, domain=domain)
    for row, reason in table.unreadable.items():
        prediction.status[row], prediction.reason[row] = UNREADABLE, reason
    return prediction


def beside(frame: pd.DataFrame, prediction: "Prediction") -> pd.DataFrame:
    """The table with the columns of a prediction behind its own."""
    columns = prediction.columns()
    own = [str(name) for name in frame.columns]
    added = tidy_names([*own, *columns])[len(own) :]
    named = dict(zip(added, columns.values(), strict=True))
    return pd.concat([frame, pd.DataFrame(named, index=frame.index)], axis=1)


def require_molecules(counts: Counter[str], reasons: Counter[str]) -> None:
    """Raise an InputError with the commonest reason if not one row was predicted."""
    if not counts["ok"]:
        why = f"; most often: {reasons.most_common(1)[0][0]}" if reasons else ""
        raise InputError(
            f"none of {counts.total()} rows holds a molecule that can be predicted{why}"
        )


def table_format(out: Path) -> str:
    """`.parquet`, or the suffix of a text table without `.gz`.

    Raises:
        InputError: the suffix says nothing we can write.
    """
    suffix = Path(out.name.lower().removesuffix(".gz")).suffix
    if suffix not in SEPARATORS and not out.name.lower().endswith(".parquet"):
        raise InputError(f"cannot write {out}: expected .csv, .tsv or .parquet")
    return suffix


@contextmanager
def table_writer(path: Path) -> Iterator[Write]:
    """Takes the parts of a table in their order and writes them as one file."""
    suffix = table_format(path)
    with _parquet_writer(path) if suffix == ".parquet" else _text_writer(path, suffix) as write:
        yield write


@contextmanager
def _text_writer(path: Path, suffix: str) -> Iterator[Write]:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:

        def write(frame: pd.DataFrame) -> None:
            first = file.tell() == 0
            frame.to_csv(file, sep=SEPARATORS[suffix], index=False, header=first)

        yield write


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    from pyarrow import parquet

    writer: parquet.ParquetWriter | None = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal writer
        schema = writer.schema if writer else None
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer:
            writer.close()

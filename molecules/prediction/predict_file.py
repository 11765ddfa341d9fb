"""A table with predictions beside its columns."""

from collections import Counter
from pathlib import Path

from molecules.prediction.annotate import annotate, table_format
from molecules.prediction.rows import (
    account,
    load_predictor,
    refuse_to_overwrite,
    source_of,
    watched,
)
from sciml.cli import progress


def predict_file(model: Path, table: str, out: Path, smiles: str | None = None) -> Counter[str]:
    """Write a table with predictions beside its columns.

    Args:
        model: file that `train` wrote.
        table: file with one molecule per row, "-" for standard input, or `demo`.
        out: .csv, .tsv or .parquet.
        smiles: column with the SMILES; found by name, then by content, if None.

    Returns:
        How many rows have each status.

    Raises:
        InputError: an input that cannot be used, or no valid molecule in it.
    """
    table_format(out)
    source = source_of(table)
    refuse_to_overwrite(source, out)
    predictor = load_predictor(model)
    with progress() as bar:
        counts = annotate(predictor, watched(source, smiles, bar, "predicting"), out)
    for task in predictor.tasks.tasks:
        if task.meaning:
            print(f"{task.name}_pred: {task.meaning}")
    print(f"{out}: {counts.total():,} rows, {account(counts)}")
    return counts

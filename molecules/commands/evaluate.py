"""The command `molecules evaluate`."""

from pathlib import Path

from molecules.commands.parameters import Files


def evaluate(
    model: Path,
    table: Files = None,
    *,
    target: list[str] | None = None,
    out: Path = Path("scores.csv"),
    rows: Path | None = None,
    smiles: str | None = None,
    include_learned: bool = False,
) -> None:
    """Score a trained model on a labelled table, by the rows that it did not learn from.

    Tells the scores of `train`, with bootstrap intervals, and how many measured values the 90 %
    intervals hold, near the training set and far from it.

    Args:
        model: the file `model.safetensors` of a training run, or several as of `predict`.
        table: as `table` of `predict`, with a column of measured values named as each property.
        target: property to score; repeat for several. All that the table has if left out.
        out: .csv of the scores to write.
        rows: .csv, .tsv, .parquet, .xlsx or .sdf to write: the table with predictions, and
            whether each row was scored.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
        include_learned: score also the rows of molecules that the model learned from.
    """
    from molecules.prediction.model_source import models_and_table
    from molecules.training.evaluate_file import evaluate_file

    models, source = models_and_table("evaluate", model, table)
    evaluate_file(models, source, out, rows, target or (), smiles, include_learned)

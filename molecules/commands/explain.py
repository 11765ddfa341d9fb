"""The command `molecules explain`."""

from pathlib import Path

from molecules.choices import Method
from molecules.commands.parameters import Files


def explain(
    model: Path,
    table: Files = None,
    *,
    out: Path = Path("explained.csv"),
    html: Path | None = None,
    pictures: Path | None = None,
    method: Method = "masking",
    draw: int = 60,
    smiles: str | None = None,
) -> None:
    """Show which atoms raise or lower each prediction, beside measured neighbours.

    The page shows the molecules as heat maps, and for each the training molecules that
    differ by a single exchange, with what was measured on them.

    Args:
        model: the file `model.safetensors` of a training run, or several as of `predict`.
        table: as `table` of `predict`.
        out: .csv, .tsv, .parquet or .xlsx to write: one line for each row, atom and property.
        html: the page to write; beside `out` if left out.
        pictures: folder for one SVG per drawn molecule and property.
        method: what the prediction loses without the atom; its integrated gradient, where
            contributions and `no_information`, what the networks say of a molecule without
            any, add up to what they say of this one; or gradient times input, the fastest.
        draw: how many molecules to draw, from the first on.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
    """
    from molecules.explanation.explain_file import explain_file
    from molecules.prediction.model_source import models_and_table

    models, source = models_and_table("explain", model, table)
    explain_file(models, source, out, html, pictures, method, draw, smiles)

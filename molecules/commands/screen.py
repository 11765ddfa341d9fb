"""The command `molecules screen`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

FileOrStdin = Annotated[str, Parameter(allow_leading_hyphen=True)]


def screen(
    model: Path,
    library: FileOrStdin = "demo",
    *,
    top: int = 100,
    out: Path = Path("hits.html"),
    csv: Path | None = None,
    minimize: bool = False,
    target: str | None = None,
    smiles: str | None = None,
    min_similarity: float = 0.0,
) -> None:
    """Rank a library of any size and draw the best molecules in one HTML page.

    Args:
        model: the file `model.safetensors` of a training run.
        library: as `table` of `predict`; `demo` is 4,999 molecules that come with RDKit.
        top: how many distinct molecules to keep.
        out: the page to write; it needs no other file.
        csv: the same molecules as a table; beside the page if left out.
        minimize: rank small values first.
        target: property to rank by, for a model that predicts several.
        smiles: column with the SMILES; found by its name or content if left out.
        min_similarity: pass over molecules whose Tanimoto similarity to the nearest
            training molecule is lower; 0.3 keeps to what the model can know.
    """
    from molecules.screening.screen_file import screen_file

    screen_file(model, library, out, csv, top, minimize, target, smiles, min_similarity)

"""The command `molecules crossvalidate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sciml.cli import Overrides

FileOrStdin = Annotated[str, Parameter(allow_leading_hyphen=True)]


def crossvalidate(
    table: FileOrStdin = "demo",
    *,
    target: Annotated[list[str] | None, Parameter(negative="")] = None,
    smiles: str | None = None,
    config: str = "small",
    against: str | None = None,
    folds: int = 5,
    repeats: int = 2,
    run: Path = Path("runs/crossvalidation"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Train on every fold anew, and test whether the model beats the random forest.

    The folds are of the kind `--data.split`: random, scaffold_balanced, butina or leader.

    Args:
        table: file, glob or URL with one molecule per row, "-" for standard input, or `demo`.
        target: column to learn; repeat for several.
        smiles: column with the SMILES or InChI; found by its name if left out.
        config: name of a shipped configuration, or a YAML file.
        against: another configuration to compare with, instead of the forest.
        folds: parts of the table, each tested once in a repeat.
        repeats: of the whole, divided differently.
        run: folder for the folds and the comparison; new or empty.
        resume: go on with an interrupted cross-validation in that folder.
    """
    from molecules.training.crossvalidation import crossvalidate as validate
    from molecules.training.experiment import ExperimentConfig
    from molecules.training.summary import print_crossvalidation
    from sciml.config import load_config, named_config

    ours, other = (
        load_config(ExperimentConfig, named_config("molecules", name), set_ or ()) if name else None
        for name in (config, against)
    )
    assert ours is not None
    result = validate(table, target or (), ours, run, folds, repeats, other, resume, smiles)
    print_crossvalidation(result, run)

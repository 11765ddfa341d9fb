"""The command `molecules crossvalidate`."""

from pathlib import Path

from molecules.commands.parameters import FileOrStdin
from sciml.cli import Overrides


def crossvalidate(
    table: FileOrStdin | None = None,
    *,
    target: list[str] | None = None,
    smiles: str | None = None,
    config: str | None = None,
    against: str | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    run: Path = Path("runs/crossvalidation"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Train on every fold anew, and test whether the model beats the random forest.

    The folds are of the kind `--data.split`: random, scaffold_balanced, butina or leader.

    Args:
        table: file, glob or URL with one molecule per row, "-" for standard input, or
            `demo`, which is the default.
        target: column to learn; repeat for several.
        smiles: column with the SMILES or InChI; found by its name if left out.
        config: name of a shipped configuration, by default `small`, or a YAML file.
        against: another configuration to compare with, instead of the forest.
        folds: parts of the table, each tested once in a repeat; by default 5.
        repeats: of the whole, divided differently; by default 2.
        run: folder for the folds and the comparison; new or empty.
        resume: go on with an interrupted cross-validation in that folder, with the table,
            columns, folds and configurations that it names, unless they are given.
    """
    from rich.console import Console

    from molecules.commands.begun import given
    from molecules.training.crossvalidation import crossvalidate as validate
    from molecules.training.experiment import DEFAULT_CONFIG, ExperimentConfig
    from molecules.training.summary import show_crossvalidation
    from sciml.config import load_config
    from sciml.run_folder import resumable

    wanted = given(
        run, resume, config, DEFAULT_CONFIG, (table,) if table else (), target or (), smiles,
        folds, repeats, against,
    )  # fmt: skip
    ours, other = (
        load_config(ExperimentConfig, path, set_ or ()) if path else None
        for path in (wanted.config, wanted.against)
    )
    assert ours is not None
    (source,) = wanted.tables
    with resumable(run, resume):
        result = validate(
            source,
            wanted.targets,
            ours,
            run,
            wanted.folds,
            wanted.repeats,
            other,
            resume,
            wanted.smiles,
        )
    show_crossvalidation(result, run, Console())

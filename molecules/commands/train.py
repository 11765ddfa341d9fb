"""The command `molecules train`."""

from pathlib import Path

from molecules.commands.parameters import FileOrStdin
from sciml.cli import Overrides


def train(
    table: FileOrStdin | None = None,
    *,
    target: list[str] | None = None,
    smiles: str | None = None,
    config: str | None = None,
    run: Path = Path("runs/molecules"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Train a property model on a table, and test it beside a random forest.

    Args:
        table: file, glob or URL with one molecule per row, "-" for standard input, or
            `demo`, which is the default: 1,017 molecules with measured activity that come
            with RDKit.
        target: column to learn; repeat for several.
        smiles: column with the SMILES or InChI; found by its name if left out.
        config: `small`, which is the default; `network` and `fast`, which screen faster;
            another shipped configuration, or a YAML file.
        run: folder for the model and its report; new or empty.
        resume: continue the training in that folder after an interruption, with the table,
            columns and configuration that it names, unless they are given.
    """
    from rich.console import Console

    from molecules.commands.begun import given
    from molecules.training.experiment import DEFAULT_CONFIG, ExperimentConfig
    from molecules.training.experiment import train as train_model
    from molecules.training.summary import show_training
    from sciml.config import load_config
    from sciml.run_folder import resumable

    tables = (table,) if table else ()
    wanted = given(run, resume, config, DEFAULT_CONFIG, tables, target or (), smiles)
    experiment = load_config(ExperimentConfig, wanted.config, set_ or ())
    (source,) = wanted.tables
    with resumable(run, resume):
        trained = train_model(source, wanted.targets, experiment, run, resume, wanted.smiles)
    show_training(trained, run, Console())

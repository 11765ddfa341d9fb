"""The command `molecules pretrain`."""

from pathlib import Path

from molecules.commands.parameters import FileOrStdin
from sciml.cli import Overrides


def pretrain(
    *tables: FileOrStdin,
    smiles: str | None = None,
    config: str | None = None,
    run: Path = Path("runs/pretrain"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Pre-train an encoder on molecules without labels, to start `train` from.

    Args:
        tables: files with one molecule per row, globs or URLs; "-" for standard input;
            default `demo`.
        smiles: column with the SMILES or InChI; found by its name if left out.
        config: name of a shipped configuration, by default `pretrain`, or a YAML file.
        run: folder for the model; new or empty.
        resume: continue the training in that folder after an interruption, with the tables
            and configuration that it names, unless they are given.
    """
    from rich.console import Console

    from molecules.commands.begun import given
    from molecules.files.sources import refuse_options
    from molecules.pretraining.experiment import PretrainConfig
    from molecules.pretraining.experiment import pretrain as pretrain_model
    from molecules.pretraining.summary import show_pretraining
    from sciml.config import load_config
    from sciml.run_folder import resumable

    refuse_options(tables)
    wanted = given(run, resume, config, "pretrain", tables, smiles=smiles)
    experiment = load_config(PretrainConfig, wanted.config, set_ or ())
    with resumable(run, resume):
        result = pretrain_model(wanted.tables, experiment, run, resume, wanted.smiles)
    show_pretraining(result, run, Console())

"""The command `molecules pretrain`."""

from pathlib import Path

from sciml.cli import Overrides


def pretrain(
    table: str = "demo",
    *,
    smiles: str | None = None,
    config: str = "pretrain",
    run: Path = Path("runs/pretrain"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Pre-train an encoder on molecules without labels, to start `train` from.

    Args:
        table: file with one molecule per row, or `demo`.
        smiles: column with the SMILES; found by its name if left out.
        config: name of a shipped configuration, or a YAML file.
        run: folder for the model; new or empty.
        resume: continue the training in that folder after an interruption.
    """
    from molecules.training.pretraining import PretrainConfig
    from molecules.training.pretraining import pretrain as pretrain_model
    from molecules.training.summary import print_pretraining
    from sciml.config import load_config, named_config

    experiment = load_config(PretrainConfig, named_config("molecules", config), set_ or ())
    print_pretraining(pretrain_model(table, experiment, run, resume, smiles), run)

"""The command `molecules`: train, pretrain, predict, screen."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sciml.cli import Overrides, run

app = App(
    name="molecules",
    help="Molecular properties: train on a table of SMILES, predict, screen a library.",
)


@app.command
def train(
    table: str = "demo",
    *,
    target: Annotated[list[str] | None, Parameter(negative="")] = None,
    smiles: str | None = None,
    config: str = "small",
    run: Path = Path("runs/molecules"),
    resume: bool = False,
    set_: Overrides = None,
) -> None:
    """Train a property model on a table, and test it beside a random forest.

    Args:
        table: file with one molecule per row, or `demo`: 1,017 molecules with measured
            activity that come with RDKit.
        target: column to learn; repeat for several.
        smiles: column with the SMILES; found by its name if left out.
        config: name of a shipped configuration, or a YAML file.
        run: folder for the model and its report; new or empty.
        resume: continue the training in that folder after an interruption.
    """
    from molecules.experiment import ExperimentConfig
    from molecules.experiment import train as train_model
    from sciml.config import load_config, named_config

    experiment = load_config(ExperimentConfig, named_config("molecules", config), set_ or ())
    train_model(table, target or (), smiles, experiment, run, resume)


@app.command
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
    from molecules.pretraining import PretrainConfig
    from molecules.pretraining import pretrain as pretrain_model
    from sciml.config import load_config, named_config

    experiment = load_config(PretrainConfig, named_config("molecules", config), set_ or ())
    pretrain_model(table, smiles, experiment, run, resume)


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()

"""The command `molecules`; each command lives in a file of its own and is imported when called."""

from cyclopts import App

from sciml.cli import OPTIONS, run, version

COMMANDS = {
    "check": "Look through a table before learning from it: what is wrong, what limits a model.",
    "train": "Train a property model on a table, and test it beside a random forest.",
    "crossvalidate": "Test on every fold, repeatedly, whether a model beats the random forest.",
    "pretrain": "Pre-train an encoder on molecules without labels, to start `train` from.",
    "predict": "Write a table with predictions, intervals and a status beside its own columns.",
    "evaluate": "Score a trained model on a labelled table that it did not learn from.",
    "embed": "Write the encoder's vector of each molecule, for use in other programs.",
    "verify": "Check that a model predicts the same however molecules are written and given.",
    "screen": "Rank a library of any size and draw the best molecules in one HTML page.",
    "merge": "Put the shards of a screen together, as if it had been screened at once.",
    "generate": "Write new molecules: samples, neighbours of one, the way between two.",
    "optimize": "Search for molecules like one at hand with better predictions.",
    "explain": "Show which atoms raise or lower each prediction, beside measured neighbours.",
    "serve": "Answer predictions over HTTP, batched, with limits and a health check.",
    "demo": "Train, predict and screen on molecules that come with RDKit: a few minutes.",
}

app = App(
    name="molecules",
    default_parameter=OPTIONS,
    version=version,
    help="Molecular properties: train on a table of SMILES, predict, screen a library.",
)
for command, summary in COMMANDS.items():
    app.command(f"molecules.commands.{command}:{command}", help=summary)


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()

"""The command `molecules`: train, pretrain, predict, screen."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sciml.cli import Overrides, run

FileOrStdin = Annotated[str, Parameter(allow_leading_hyphen=True)]

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
    from molecules.summary import print_training
    from sciml.config import load_config, named_config

    experiment = load_config(ExperimentConfig, named_config("molecules", config), set_ or ())
    print_training(train_model(table, target or (), experiment, run, resume, smiles), run)


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
    from molecules.summary import print_pretraining
    from sciml.config import load_config, named_config

    experiment = load_config(PretrainConfig, named_config("molecules", config), set_ or ())
    print_pretraining(pretrain_model(table, experiment, run, resume, smiles), run)


@app.command
def predict(
    model: Path,
    table: FileOrStdin = "demo",
    *,
    out: Path = Path("predictions.csv"),
    smiles: str | None = None,
) -> None:
    """Write a table with predictions, intervals and a status beside its own columns.

    Every row comes back, in its order; one that holds no valid molecule says why.

    Args:
        model: the file `model.safetensors` of a training run.
        table: CSV, TSV, SMI, SDF, JSON lines or Parquet, also with .gz; `-` is standard
            input, `demo` the library that comes with RDKit.
        out: .csv, .tsv or .parquet to write.
        smiles: column with the SMILES; found by its name or content if left out.
    """
    from molecules.commands import predict_file

    predict_file(model, table, out, smiles)


@app.command
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
    from molecules.commands import screen_file

    screen_file(model, library, out, csv, top, minimize, target, smiles, min_similarity)


@app.command
def demo(*, out: Path = Path("demo")) -> None:
    """Train, predict and screen on molecules that come with RDKit: a few minutes.

    Args:
        out: folder for everything that is made.
    """
    from molecules.demo import demo as run_demo

    print(run_demo(out))


def main() -> None:
    """Entry point."""
    run(app)


if __name__ == "__main__":
    main()

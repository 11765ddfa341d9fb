"""A saved model is scored on rows that it did not learn from, as its training scored it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from molecules.cli import app
from molecules.evaluation.baselines import OURS
from molecules.files.table import Table
from molecules.prediction.ensemble import Ensemble
from molecules.prediction.predictor import PropertyPredictor
from molecules.training.evaluating import evaluate
from molecules.training.experiment import ExperimentConfig, Trained, train
from sciml.cli import run
from sciml.config import load_config, named_config
from sciml.errors import InputError

SMILES = [f"{'C' * n}{end}" for n in range(1, 13) for end in ("O", "N", "F", "Cl", "")]
SMALL = [
    *("transfer=null", "folds=2", "experts=[kernel]", "measure_gain=false"),
    *("model.backbone.kind=graph_network", "model.backbone.dim=8", "model.backbone.steps=1"),
    *("training.epochs=2", "training.batch_size=16", "training.accelerator=cpu"),
    *("data.fractions=[0.6,0.1,0.3]", "data.standardize=salts"),
]


@pytest.fixture(scope="module")
def table() -> Table:
    frame = pd.DataFrame({"smiles": SMILES})
    sizes = [text.count("C") for text in SMILES]
    frame["length"] = [f"<{n}" if i % 7 == 3 else str(n) for i, n in enumerate(sizes)]
    frame["polar"] = ["wet" if text[-1] in "ON" else "dry" for text in SMILES]
    frame["size"] = [("small", "medium", "large")[n // 5] for n in sizes]
    return Table(frame, "smiles", "made.csv")


@pytest.fixture(scope="module")
def trained(table: Table, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    folder = tmp_path_factory.mktemp("run")
    config = load_config(ExperimentConfig, named_config("molecules", "small"), SMALL)
    config = config.model_copy(update={"data": config.data.model_copy(update={"cache": folder})})
    made = train(table, ["length", "polar", "size"], config, folder / "run")
    return made, folder / "run" / "model.safetensors"


def test_the_test_fold_has_the_scores_that_the_training_told(
    trained: tuple[Trained, Path], table: Table
) -> None:
    made, path = trained
    test = table.frame.iloc[made.rows["test"]].reset_index(drop=True)
    found = evaluate(PropertyPredictor.load(path), Table(test, "smiles", "test.csv"))
    expected = [row for row in made.held_out.scores if row.model == OURS]
    assert repr(found.scores) == repr(expected)  # NaN equals itself here
    assert repr(found.coverage) == repr(made.held_out.coverage)
    assert found.nearness == made.held_out.nearness
    assert set(found.uses) <= {"scored"}
    assert f"{made.held_out.bounded} bounds" in found.notes[-1]


def test_rows_learned_from_are_left_out_however_they_are_written(
    trained: tuple[Trained, Path], table: Table
) -> None:
    """As salts here, which the model reads as their molecule; of several models, by any."""
    made, path = trained
    frame = table.frame.assign(smiles=[f"Cl.{text}" for text in table.smiles])
    frame.loc[len(frame)] = ["C1CC", "3", "dry", "small"]
    frame.loc[len(frame)] = ["CCOC", "n/a", "", ""]
    whole, predictor = Table(frame, "smiles", "whole.csv"), PropertyPredictor.load(path)
    for model in (predictor, Ensemble([predictor, predictor])):
        found = evaluate(model, whole, ["length"])
        uses = np.array(found.uses)
        known = np.sort(np.concatenate([made.rows["train"], made.rows["valid"]]))
        np.testing.assert_array_equal(np.flatnonzero(uses == "learned from"), known)
        assert uses[-2:].tolist() == ["invalid_smiles", "no label"]
        assert set(uses[made.rows["test"]]) == {"scored", "only a bound"}
        assert found.tasks.names == ("length",)
        every = evaluate(model, whole, ["length"], include_learned=True)
        assert every.counts["learned from"] == 0
        assert every.scores[0].score.rows == (~table.frame["length"].str.contains("<")).sum()


def test_without_kept_molecules_fingerprints_tell(
    trained: tuple[Trained, Path], table: Table
) -> None:
    made, path = trained
    predictor = PropertyPredictor.load(path)
    del predictor.metadata["training_molecules"]
    found = evaluate(predictor, table)
    learned = np.flatnonzero(np.array(found.uses) == "learned from")
    assert set(made.rows["train"].tolist()) <= set(learned.tolist())
    assert "the model keeps no molecules" in found.notes[0]


def test_validation_molecules_that_the_file_lacks_are_told(
    trained: tuple[Trained, Path], table: Table
) -> None:
    predictor = PropertyPredictor.load(trained[1])
    assert not any("flatter" in note for note in evaluate(predictor, table).notes)
    predictor.metadata["rows"] = dict(predictor.metadata["rows"], valid=100)
    assert any("flatter" in note for note in evaluate(predictor, table).notes)


def test_command(
    trained: tuple[Trained, Path],
    table: Table,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made, path = trained
    source, out, rows = (tmp_path / name for name in ("new.csv", "scores.csv", "rows.csv"))
    table.frame.drop(columns="size").to_csv(source, index=False)
    with pytest.raises(SystemExit) as ended:
        run(app, ["evaluate", str(path), str(source), "--out", str(out), "--rows", str(rows)])
    assert not ended.value.code
    told = capsys.readouterr().out
    assert f"{len(made.rows['train']) + len(made.rows['valid'])} learned from" in told
    assert "Learned from, and left out: row " in told
    assert "no values of 'size'" in told
    assert "intervals hold" in told
    assert set(pd.read_csv(out)["task"]) == {"length", "polar"}
    written = pd.read_csv(rows)
    assert len(written) == len(SMILES)
    assert (written["use"] == "scored").sum() > 0


def test_an_empty_column_is_told_and_the_others_are_scored(
    trained: tuple[Trained, Path], table: Table
) -> None:
    part = Table(table.frame.assign(size=["", "n/a"] * (len(table) // 2)), "smiles", "made.csv")
    found = evaluate(trained[0].predictor, part)
    assert set(found.tasks.names) == {"length", "polar"}
    assert "no values of 'size'" in found.notes
    with pytest.raises(InputError, match="holds no label"):
        evaluate(trained[0].predictor, part, ["size"])


@pytest.mark.parametrize(
    ("columns", "targets", "message"),
    [
        (["length"], ["lenght"], "the model does not predict 'lenght'"),
        (["length"], ["polar"], "no column 'polar'"),
        ([], [], "made.csv has no values of what the model predicts"),
    ],
)
def test_what_cannot_be_scored(
    trained: tuple[Trained, Path],
    table: Table,
    columns: list[str],
    targets: list[str],
    message: str,
) -> None:
    part = Table(table.frame[["smiles", *columns]], "smiles", "made.csv")
    with pytest.raises(InputError, match=message):
        evaluate(trained[0].predictor, part, targets)


def test_a_table_of_learned_rows_alone_has_a_way_out(
    trained: tuple[Trained, Path], table: Table
) -> None:
    made, _ = trained
    known = table.frame.iloc[made.rows["train"]].reset_index(drop=True)
    with pytest.raises(InputError, match=r"no row to score: .* learned from; --include-learned"):
        evaluate(made.predictor, Table(known, "smiles", "known.csv"))

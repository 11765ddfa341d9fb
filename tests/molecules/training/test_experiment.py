"""From a table to a tested model file, by every shipped configuration."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from molecules.evaluation.similarity import Nearness
from molecules.files.table import Table
from molecules.models.shipped import weights_path
from molecules.prediction.prediction import Embedding
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.training_set import TrainingSet
from molecules.training.experiment import ExperimentConfig, train
from molecules.training.networks import with_shipped_weights
from molecules.training.preparation import DataConfig, prepare
from sciml.config import load_config, named_config
from sciml.errors import InputError

SMILES = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "F", "c1ccccc1", "=O")]
GRAPH = [
    "model.backbone.kind=graph_network",
    "model.backbone.dim=16",
    "model.backbone.steps=1",
    "model.head_hidden=16",
]
TRANSFORMER = [
    "model.backbone.dim=16",
    "model.backbone.depths=[1]",
    "model.backbone.heads=[2]",
    "model.pair_dim=8",
    "model.head_hidden=16",
]
FRESH = ["transfer=null", "folds=1", "experts=[]", "measure_gain=false"]
SHORT = ["training.epochs=2", "training.batch_size=8", "training.accelerator=cpu"]


def made_table(extra: tuple[str, ...] = ()) -> Table:
    """Chain lengths of small molecules, and whether they hold oxygen."""
    smiles = [*SMILES, *extra]
    frame = pd.DataFrame({"smiles": smiles})
    frame["length"] = [str(text.count("C")) for text in smiles]
    frame["oxygen"] = [str(int("O" in text)) for text in smiles]
    return Table(frame, "smiles", "made")


def experiment(name: str, *overrides: str) -> ExperimentConfig:
    size = GRAPH if "graph" in name or name in ("small", "network") else TRANSFORMER
    alone = FRESH if name in ("small", "network") else []
    path = named_config("molecules", name)
    return load_config(ExperimentConfig, path, [*size, *SHORT, *alone, *overrides])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["small", "small_transformer"])
def test_train(name: str, tmp_path: Path) -> None:
    table = made_table(("not a molecule", "", "C1CC"))
    trained = train(table, ["length", "oxygen"], experiment(name), tmp_path / "run")
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files >= {
        "config.yaml",
        "metrics.csv",
        "model.safetensors",
        "rows.csv",
        "scores.csv",
        "splits.json",
    }
    assert trained.unusable == {"empty": 1, "invalid_smiles": 2}
    assert [task.kind for task in trained.predictor.tasks.tasks] == ["regression", "binary"]
    assert {row.model for row in trained.held_out.scores} == {"our model", "random forest", "mean"}
    assert len(trained.held_out.verdicts) == 2
    folds = json.loads((tmp_path / "run" / "splits.json").read_text())
    assert sorted(row for rows in folds.values() for row in rows) == list(range(len(SMILES)))
    rows = pd.read_csv(tmp_path / "run" / "rows.csv", keep_default_na=False)
    assert list(rows["smiles"]) == table.smiles
    assert list(rows["status"][-3:]) == ["invalid_smiles", "empty", "invalid_smiles"]
    assert rows["reason"][-3:].all()
    assert (rows["fold"] == "test").sum() == len(folds["test"])
    assert (
        trained.predictor.metadata["test_similarity"]["median"] == trained.held_out.nearness.median
    )
    loaded = PropertyPredictor.load(tmp_path / "run" / "model.safetensors")
    again, before = loaded.predict(SMILES), trained.predictor.predict(SMILES)
    np.testing.assert_array_equal(again.mean, before.mean)
    np.testing.assert_array_equal(again.upper, before.upper)
    assert again.similarity is not None
    assert (again.similarity[folds["train"]] == 1).all()
    kept = TrainingSet.read(loaded.metadata)
    assert kept is not None
    assert list(kept.smiles) == [SMILES[row] for row in folds["train"]]
    covered = pd.read_csv(tmp_path / "run" / "coverage.csv")
    assert covered.groupby("task")["rows"].first().tolist() == [len(folds["test"])] * 2
    assert loaded.metadata["rows"] == {name: len(rows) for name, rows in folds.items()}


def test_nearness_is_to_the_molecules_that_the_model_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molecules.evaluation.similarity.MOST_KEPT", 2)
    trained = train(made_table(), ["length"], experiment("small"), tmp_path / "run")
    told = trained.predictor.predict([SMILES[row] for row in trained.rows["test"]])
    assert told.similarity is not None
    assert trained.held_out.nearness == Nearness.of(told.similarity)


def test_vectors_of_very_many_are_those_of_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    embed = PropertyPredictor.embed

    def counted(self: PropertyPredictor, smiles: list[str], **given: Any) -> Embedding:
        asked.append(len(smiles))
        return embed(self, smiles, **given)

    monkeypatch.setattr(PropertyPredictor, "embed", counted)
    monkeypatch.setattr("molecules.prediction.domain.SAMPLE", 7)
    trained = train(made_table(), ["length"], experiment("small"), tmp_path / "run")
    assert asked == [7]
    assert trained.predictor.known is not None
    assert len(trained.predictor.known) == len(trained.rows["train"])


def test_misfit_is_named(tmp_path: Path) -> None:
    train(made_table(), ["length"], experiment("small"), tmp_path / "first")
    checkpoint = f"transfer.checkpoint={tmp_path / 'first' / 'model.safetensors'}"
    other = experiment("small", checkpoint, "model.backbone.dim=24")
    with pytest.raises(InputError, match=r"does not fit the model: encoder\.backbone"):
        train(made_table(), ["length"], other, tmp_path / "second")
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ("base", "a graph_network, .* asks for a window_transformer; take --config finetune_graph"),
        ("generator", r"holds a molecules\.generator; expected a molecules\.encoder"),
    ],
)
def test_weights_of_another_kind_are_told_as_that(checkpoint: str, message: str) -> None:
    path = named_config("molecules", "finetune")
    config = load_config(ExperimentConfig, path, [f"transfer.checkpoint={checkpoint}"])
    with pytest.raises(InputError, match=message):
        with_shipped_weights(config)


def test_an_empty_test_fold_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    without = experiment("small", "data.fractions=[0.9, 0.1, 0.0]")
    with pytest.raises(InputError, match="leave no molecule to test the model with"):
        train(made_table(), ["length"], without, tmp_path / "run")
    competition = made_table()  # whose test rows have no labels
    competition.frame["fold"] = ["train"] * 30 + ["valid"] * 5 + ["test"] * 5
    competition.frame.loc[35:, "length"] = ""
    given = experiment("small", "data.split_column=fold")
    with pytest.raises(InputError, match="the test fold has no molecule"):
        train(competition, ["length"], given, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_ensemble_resumes(tmp_path: Path) -> None:
    config = experiment("small", "folds=2", "keep_molecules=false")
    whole = train(made_table(), ["length"], config, tmp_path / "whole").predictor.predict(SMILES)
    assert not np.array_equal(
        *(
            m.head.layers[1].weight.detach()
            for m in PropertyPredictor.load(tmp_path / "whole" / "model.safetensors").members
        )
    )
    assert whole.spread is not None
    assert (whole.spread > 0).all()
    loaded = PropertyPredictor.load(tmp_path / "whole" / "model.safetensors")
    assert TrainingSet.read(loaded.metadata) is None
    with pytest.raises(InputError, match="not empty"):
        train(made_table(), ["length"], config, tmp_path / "whole")
    (tmp_path / "whole" / "model.safetensors").unlink()
    other = made_table()
    other.frame.loc[0, "length"] = "9"
    with pytest.raises(InputError, match=r"begun with 40 rows \('length'\)"):
        train(other, ["length"], config, tmp_path / "whole", resume=True)
    again = train(made_table(), ["length"], config, tmp_path / "whole", resume=True)
    (tmp_path / "whole" / "table.json").unlink()
    with pytest.raises(InputError, match="by an earlier version"):
        train(made_table(), ["length"], config, tmp_path / "whole", resume=True)
    np.testing.assert_array_equal(again.predictor.predict(SMILES).mean, whole.mean)


def test_given_folds(tmp_path: Path) -> None:
    table = made_table()
    table.frame["fold"] = ["train", "train", "train", "valid", "test"] * 8
    ready = prepare(table, ["length"], experiment("small", "data.split_column=fold").data)
    assert [len(ready.folds[name]) for name in ("train", "valid", "test")] == [24, 8, 8]
    path = tmp_path / "splits.json"
    path.write_text(json.dumps({"train": [0, 1, 2], "test": [3, 4]}))
    trained = train(
        table, ["length"], experiment("small", f"data.split_file={path}"), tmp_path / "run"
    )
    assert trained.predictor.calibrations[0].width is None


def test_rows_that_do_not_count_are_not_learned_from(tmp_path: Path) -> None:
    table = made_table()
    table.frame["trust"] = ["1", "0"] * (len(table) // 2) + ["1"] * (len(table) % 2)
    options = ("data.weights=trust", "data.fractions=[0.6, 0.2, 0.2]")
    config = experiment("small", *options)
    notes = prepare(table, ["length"], config.data).notes
    trained = train(table, ["length"], config, tmp_path / "run")
    predictor = trained.predictor
    assert predictor.training_set is not None
    assert {name: len(rows) for name, rows in trained.rows.items()} == predictor.metadata["rows"]
    assert len(predictor.training_set) == len(trained.rows["train"])
    assert len(trained.rows["test"]) == 8
    assert re.fullmatch(
        r"weight 0: \d+ rows not learned from, \d rows? of the test fold scored like any other",
        notes[-1],
    )
    rows = [table.smiles.index(text) for text in predictor.training_set.smiles]
    assert rows
    assert not any(row % 2 for row in rows)
    assert predictor.known is not None
    assert len(predictor.known) == len(rows)


def test_classes_bounds_weights_units_and_salts_reach_the_model(tmp_path: Path) -> None:
    table = made_table(("CCO.Cl", "bad("))
    frame = table.frame
    frame["size"] = ["small", "medium", "large"] * 14
    frame["length"] = ["<-9", ">99", *frame["length"][2:-1], "77"]
    frame["trust"] = ["1", "0.5"] * 21
    options = (
        "data.weights=trust",
        "data.standardize=parent",
        "data.tasks={length: {unit: atoms, better: lower}}",
    )
    config = experiment("small", *options)
    trained = train(table, ["length", "size"], config, tmp_path / "run")
    loaded = PropertyPredictor.load(tmp_path / "run" / "model.safetensors")
    names = ("length", "size=large", "size=medium", "size=small")
    assert loaded.tasks.names == names
    assert loaded.tasks.tasks[0].meaning == "atoms, lower is better"
    exact = frame["length"][2:-1].astype(float)  # no bound, nor a value without a molecule
    assert loaded.metadata["label_range"]["length"] == [exact.min(), exact.max()]
    prediction = loaded.predict(["CCO", "CCO.Cl", "bad("])
    np.testing.assert_array_equal(prediction.mean[0], prediction.mean[1])
    np.testing.assert_allclose(prediction.mean[:2, 1:].sum(axis=1), 1, rtol=1e-6)
    chosen = prediction.most_probable()["size"]
    assert chosen[0] == chosen[1] == names[1 + prediction.mean[0, 1:].argmax()].split("=")[1]
    assert chosen[2] == ""
    assert {row.task for row in trained.held_out.scores} == {*names, "size"}
    matrix = pd.read_csv(tmp_path / "run" / "confusion_size.csv", index_col=0)
    assert list(matrix) == list(matrix.index) == ["large", "medium", "small"]
    accuracy = next(row.score for row in trained.held_out.scores if row.score.metric == "accuracy")
    assert np.trace(matrix.to_numpy()) / matrix.to_numpy().sum() == accuracy.value
    splits = json.loads((tmp_path / "run" / "splits.json").read_text())
    fold_of = {row: fold for fold, rows in splits.items() for row in rows}
    assert fold_of[SMILES.index("CCO")] == fold_of[40]  # the same molecule without its salt


def test_a_folder_does_not_hide_weights_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path)
    assert weights_path(Path("base")).name == "base.safetensors"


def test_a_slip_in_a_yes_no_column_is_no_quantity() -> None:
    table = made_table()
    table.frame["active"] = ["0", "1"] * (len(table) // 2)
    table.frame.loc[6, "active"] = "3,45"
    told = r"column 'active' holds 0 and 1, and 3\.45 in row 7 \(such numbers: 1 of \d+\)"
    with pytest.raises(InputError, match=told):
        prepare(table, ["active"], experiment("small").data)
    with pytest.raises(InputError, match=r"give --data\.tasks '\{active: \{kind: regression\}\}'"):
        prepare(table, ["active"], experiment("small", "data.tasks={active: {unit: nM}}").data)
    quantity = experiment("small", "data.tasks={active: {kind: regression}}").data
    assert prepare(table, ["active"], quantity).tasks.tasks[0].kind == "regression"
    with pytest.raises(InputError, match=r"is to be binary but holds 3\.45"):
        prepare(table, ["active"], experiment("small", "data.tasks={active: {kind: binary}}").data)


@pytest.mark.parametrize(("value", "told"), [("1e9", True), ("-40", True), ("9", False)])
def test_a_wild_value_is_told_before_training(value: str, told: bool) -> None:
    made = made_table()
    made.frame.loc[10, "length"] = value
    lines = [line for line in prepare(made, ["length"], DataConfig()).notes if "rule" in line]
    assert len(lines) == told
    if told:
        assert lines[0].startswith(f"length: {float(value):g} in row 11 lies ")
        assert "1 value so far out" in lines[0]


def test_a_wild_value_of_weight_zero_rules_nothing() -> None:
    made = made_table()
    made.frame.loc[10, "length"] = "1e6"
    made.frame["weight"] = "1"
    made.frame.loc[10, "weight"] = "0"
    ready = prepare(made, ["length"], DataConfig(weights="weight"))
    assert 10 not in ready.folds["test"]
    assert not [line for line in ready.notes if "rule" in line]


def test_of_many_columns_with_wild_values_the_first_few_are_told() -> None:
    made = made_table()
    many = [f"length{number}" for number in range(12)]
    for name in many:
        made.frame[name] = made.frame["length"]
        made.frame.loc[10, name] = "1e6"
    lines = [line for line in prepare(made, many, DataConfig()).notes if "so far out" in line]
    assert len(lines) == 9
    assert lines[-1] == "values so far out in 4 more columns too"


def test_the_scale_of_all_quantities_gives_way_to_that_of_one() -> None:
    """An energy with heavy tails stays a sum over atoms."""
    table = made_table()
    table.frame["IC50"] = np.exp(2 * np.random.default_rng(0).normal(size=len(table)))
    assert prepare(table, ["IC50"], experiment("small").data).tasks.tasks[0].scale == "log"
    energies = experiment("energies", "data.tasks={IC50: {unit: nM}}").data
    (task,) = prepare(table, ["IC50"], energies).tasks.tasks
    assert (task.scale, task.unit) == ("linear", "nM")
    own = experiment("energies", "data.tasks={IC50: {scale: log}}").data
    assert prepare(table, ["IC50"], own).tasks.tasks[0].scale == "log"


def test_weights_have_no_unit() -> None:
    data = experiment("small", "data.weights=trust").data
    found = []
    for unit in (1.0, 1e-4):
        table = made_table()
        table.frame["trust"] = [str(unit * (1 + row % 3)) for row in range(40)]
        found.append(prepare(table, ["length"], data).weights)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
    assert found[0].mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("cell", "message"),
    [("-1", "holds '-1' in row 1"), ("", "holds '' in row 1"), ("much", "holds 'much' in row 1")],
)
def test_weights_that_are_none(cell: str, message: str) -> None:
    table = made_table()
    table.frame["trust"] = [cell, *["1"] * 39]
    with pytest.raises(InputError, match=message):
        prepare(table, ["length"], experiment("small", "data.weights=trust").data)


@pytest.mark.parametrize(
    ("columns", "smiles", "message"),
    [
        (["lenght"], SMILES, "length"),
        (["length"], ["x"] * 40, "no valid molecule"),
    ],
)
def test_bad_input_is_one_line(
    columns: list[str], smiles: list[str], message: str, tmp_path: Path
) -> None:
    table = made_table()
    table.frame["smiles"] = smiles
    with pytest.raises(InputError, match=message) as caught:
        train(Table(table.frame, "smiles", "made"), columns, experiment("small"), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()

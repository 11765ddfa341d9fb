"""A run goes on with what it was begun with, unless the command says otherwise."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from molecules.cli import app
from molecules.commands.begun import Given, given
from molecules.files.table import Table, read_table
from molecules.prediction.predictor import PropertyPredictor
from molecules.training.experiment import ExperimentConfig, train
from molecules.training.same_table import LearnedFrom
from sciml.cli import run as run_command
from sciml.config import load_config, named_config
from sciml.errors import InputError

TINY = [
    "model.backbone.kind=graph_network", "model.backbone.dim=8", "model.backbone.steps=1",
    "training.epochs=1", "training.accelerator=cpu", "transfer=null",
    "folds=1", "experts=[]", "measure_gain=false",
]  # fmt: skip


def call(*words: object, settings: Sequence[str] = ()) -> None:
    more = [word for setting in settings for word in ("--set", setting)]
    with pytest.raises(SystemExit) as ended:
        run_command(app, [*map(str, words), *more])
    assert ended.value.code == 0


def begun(run: Path, noted: LearnedFrom) -> Path:
    """A folder that says of what a run was begun."""
    run.mkdir(parents=True)
    noted.write(run)
    (run / "config.yaml").touch()
    return run


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("molecules.experts.forest.TREES", 10)
    path = tmp_path / "table.csv"
    rows = "".join(f"x,{'C' * n},{n},{n % 3}\n" for n in range(1, 25))
    path.write_text(f"name,drawn,length,rest\n{rows}")
    return path


def test_a_new_run_has_the_defaults(tmp_path: Path) -> None:
    new = given(tmp_path / "new", False, None, "small", ())
    assert new == Given(named_config("molecules", "small"), ("demo",))
    with pytest.raises(InputError, match="nothing to resume in"):
        given(tmp_path / "new", True, None, "small", ())


def test_a_training_goes_on_alone(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run, file = tmp_path / "run", tmp_path / "run" / "model.safetensors"
    call("train", table.name, "--target", "rest", "--smiles", "drawn", "--run", run, settings=TINY)
    once = PropertyPredictor.load(file).predict(["CCO"]).mean
    file.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    call("train", "--run", run, "--resume")
    again = PropertyPredictor.load(file)
    assert again.tasks.names == ("rest",)
    np.testing.assert_array_equal(again.predict(["CCO"]).mean, once)
    call("train", "--run", run, "--resume", "--training.epochs", "2")
    assert yaml.safe_load((run / "config.yaml").read_text())["training"]["epochs"] == 2
    moved = table.rename(tmp_path / "moved.csv")
    with pytest.raises(InputError, match=r"table\.csv is not there: .*run was begun with it"):
        given(run, True, None, "small", ())
    there = given(run, True, None, "small", (str(moved),))
    assert there == Given(run / "config.yaml", (str(moved),), ("rest",), "drawn")
    train(
        read_table(moved, "drawn"), ["rest"], load_config(ExperimentConfig, there.config), run, True
    )
    noted = LearnedFrom.noted(run)
    assert noted is not None
    assert (noted.tables, noted.column) == ((str(table),), "drawn")


def test_a_property_of_classes_goes_on_alone(table: Path, tmp_path: Path) -> None:
    words = table.read_text().replace(",0\n", ",red\n").replace(",1\n", ",green\n")
    table.write_text(words.replace(",2\n", ",blue\n"))
    run = tmp_path / "run"
    named = ["--target", "rest", "--smiles", "drawn", "--run", run]
    call("train", table, *named, settings=TINY)
    (run / "model.safetensors").unlink()
    call("train", "--run", run, "--resume")
    assert given(run, True, None, "small", ()).targets == ("rest",)
    assert len(PropertyPredictor.load(run / "model.safetensors").tasks) == 3


def test_a_run_of_an_earlier_version_is_refused(table: Path, tmp_path: Path) -> None:
    run = begun(tmp_path / "run", LearnedFrom(("rest",), 24, "x", format=1))
    with pytest.raises(InputError, match="by an earlier version"):
        train(read_table(table, "drawn"), ["rest"], ExperimentConfig(), run, True)


def test_a_pretraining_goes_on_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    for part in "ON":
        Path(f"{part}.smi").write_text("".join(f"{'C' * n}{part}\n" for n in range(1, 9)))
    settings = [*TINY[:5], "data.processes=1", "data.rows=12"]
    call("pretrain", "*.smi", "--config", "pretrain_graph", "--run", run, settings=settings)
    wanted = given(run, True, None, "pretrain", ())
    assert wanted == Given(run / "config.yaml", (str(tmp_path / "*.smi"),))
    call("pretrain", "--run", run, "--resume", "--training.epochs", "2")
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["rows"] == 12


def test_a_crossvalidation_goes_on_alone(table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["--target", "length", "--folds", 2, "--repeats", 1, "--against", "network"]
    call("crossvalidate", table, *words, "--smiles", "drawn", "--run", run, settings=TINY)
    wanted = given(run, True, None, "small", ())
    other = run / "against" / "config.yaml"
    assert wanted == Given(
        run / "config.yaml", (str(table),), ("length",), "drawn", 2, 1, against=other
    )
    kept = (run / "folds.csv").read_bytes()
    call("crossvalidate", "--run", run, "--resume")
    assert (run / "folds.csv").read_bytes() == kept
    assert given(run, True, "fast", "small", (), folds=3).folds == 3


@pytest.mark.parametrize(
    ("noted", "message"),
    [
        (LearnedFrom(("a",), 3, "x"), "does not say of what table"),
        (LearnedFrom(("a",), 3, "x", tables=("-",)), "was begun from standard input"),
        (LearnedFrom(("a",), 3, "x", tables=("/none/*.csv",)), "matches nothing.*was begun with"),
    ],
)
def test_tables_that_cannot_be_found(noted: LearnedFrom, message: str, tmp_path: Path) -> None:
    run = begun(tmp_path / "run", noted)
    with pytest.raises(InputError, match=message):
        given(run, True, None, "small", ())
    assert given(run, True, None, "small", ("-",)).targets == ("a",)


def test_what_stands_in_no_folder_is_noted_as_it_is(table: Path, tmp_path: Path) -> None:
    tables: list[str | Path | Table] = [
        "demo",
        "-",
        "s3://bucket/a.csv",
        read_table(table, "drawn"),
        "here.csv",
    ]
    at = LearnedFrom().at(tables, "drawn").tables
    assert at == ("demo", "-", "s3://bucket/a.csv", str(Path("here.csv").absolute()))
    run = begun(tmp_path / "run", LearnedFrom().at(["demo"], None))
    assert given(run, True, None, "small", ()).tables == ("demo",)

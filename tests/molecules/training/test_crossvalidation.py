"""Every molecule is tested once a repeat; the comparison rests on the same folds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from molecules.cli import app
from molecules.evaluation.baselines import FOREST, OURS
from molecules.evaluation.significance import Difference
from molecules.files.table import Table
from molecules.training.crossvalidation import Compared, _compared, crossvalidate, share_tested
from molecules.training.experiment import ExperimentConfig
from sciml.cli import run as run_command
from sciml.config import load_config, named_config
from sciml.errors import InputError

TINY = [
    "model.backbone.kind=graph_network", "model.backbone.dim=8", "model.backbone.steps=1",
    "training.epochs=1", "training.accelerator=cpu", "transfer=null",
    "folds=1", "experts=[]", "measure_gain=false",
]  # fmt: skip


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("molecules.experts.forest.TREES", 10)
    path = tmp_path / "table.csv"
    path.write_text("smiles,length\n" + "".join(f"{'C' * n},{n}\n" for n in range(1, 25)) + "x,1\n")
    return path


def config(*more: str) -> ExperimentConfig:
    return load_config(ExperimentConfig, named_config("molecules", "small"), [*TINY, *more])


def test_beside_the_forest_and_again(table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = crossvalidate(table, ["length"], config(), run, folds=3, repeats=1)
    rmse = result.scores[result.scores["metric"] == "RMSE"]
    assert sorted(rmse["model"]) == ["our model"] * 3 + ["random forest"] * 3
    assert rmse["rows"].sum() == 2 * 24
    compared = next(row for row in result.compared if row.metric == "RMSE")
    values = rmse.pivot_table(index="fold", columns="model", values="value")
    difference = values["our model"] - values["random forest"]
    assert compared.difference.mean == pytest.approx(difference.mean())
    assert compared.difference.folds == 3
    stored = pd.read_csv(run / "comparison.csv")
    assert list(stored["outcome"]) == [row.outcome for row in result.compared]
    made = {path: path.stat().st_mtime_ns for path in run.rglob("model.safetensors")}
    again = crossvalidate(table, ["length"], config(), run, folds=3, repeats=1, resume=True)
    pd.testing.assert_frame_equal(again.scores, result.scores)
    assert made == {path: path.stat().st_mtime_ns for path in run.rglob("model.safetensors")}


def test_networks_hold_out_what_they_would_in_a_training(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def stop(*_: object, kind: str) -> None:
        told.append(kind)
        raise KeyboardInterrupt

    monkeypatch.setattr("molecules.training.crossvalidation.train", stop)
    with pytest.raises(KeyboardInterrupt):
        crossvalidate(table, ["length"], config("data.split=random"), tmp_path / "run", folds=2)
    assert told == ["random"]


def test_what_is_not_the_same_is_not_gone_on_with(table: Path, tmp_path: Path) -> None:
    run, targets = tmp_path / "run", ["length"]

    def again(source: Path = table, *more: str, folds: int = 2, against: bool = True) -> None:
        other = config("training.optimizer.lr=0.01") if against else None
        crossvalidate(source, targets, config(*more), run, folds, 1, other, resume=True)

    other = config("training.optimizer.lr=0.01")
    crossvalidate(table, targets, config(), run, 2, 1, other)
    copy = tmp_path / "copy.tsv"
    copy.write_text(table.read_text().replace(",", "\t"))
    again(copy)  # the same content
    again(against=False)
    changed = tmp_path / "changed.csv"
    changed.write_text(table.read_text().replace("CCC,3", "CCC,4"))
    with pytest.raises(InputError, match=r"begun with 25 rows \('length'\) in 2 folds; 25 rows"):
        again(changed)
    with pytest.raises(InputError, match="in 3 folds came, and is not the same"):
        again(folds=3)
    with pytest.raises(InputError, match=r"begun with training\.epochs 1, not 2"):
        again(table, "training.epochs=2")  # folds that are done would not learn for longer
    with pytest.raises(
        InputError, match=r"run/against was begun with training\.optimizer\.lr 0\.01"
    ):
        crossvalidate(table, targets, config(), run, 2, 1, config(), resume=True)


def test_properties_without_a_forest_are_told_without_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("molecules.experts.forest.TREES", 5)
    monkeypatch.setattr("molecules.training.testing.MANY_TASKS", 1)
    frame = pd.DataFrame(
        {"smiles": ["C" * n for n in range(1, 25)], "a": range(24), "b": range(24)}
    )
    table = Table(frame.astype(str), "smiles")
    result = crossvalidate(table, ["a", "b"], config(), tmp_path / "run", folds=2, repeats=1)
    one, alone = sorted(
        (row for row in result.compared if row.metric == "RMSE"),
        key=lambda row: np.isnan(row.other),
    )
    assert one.outcome != alone.outcome == "not compared"
    assert np.isfinite(alone.ours)
    assert np.isnan(alone.other)
    assert (tmp_path / "run" / "folds.csv").exists()


@pytest.mark.parametrize("left", [None, ".1a2b3c4d-config.yaml"])
def test_goes_on_where_the_other_folder_was_only_begun(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str | None
) -> None:
    class Killed(Exception):
        pass

    def kill(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("molecules.training.crossvalidation._scores", kill)
    run, targets, other = tmp_path / "run", ["length"], config("training.optimizer.lr=0.01")
    with pytest.raises(Killed):
        crossvalidate(table, targets, config(), run, 2, 1, other)
    (run / "against" / "config.yaml").unlink()
    if left:  # by a kill while it was written
        (run / "against" / left).touch()
    with pytest.raises(Killed):
        crossvalidate(table, targets, config(), run, 2, 1, other, resume=True)
    assert (run / "against" / "config.yaml").exists()


@pytest.mark.slow
def test_two_configurations(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dotted = [word for option in TINY for word in ("--set", option)]
    line = ["crossvalidate", str(table), "--target", "length", "--folds", "2", "--repeats", "1",
            "--against", "small", "--run", str(tmp_path / "run"), *dotted]  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        run_command(app, line)
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert "1 x 2-fold cross-validation, split random" in printed
    assert "other model" in printed
    difference = pd.read_csv(tmp_path / "run" / "comparison.csv")["difference_mean"]
    np.testing.assert_allclose(difference, 0, atol=1e-12)  # the same model twice


def test_p_is_adjusted_for_the_properties_of_a_metric() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"task": task, "metric": metric, "model": model, "repeat": 0, "fold": fold, "value": value}
        for task in "abcd"
        for metric in ("RMSE", "MAE")
        for fold in range(5)
        for model, value in ((OURS, rng.normal()), (FOREST, rng.normal(1)))
    ]
    compared = _compared(pd.DataFrame(rows), FOREST, 0.25)
    for metric in ("RMSE", "MAE"):
        of_metric = [row for row in compared if row.metric == metric]
        p = sorted(row.difference.p for row in of_metric)
        by_hand = [min(p[j] * 4 / (j + 1) for j in range(i, 4)) for i in range(4)]
        assert sorted(row.p for row in of_metric) == pytest.approx(by_hand)


def test_outcomes_follow_the_direction_of_the_metric() -> None:
    def outcome(mean: float, p: float, larger: bool) -> str:
        return Compared("y", "m", 0, 0, (0, 0), Difference(mean, 0, 0, p, 5), p, larger).outcome

    assert outcome(0.1, 0.01, larger=True) == outcome(-0.1, 0.01, larger=False) == "better"
    assert outcome(0.1, 0.01, larger=False) == "worse"
    assert outcome(0.1, 0.2, larger=True) == outcome(0.1, np.nan, larger=True) == "no difference"


@pytest.mark.parametrize(
    ("folds", "options", "message"),
    [
        (1, (), "expected at least 2"),
        (3, ("data.split=scaffold",), "one division only"),
        (30, (), "do not fill 30 folds"),
    ],
)
def test_refusals(
    table: Path, tmp_path: Path, folds: int, options: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        crossvalidate(table, ["length"], config(*options), tmp_path / "run", folds)
    assert not (tmp_path / "run").exists()


def test_a_single_network_does_not_learn_from_validation_rows() -> None:
    rows = {"train": np.arange(70), "valid": np.arange(10), "test": np.arange(20)}
    stack, single = ExperimentConfig(folds=5), ExperimentConfig()
    assert share_tested([rows], [stack]) == 20 / 80
    assert share_tested([rows], [stack, single]) == 20 / 70

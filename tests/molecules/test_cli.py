"""The commands that train: what they print, and how they refuse."""

from pathlib import Path

import pytest

from molecules.cli import app
from sciml.cli import run

TABLE = "smiles,length,name\n" + "\n".join(f"{'C' * n},{n}.5,m{n}" for n in range(1, 41))
TINY = [
    "--model.backbone.dim=8",
    "--model.backbone.steps=1",
    "--training.epochs=1",
    "--training.accelerator=cpu",
    "--model.backbone.kind=graph_network",
    "--transfer=null",
    "--folds=1",
    "--experts=[]",
    "--measure_gain=false",
]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a command ends."""
    with pytest.raises(SystemExit) as ended:
        run(app, arguments)
    assert ended.value.code == 2
    line = capsys.readouterr().err.strip()
    assert line.startswith("error:")
    assert "\n" not in line
    return line


def train(table: Path, folder: Path, *more: str) -> list[str]:
    dotted = [word for option in TINY for word in ("--set", option.removeprefix("--"))]
    return ["train", str(table), "--run", str(folder), *dotted, *more]


def test_train_says_what_it_made(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(app, train(table, tmp_path / "run", "--target", "length"))
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    for expected in ("32 train, 4 valid, 4 test", "random forest", "mean", "model.safetensors"):
        assert expected in printed
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_refusals(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = tmp_path / "run"
    assert "length" in refused(train(table, new, "--target", "lenght"), capsys)
    assert "none.csv" in refused(train(tmp_path / "none.csv", new), capsys)
    assert "batch_size" in refused(train(table, new, "--set", "training.batchsize=2"), capsys)
    assert "small" in refused(["train", str(table), "--config", "smal"], capsys)
    weights = tmp_path / "weights.safetensors"
    weights.write_text("no weights", encoding="utf-8")
    wrong = ["--target", "length", "--set", f"transfer.checkpoint={weights}"]
    assert "not a model file" in refused(train(table, new, *wrong), capsys)
    assert not new.exists()

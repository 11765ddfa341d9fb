"""Real tables by command: learn from one, predict it back, row by row."""

from pathlib import Path

import pandas as pd
import pytest

from molecules.cli import app
from sciml.cli import run

TABLES = {
    "ESOL": ("delaney-processed.csv", "measured log solubility in mols per litre"),
    "BBBP": ("BBBP.csv", "p_np"),
}
BRIEF = ["--training.epochs", "1", "--set", "folds=2", "--set", "experts=[kernel]"]
BRIEF += ["--set", "measure_gain=false"]


@pytest.mark.parametrize("name", TABLES)
def test_train_and_predict(shared_data: Path, tmp_path: Path, name: str) -> None:
    file, target = TABLES[name]
    table, folder = shared_data / "molecules" / "moleculenet" / file, tmp_path / "run"
    out = tmp_path / "predictions.csv"
    model = str(folder / "model.safetensors")
    for line in (
        ["train", str(table), "--target", target, "--run", str(folder), *BRIEF],
        ["predict", model, str(table), "--out", str(out)],
    ):
        with pytest.raises(SystemExit) as ended:
            run(app, line)
        assert not ended.value.code
    scores = pd.read_csv(folder / "scores.csv").set_index(["metric", "model"])["value"]
    if name == "ESOL":  # even a brief training beats the mean by far
        assert scores["RMSE", "our model"] < 0.75 * scores["RMSE", "mean"]
    else:
        assert scores["ROC-AUC", "our model"] > 0.75
    rows, given = pd.read_csv(out), pd.read_csv(table, skipinitialspace=True)
    assert len(rows) == len(given)
    assert (rows["status"] != "ok").sum() == {"ESOL": 0, "BBBP": 11}[name]
    assert rows.loc[rows["status"] == "ok", f"{target}_pred"].notna().all()

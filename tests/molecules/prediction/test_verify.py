"""The check of a model passes where it should, and fails where it should."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from molecules.cli import app
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction import verify as module
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.prediction.verify import Check
from molecules.tasks import Task, Tasks
from sciml.cli import run
from sciml.graph import GraphNetworkConfig


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    tasks = Tasks(tasks=(Task(name="logS"),))
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), fingerprint=True)
    predictor = PropertyPredictor(
        PredictorConfig(model=config, tasks=tasks), [PropertyModel(config, tasks)]
    )
    predictor.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.slow
def test_a_sound_model_passes(
    model: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shared_data / "molecules" / "dirty" / "dirty_input.csv"
    with pytest.raises(SystemExit) as ended:
        run(app, ["verify", str(model), str(table), "--most", "60"])
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert printed.count("passed") == 6
    assert "SMILES spelling" in printed


def test_a_model_that_counts_letters_fails(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    predict = PropertyPredictor.predict

    def spelled(
        self: PropertyPredictor, smiles: list[str], *more: object, **most: object
    ) -> object:
        found = predict(self, smiles, *more, **most)  # type: ignore[arg-type]
        rings = np.array([[text.count("1")] for text in smiles])
        first = [[(Chem.MolFromSmiles(t) or Chem.MolFromSmiles("C")).GetAtomWithIdx(0).GetMass()]
                 for t in smiles]  # fmt: skip
        return replace(found, mean=found.mean + rings + np.array(first))

    monkeypatch.setattr(PropertyPredictor, "predict", spelled)
    monkeypatch.setattr(module, "_with_workers", lambda source, rows: spelled(
        source.load(), rows).mean)  # fmt: skip
    with pytest.raises(SystemExit) as ended:
        run(app, ["verify", str(model), "demo", "--most", "20"])
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:6]] == ["FAILED"] + ["passed"] * 5


def test_nan_is_no_agreement() -> None:
    assert not Check("order", 1, float("nan"), "C").passed
    assert Check("order", 1, 0.0, "C").passed

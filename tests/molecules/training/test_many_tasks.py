"""Hundreds of properties: one training, a few lines, and a forest for some of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from molecules.evaluation.metrics import MANY_TASKS
from molecules.experts import forest
from molecules.files.table import Table
from molecules.prediction.predict_file import SETS_TOLD, meanings
from molecules.training.experiment import ExperimentConfig, train
from molecules.training.summary import show_training
from sciml.config import load_config, named_config

SMILES = [f"{'C' * n}{end}" for n in range(1, 9) for end in ("O", "N", "F", "c1ccccc1", "=O")]
ASSAYS = 40


def made() -> Table:
    """Assay k has fewer labels the larger k is; the last has one class, and none in training."""
    frame = pd.DataFrame({"smiles": SMILES})
    draw = np.random.default_rng(0)
    for number in range(ASSAYS):
        active = [str(int(("O" in text) ^ (draw.random() < 0.1))) for text in SMILES]
        measured = draw.random(len(SMILES)) < 1 - number / (ASSAYS + 5)
        cells = [a if m else "" for a, m in zip(active, measured, strict=True)]
        frame[f"assay_{number}"] = cells if number < ASSAYS - 1 else ["0"] * len(SMILES)
    return Table(frame, "smiles", "made")


def test_forty_properties_in_a_few_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(forest, "TREES", 5)
    config = load_config(
        ExperimentConfig,
        named_config("molecules", "multitask"),
        [
            "transfer=null",
            "model.backbone.kind=graph_network",
            "model.backbone.dim=16",
            "model.backbone.steps=1",
            "training.optimizer.rates={}",
            "training.epochs=2",
            "training.batch_size=8",
            "training.accelerator=cpu",
        ],
    )
    trained = train(made(), ["*"], config, tmp_path / "run")
    told = capsys.readouterr().err
    assert "1 column holds no two different labels, and is left out: 'assay_39'" in told
    assert "and 31 more; 40 of 40 rows have both" in told
    assert len(trained.predictor.tasks) == ASSAYS - 1 > MANY_TASKS
    by_forest = {row.task for row in trained.held_out.scores if row.model == "random forest"}
    assert len(trained.held_out.verdicts) == MANY_TASKS
    assert 0 < len(by_forest) <= ASSAYS - 1
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert scores.loc[scores["model"] == "our model", "task"].nunique() == ASSAYS - 1
    console = Console(record=True, width=200)
    show_training(trained, tmp_path / "run", console)
    text = console.export_text()
    assert len(text.splitlines()) < 20
    assert "ROC-AUC of " in text
    assert "properties have no ROC-AUC" in text
    assert f"Of {MANY_TASKS} properties with a forest" in text
    assert meanings(trained.predictor.tasks) == [
        "assay_0_pred: probability (so are 38 more columns)",
        SETS_TOLD,
    ]
    assert np.isfinite(trained.predictor.predict(["CCO"]).mean).all()

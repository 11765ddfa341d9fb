"""A real model of random weights, as a file."""

from pathlib import Path

import pytest
import torch

from molecules.evaluation.similarity import fingerprints, to_text
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.tasks import Task, Tasks
from sciml.graph import GraphNetworkConfig


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    tasks = Tasks(tasks=(Task(name="logS"), Task(name="toxic", kind="binary")))
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
    predictor = PropertyPredictor(
        PredictorConfig(model=config, tasks=tasks),
        [PropertyModel(config, tasks)],
        [Calibration(width=0.5), Calibration()],
        {
            "label_range": {"logS": [-1.0, 1.0]},
            "training_fingerprints": to_text(fingerprints(["c1ccccc1O", "CCO"])),
        },
    )
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    predictor.save(path)
    return path

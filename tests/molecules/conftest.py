"""Commands as a user gives them, and a model of small numbers."""

from collections.abc import Callable

import pytest
import torch

from molecules.cli import app
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.tasks import Task, Tasks
from sciml.cli import run
from sciml.graph import GraphNetworkConfig
from sciml.normalize import Normalizer


@pytest.fixture
def small_quantity() -> PropertyPredictor:
    """Fresh weights for a dissociation constant in mol/L, some 1e-7."""
    tasks = Tasks(tasks=(Task(name="Kd", unit="mol/L"),))
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=1), head_hidden=16)
    scale = Normalizer(torch.tensor([2e-7]), torch.tensor([1e-7]))
    model = PropertyModel(config, tasks, scale)
    made = PredictorConfig(model=config, tasks=tasks)
    return PropertyPredictor(made, [model], [Calibration(width=1e-7)])


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that the user is to mend; gives its one line of error, the last."""

    def refused(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            run(app, [str(argument) for argument in arguments])
        assert ended.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert [line for line in lines if line.startswith("error:")] == lines[-1:]
        return lines[-1]

    return refused

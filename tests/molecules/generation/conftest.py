"""A generator that has learned some dozen molecules by heart, and a property model."""

from pathlib import Path

import pytest
import torch

from molecules.evaluation.similarity import fingerprints
from molecules.generation.generator import Generator
from molecules.models.generator import GENERATOR, DecoderConfig
from molecules.models.model import ModelConfig, PropertyModel
from molecules.prediction.calibration import Calibration
from molecules.prediction.domain import Domain
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.pretraining.generators import in_tokens, make_generator
from molecules.pretraining.library import make_library
from molecules.pretraining.writing import SelfiesWriting
from molecules.tasks import Task, Tasks
from sciml.graph import GraphNetworkConfig
from sciml.model_file import save_model

LEARNED = [
    f"{'C' * length}{end}"
    for length in range(2, 10)
    for end in ("O", "N", "Cl", "c1ccccc1", "C(=O)O", "OC", "C(=O)NC")
]
STEPS = 250


@pytest.fixture(scope="session")
def learned() -> list[str]:
    return LEARNED


@pytest.fixture(scope="session")
def generator_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generator")
    sizes = DecoderConfig(
        slots=24, latent=4, dim=64, embedding=32, reader=32, tokens=64, longest=24
    )
    library, words, left_out = in_tokens(
        make_library(LEARNED, folder, 50, targets=False, texts=True), sizes
    )
    assert not left_out
    torch.manual_seed(0)
    encoder = ModelConfig(backbone=GraphNetworkConfig(dim=32, steps=2))
    model = make_generator(library, words, encoder, sizes)
    objective = SelfiesWriting(divergence=0.05, annealing=0.5, hidden_tokens=0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    batch = library.__getitems__(range(len(library)))
    for step in range(STEPS):
        objective.share = step / STEPS
        loss = objective(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save_model(folder / "generator.safetensors", model, GENERATOR, model.config, {})
    return folder / "generator.safetensors"


@pytest.fixture(scope="session")
def generator(generator_file: Path) -> Generator:
    return Generator.load(generator_file)


@pytest.fixture(scope="session")
def predictor_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    tasks = Tasks(tasks=(Task(name="logS", unit="log10 mol/L"), Task(name="toxic", kind="binary")))
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16)
    model = PropertyPredictor(
        PredictorConfig(model=config, tasks=tasks),
        [PropertyModel(config, tasks)],
        [Calibration(width=0.5), Calibration()],
    )
    model.metadata = Domain.fit(fingerprints(LEARNED), model.embed(LEARNED).vectors).to_metadata()
    path = tmp_path_factory.mktemp("predictor") / "model.safetensors"
    model.save(path)
    return path

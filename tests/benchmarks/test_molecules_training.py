"""The training that ends with its CPU seconds."""

import molecules_training
import numpy as np
import pytest
import torch
from molecules_training import learn

from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.models.model import ModelConfig, PropertyModel, target_normalizer
from molecules.tasks import Task, Tasks
from molecules.training.objectives import PropertyLoss, PropertyLossConfig
from sciml.graph import GraphNetworkConfig
from sciml.learner import OptimizerConfig, RateConfig
from sciml.training import TrainingConfig

SMILES = ["C" * n + end for n in range(1, 9) for end in ("O", "N")]


def made() -> tuple[PropertyModel, PropertyLoss, MoleculeData]:
    tasks, labels = Tasks(tasks=(Task(name="size"),)), np.array([[float(len(s))] for s in SMILES])
    torch.manual_seed(0)
    config = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=1), head_hidden=16)
    model = PropertyModel(config, tasks, target_normalizer(tasks, labels))
    data = MoleculeData(featurize(SMILES).packed, np.arange(len(SMILES)), labels=labels)
    return model, PropertyLoss(PropertyLossConfig(), tasks, labels), data


def test_it_learns_until_the_seconds_are_spent() -> None:
    model, loss, data = made()
    before = loss(model, data.__getitems__(range(len(data))))[0].item()
    config = TrainingConfig(batch_size=8, ema_decay=0.9, optimizer=OptimizerConfig(lr=1e-2))
    spent = learn(model, loss, data, config, 1.0)
    after = loss(model, data.__getitems__(range(len(data))))[0].item()
    assert 1.0 <= spent.cpu_seconds < 1.5
    assert spent.epochs == spent.steps * 8 / len(SMILES)
    assert after < 0.1 * before
    assert not model.training


def test_rates_hold_parameters_until_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    model, loss, data = made()
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    rates = {"encoder.*": RateConfig(after=0.999)}
    monkeypatch.setattr(molecules_training, "WARMUP", 0.5)
    config = TrainingConfig(
        batch_size=16, optimizer=OptimizerConfig(lr=1e-3, rates=rates, weight_decay=0.0)
    )
    clock = iter(np.arange(100.0))  # one second a call: after 3 steps all is spent
    monkeypatch.setattr(molecules_training.time, "process_time", lambda: next(clock))
    learn(model, loss, data, config, 3.0)
    moved = {n for n, value in model.named_parameters() if not torch.equal(value, start[n])}
    assert moved
    assert all(name.startswith("head.") for name in moved)

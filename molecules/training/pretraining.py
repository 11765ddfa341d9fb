"""Pre-training: an encoder learns from molecules without labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from molecules.features.conformers import conformers
from molecules.features.data import MoleculeData
from molecules.features.descriptors import descriptors
from molecules.features.features import MAX_ATOMS
from molecules.features.store import stored_featurize
from molecules.models.model import ENCODER, EncoderModel, ModelConfig
from molecules.prediction.predictor import sees_conformers
from molecules.training.objectives import Pretraining, PretrainingConfig
from molecules.training.preparation import open_table
from sciml.config import Config, dump_config
from sciml.errors import InputError
from sciml.files import atomic_path, claim_run
from sciml.model_file import save_model
from sciml.normalize import Normalizer
from sciml.training import FitResult, TrainingConfig, fit


class PretrainDataConfig(Config):
    """Which molecules to learn from.

    Attributes:
        rows: at most so many, from the start of the table.
        valid: share of them held out to choose the best weights.
        max_atoms: larger molecules are left out.
        conformer_seed: of the conformers, for a model that sees them.
        cache: folder that keeps graphs and conformers, for all that meets these molecules.
    """

    rows: int | None = Field(None, ge=1)
    valid: float = Field(0.05, gt=0, lt=1)
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    conformer_seed: int = 0
    cache: Path | None = None


class PretrainConfig(Config):
    """The sections of a pre-training's YAML file."""

    data: PretrainDataConfig = PretrainDataConfig()
    model: ModelConfig = ModelConfig()
    objective: PretrainingConfig = PretrainingConfig()
    training: TrainingConfig = TrainingConfig()


@dataclass(frozen=True)
class Pretrained:
    """What came of pre-training: how it went, and the molecules it saw."""

    fit: FitResult
    molecules: int


def pretrain(
    table: str | Path,
    config: PretrainConfig,
    run: Path,
    resume: bool = False,
    smiles: str | None = None,
) -> Pretrained:
    """Pre-train and write `run/model.safetensors`, to be named in `transfer.checkpoint`.

    Args:
        table: file of molecules, or `demo`.
        config: see `PretrainConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on with an interrupted run.
        smiles: column of SMILES, if it cannot be found by name.

    Raises:
        InputError: no valid molecule, or objectives and model that do not go together.
    """
    if config.objective.denoising and not sees_conformers(config.model):
        raise InputError(
            "objective.denoising needs a model that sees conformers: a window_transformer "
            "with model.geometry conformer or both"
        )
    data = _read(table, smiles, config)
    torch.manual_seed(config.training.seed)
    model = EncoderModel(config.model)
    claim_run(run, resume)
    with atomic_path(run / "config.yaml") as path:
        path.write_text(dump_config(config), encoding="utf-8")
    order = np.random.default_rng(config.training.seed).permutation(len(data))
    held = max(1, round(config.data.valid * len(data)))
    train, valid = data.rows(np.sort(order[held:])), data.rows(np.sort(order[:held]))
    encoder = model.encoder
    objective = Pretraining(
        config.objective, encoder.backbone.out_dim, encoder.dim, _statistics(train)
    )
    result = fit(model, objective, train, valid, config.training, run, resume)
    metadata: dict[str, Any] = {"table": Path(table).name, "molecules": len(data)}
    save_model(run / "model.safetensors", model, ENCODER, config.model, metadata)
    return Pretrained(result, len(data))


def _read(table: str | Path, smiles: str | None, config: PretrainConfig) -> MoleculeData:
    rows = open_table(table, smiles).smiles[: config.data.rows]
    featurized = stored_featurize(rows, config.data.max_atoms, folder=config.data.cache)
    if len(featurized.rows) < 2:
        raise InputError(f"{table} holds {len(featurized.rows)} valid molecules; expected more")
    usable = [rows[row] for row in featurized.rows]
    positions, targets = None, None
    if sees_conformers(config.model):
        made = conformers(usable, config.data.conformer_seed, cache=config.data.cache)
        positions = made.positions
    if config.objective.descriptors:
        targets = descriptors(usable)
    everything = np.arange(len(usable))
    return MoleculeData(featurized.packed, everything, positions=positions, descriptors=targets)


def _statistics(data: MoleculeData) -> Normalizer | None:
    if data.descriptors is None:
        return None
    return Normalizer.fit([torch.from_numpy(data.descriptors[data.indices])])

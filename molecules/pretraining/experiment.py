"""A whole pre-training: from molecules without labels to an encoder to start from."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from molecules.features.features import MAX_ATOMS
from molecules.files.table import demo_activity, iter_library
from molecules.models.model import ENCODER, EncoderModel, ModelConfig
from molecules.prediction.reading import sees_conformers
from molecules.pretraining.library import Library, Part, make_library
from molecules.pretraining.objective import Pretraining, PretrainingConfig
from molecules.pretraining.winsorize import Winsorizer
from molecules.training.preparation import DEMO
from sciml.config import Config, dump_config
from sciml.errors import InputError
from sciml.files import atomic_path, claim_run
from sciml.model_file import save_model
from sciml.training import FitResult, TrainingConfig, fit

_SAMPLE = 65_536  # molecules that limits and moments of descriptors are taken from


class PretrainDataConfig(Config):
    """Which molecules to learn from.

    Attributes:
        rows: that many of them at most, drawn at random; default all.
        seed: of that draw.
        valid: share of them held out to choose the best weights.
        max_atoms: larger molecules are left out.
        conformer_seed: of the conformers, for a model that sees them.
        cache: folder that keeps graphs, descriptors and conformers, for all that meets
            these molecules; default the run's own.
        processes: that compute them; default one per core.
    """

    rows: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)
    valid: float = Field(0.05, gt=0, lt=1)
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    conformer_seed: int = 0
    cache: Path | None = None
    processes: int | None = Field(None, ge=1)


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
    tables: Sequence[str | Path],
    config: PretrainConfig,
    run: Path,
    resume: bool = False,
    smiles: str | None = None,
) -> Pretrained:
    """Pre-train and write `run/model.safetensors`, to be named in `transfer.checkpoint`.

    Args:
        tables: files of molecules, or `demo`.
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
    chosen = _chosen(tables, smiles, config.data)
    claim_run(run, resume)
    with atomic_path(run / "config.yaml") as path:
        path.write_text(dump_config(config), encoding="utf-8")
    library = _library(chosen, config, run)
    if len(library) < 2:
        given = ", ".join(map(str, tables))
        raise InputError(f"{given}: {len(library)} valid molecules; expected more")
    torch.manual_seed(config.training.seed)
    model = EncoderModel(config.model)
    order = np.random.default_rng(config.training.seed).permutation(len(library))
    held = max(1, round(config.data.valid * len(library)))
    train, valid = library.rows(np.sort(order[held:])), library.rows(np.sort(order[:held]))
    encoder = model.encoder
    objective = Pretraining(
        config.objective, encoder.backbone.out_dim, encoder.dim, _winsorizer(library.parts, config)
    )
    result = fit(model, objective, train, valid, config.training, run, resume)
    metadata: dict[str, Any] = {
        "tables": [Path(table).name for table in tables],
        "molecules": len(library),
        "objective": config.objective.model_dump(mode="json"),
        "steps": result.steps,
        "cpu_seconds": round(result.cpu_seconds),
        "device": result.device,
    }
    save_model(run / "model.safetensors", model, ENCODER, config.model, metadata)
    return Pretrained(result, len(library))


def _chosen(
    tables: Sequence[str | Path], column: str | None, config: PretrainDataConfig
) -> list[str]:
    """SMILES in random order; some hundred bytes each, held in memory."""
    found: list[str] = []
    for table in tables:
        parts = [demo_activity()] if str(table) == DEMO else iter_library(table, smiles=column)
        for part in parts:
            found += part.smiles
    order = np.random.default_rng(config.seed).permutation(len(found))
    return [found[row] for row in order[: config.rows]]


def _library(smiles: Sequence[str], config: PretrainConfig, run: Path) -> Library:
    reads_counts = config.model.fingerprint or config.objective.tells_targets
    return make_library(
        smiles,
        config.data.cache or run / "library",
        config.data.max_atoms,
        reads_counts,
        config.data.conformer_seed if sees_conformers(config.model) else None,
        config.data.processes or os.cpu_count() or 1,
    )


def _winsorizer(parts: Sequence[Part], config: PretrainConfig) -> Winsorizer | None:
    """Limits and moments of the descriptors, of the first molecules: they are in random order."""
    if not config.objective.descriptors:
        return None
    sample, rows = [], 0
    for part in parts:
        if rows >= _SAMPLE:
            break
        assert part.targets is not None
        sample.append(part.targets.descriptors)
        rows += len(part)
    return Winsorizer.fit(np.concatenate(sample))

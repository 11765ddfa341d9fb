"""A whole pre-training: from molecules without labels to an encoder to start from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from molecules.features.features import MAX_ATOMS
from molecules.files.sources import DEMO
from molecules.files.table import demo_activity, iter_library
from molecules.models.generator import GENERATOR, DecoderConfig, GraphToSelfies
from molecules.models.model import ENCODER, EncoderModel, ModelConfig
from molecules.models.shipped import weights_path
from molecules.prediction.reading import sees_conformers
from molecules.pretraining.generators import LatentUse, compact, in_tokens, make_generator
from molecules.pretraining.library import Library, Part, Wanted, make_library
from molecules.pretraining.objective import Pretraining, PretrainingConfig
from molecules.pretraining.winsorize import Winsorizer
from molecules.training.same_table import LearnedFrom
from sciml.config import Config
from sciml.errors import InputError
from sciml.model_file import save_tensors
from sciml.processes import cores
from sciml.run_folder import open_run
from sciml.training import FitResult, TrainingConfig, fit
from sciml.transfer import TransferConfig, transfer

_SAMPLE = 65_536  # molecules that limits and moments of descriptors are taken from


class PretrainDataConfig(Config):
    """Which molecules to learn from.

    Attributes:
        rows: that many of them at most, drawn at random; default all.
        seed: of that draw.
        valid: share of them held out to choose the best weights.
        max_atoms: larger molecules are left out.
        conformers: molecules that get one, the first of those drawn, where the model or an
            objective needs them; default all. One takes some 90 ms of a core.
        conformer_seed: of the conformers.
        cache: folder that keeps graphs, descriptors and conformers, for all that meets
            these molecules; default the run's own.
        processes: that compute them; default one per core.
    """

    rows: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)
    valid: float = Field(0.05, gt=0, lt=1)
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    conformers: int | None = Field(None, ge=1)
    conformer_seed: int = 0
    cache: Path | None = None
    processes: int | None = Field(None, ge=1)


class PretrainConfig(Config):
    """The sections of a pre-training's YAML file.

    `decoder` is what writes SELFIES, where `objective.selfies` asks for it: molecules for which
    it has no room are left out. `transfer` takes the encoder from an earlier pre-training.
    """

    data: PretrainDataConfig = PretrainDataConfig()
    model: ModelConfig = ModelConfig()
    objective: PretrainingConfig = PretrainingConfig()
    decoder: DecoderConfig = DecoderConfig()
    training: TrainingConfig = TrainingConfig()
    transfer: TransferConfig | None = None


@dataclass(frozen=True)
class Pretrained:
    """What came of pre-training.

    Attributes:
        fit: how it went.
        molecules: that were learned from, or held out to choose the best weights.
        left_out: molecules that cannot be written in SELFIES, by the reason.
        latent: how the generator uses its latent space; None without one.
        backbone: its kind.
    """

    fit: FitResult
    molecules: int
    left_out: Counter[str]
    latent: LatentUse | None = None
    backbone: str = "window_transformer"


def pretrain(
    tables: Sequence[str | Path],
    config: PretrainConfig,
    run: Path,
    resume: bool = False,
    smiles: str | None = None,
) -> Pretrained:
    """Pre-train and write `run/model.safetensors`, to be named in `transfer.checkpoint`.

    With `objective.selfies` there is also `run/generator.safetensors`, for `molecules generate`.

    Args:
        tables: files of molecules, or `demo`.
        config: see `PretrainConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on with an interrupted run.
        smiles: column of SMILES, if it cannot be found by name.

    Raises:
        InputError: no valid molecule, objectives and model that do not go together, or a
            run to resume was begun with other molecules.
    """
    _check(config)
    chosen, learned_from = _chosen(tables, smiles, config.data)
    if resume:
        learned_from = learned_from.require_same(run)
    open_run(run, config, resume)
    learned_from.write(run)
    library = _library(chosen, config, run)
    if len(library) < 2:
        given = ", ".join(map(str, tables))
        raise InputError(f"{given}: {len(library)} valid molecules; expected more")
    torch.manual_seed(config.training.seed)
    left_out: Counter[str] = Counter()
    model = EncoderModel(config.model)
    if config.objective.selfies:
        library, vocabulary, left_out = in_tokens(library, config.decoder)
        train, valid = _split(library, config)
        model = make_generator(train, vocabulary, config.model, config.decoder)
    else:
        train, valid = _split(library, config)
    _transfer(model, config.transfer)
    encoder = model.encoder
    objective = Pretraining(
        config.objective, encoder.backbone.out_dim, encoder.dim, _winsorizer(library.parts, config)
    )
    if objective.of_atoms_only:  # several processes wait for gradients that never come
        encoder.readout.requires_grad_(False)
    result = fit(model, objective, train, valid, config.training, run, resume)
    latent = LatentUse.of(model, valid) if isinstance(model, GraphToSelfies) else None
    pretrained = Pretrained(result, len(library), left_out, latent, config.model.backbone.kind)
    _save(model, pretrained, tables, config, run)
    return pretrained


def _check(config: PretrainConfig) -> None:
    sees = sees_conformers(config.model)
    if config.objective.denoising and not sees:
        raise InputError(
            "objective.denoising needs a model that sees conformers: a window_transformer "
            "with model.geometry conformer or both"
        )
    if config.objective.contrast and sees:
        raise InputError(
            "objective.contrast compares a model of the graph alone with conformers, and this one "
            "sees them itself; set model.geometry graph, or objective.denoising"
        )
    if config.objective.selfies and sees:
        raise InputError(
            "objective.selfies needs a model of the graph alone: what it writes has no "
            "conformer; set model.geometry graph"
        )


def _split(library: Library, config: PretrainConfig) -> tuple[Library, Library]:
    """Molecules to learn from, and those held out."""
    order = np.random.default_rng(config.training.seed).permutation(len(library))
    held = max(1, round(config.data.valid * len(library)))
    rows = library.indices
    return library.rows(rows[np.sort(order[held:])]), library.rows(rows[np.sort(order[:held])])


def _transfer(model: EncoderModel, config: TransferConfig | None) -> None:
    """Take an encoder; what writes has nothing to take, and starts fresh."""
    if config is None:
        return
    fresh = {name.split(".")[0] for name in model.state_dict()} - {"encoder"}
    anew = (*config.anew, *(f"{name}.*" for name in sorted(fresh - {"known", "seen"})))
    anew += tuple(sorted(fresh & {"known", "seen"}))
    path = weights_path(config.checkpoint)
    transfer(model, config.model_copy(update={"checkpoint": path, "anew": anew}), ENCODER)


def _save(
    model: EncoderModel,
    result: Pretrained,
    tables: Sequence[str | Path],
    config: PretrainConfig,
    run: Path,
) -> None:
    metadata: dict[str, Any] = {
        "tables": [Path(table).name for table in tables],
        "molecules": result.molecules,
        "objective": config.objective.model_dump(mode="json"),
        "steps": result.fit.steps,
        "cpu_seconds": round(result.fit.cpu_seconds),
        "device": result.fit.device,
    }
    weights = {k: v for k, v in model.state_dict().items() if k.startswith("encoder.")}
    save_tensors(run / "model.safetensors", weights, ENCODER, config.model, metadata)
    if isinstance(model, GraphToSelfies) and result.latent is not None:
        metadata |= {"left_out": dict(result.left_out), "held_out": result.latent.plain()}
        path = run / "generator.safetensors"
        save_tensors(path, compact(model), GENERATOR, model.config, metadata)


def _chosen(
    tables: Sequence[str | Path], column: str | None, config: PretrainDataConfig
) -> tuple[list[str], LearnedFrom]:
    """SMILES in random order, some hundred bytes each, held in memory; and of what tables."""
    found: list[str] = []
    for table in tables:
        parts = [demo_activity()] if str(table) == DEMO else iter_library(table, smiles=column)
        for part in parts:
            found += part.smiles
    order = np.random.default_rng(config.seed).permutation(len(found))
    return [found[row] for row in order[: config.rows]], LearnedFrom.of_smiles(found).at(
        tables, column
    )


def _library(smiles: Sequence[str], config: PretrainConfig, run: Path) -> Library:
    reads_counts = config.model.fingerprint or config.objective.tells_targets
    largest = config.data.max_atoms
    return make_library(
        smiles,
        config.data.cache or run / "library",
        min(largest, config.decoder.slots) if config.objective.selfies else largest,
        reads_counts,
        _wanted(config),
        config.data.processes or cores(),
        texts=config.objective.selfies > 0,
    )


def _wanted(config: PretrainConfig) -> Wanted | None:
    """The conformers to make."""
    if sees_conformers(config.model) or config.objective.needs_conformers:
        return Wanted(config.data.conformer_seed, config.data.conformers)
    return None


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

"""The networks of a predictor: one for each division of the table, started from trained weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.features.data import MoleculeData
from molecules.models.composition import AtomicReferences
from molecules.models.model import ENCODER, ModelConfig, PropertyModel, target_normalizer
from molecules.models.shipped import weights_path
from molecules.molecule import MoleculeBatch
from molecules.prediction.predictor_file import KIND as PREDICTOR
from molecules.training.divisions import Division
from molecules.training.objectives import PropertyLoss
from molecules.training.preparation import Prepared
from sciml.cli import note
from sciml.config import parse_config
from sciml.errors import InputError
from sciml.model_file import read_header
from sciml.normalize import Normalizer
from sciml.training import FitResult, fit
from sciml.transfer import TransferConfig, transfer

if TYPE_CHECKING:
    from molecules.training.experiment import ExperimentConfig

_BATCH = 256  # molecules predicted at once
FEWEST_EXACT = 5  # distinct values of a property that tell its mean and deviation without bounds
_LEAST_SPREAD = 0.1  # of a channel of vectors, as a share of the largest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Networks:
    """Trained networks, and what they say of molecules that they were not trained on.

    Attributes:
        models: one for each division.
        held: (row, task) the mean of the networks that held a molecule out, on the scale that
            is learned; NaN where none did.
        seconds: wall time.
        gain: what the start from trained weights was worth, in a sentence; or empty.
    """

    models: list[PropertyModel]
    held: Array
    seconds: float
    gain: str


def with_shipped_weights(config: "ExperimentConfig") -> "ExperimentConfig":
    """The configuration with a file in place of the name of weights that the package ships.

    What `model` does not say is as in the checkpoint.

    Raises:
        InputError: neither a file nor a name, or a model of another kind.
    """
    if config.transfer is None:
        return config
    path = weights_path(config.transfer.checkpoint)
    held = read_header(path)
    if held["kind"] not in (ENCODER, PREDICTOR):
        raise InputError(f"{path} holds a {held['kind']}; expected a {ENCODER} or {PREDICTOR}")
    found: dict[str, Any] = held["config"]
    given = config.model.model_dump(mode="json", exclude_unset=True)
    source = found if held["kind"] == ENCODER else found.get("model", {})
    own, kind = given.get("backbone", {}), source["backbone"]["kind"]
    if own.get("kind", kind) == kind:
        given["backbone"] = source["backbone"] | own
    model = parse_config(ModelConfig, {**source, **given}, str(path))
    if kind != model.backbone.kind:
        fits = "finetune_graph" if kind == "graph_network" else "finetune"
        raise InputError(
            f"{path} holds a {kind}, and the configuration asks for a {model.backbone.kind}; take "
            f"--config {fits}, which has the model of the file"
        )
    start = config.transfer.model_copy(update={"checkpoint": path})
    return config.model_copy(update={"model": model, "transfer": start})


def train_networks(
    ready: Prepared, config: "ExperimentConfig", divided: Sequence[Division], run: Path
) -> Networks:
    """Train a network on each division, in a folder of its own; finished ones are read back."""
    folders = [run] if len(divided) == 1 else [run / f"fold_{i}" for i in range(len(divided))]
    _tell_of_cut(config, len(divided[0].learned))
    models, results = [], []
    for number, (division, folder) in enumerate(zip(divided, folders, strict=True)):
        if len(divided) > 1:
            note(f"network {number + 1} of {len(divided)}")
        models.append(make_model(ready, config, division, number, config.transfer))
        if _has_new_head(config):
            _normalize_vectors(models[-1], _data(ready, config, division.learned))
        results.append(_fit(models[-1], ready, config, division, number, folder))
        models[-1].head.fold()
    gain = ""
    if config.measure_gain and config.transfer is not None and len(divided[0].held):
        note("a network from scratch, to compare the first with")
        fresh = make_model(ready, config, divided[0], 0, None)
        results.append(_fit(fresh, ready, _evenly(config), divided[0], 0, run / "from_scratch"))
        gain = _gain(config.transfer.checkpoint, results[0].best_loss, results[-1].best_loss)
    seconds = sum(result.seconds for result in results)
    return Networks(models, _held(models, ready, divided), seconds, gain)


def make_model(
    ready: Prepared,
    config: "ExperimentConfig",
    division: Division,
    number: int,
    start: TransferConfig | None,
) -> PropertyModel:
    """A network ready to be trained, with the statistics of what it will learn from.

    Raises:
        InputError: the checkpoint does not fit.
    """
    torch.manual_seed(config.training.seed + number)
    model = PropertyModel(
        config.model, ready.tasks, *statistics_of(ready, config, division.learned)
    )
    if start is not None:
        held = read_header(start.checkpoint)["kind"]
        transfer(model, start, ENCODER if held == ENCODER else PREDICTOR)
    return model


def statistics_of(
    ready: Prepared, config: "ExperimentConfig", rows: NDArray[np.int64]
) -> tuple[Normalizer, AtomicReferences | None]:
    """Of what is learned from: means and deviations, or what the elements account for.

    Rows of weight 0 do not count; bounds do where hardly anything else is known of a property,
    so that they are not thousands of deviations away.
    """
    labels = ready.counted[rows]
    told = np.array([len(np.unique(one[np.isfinite(one)])) for one in labels.T])
    bounds = np.where(ready.weights[rows, None] > 0, ready.labels[rows], np.nan)
    labels = np.where(told < FEWEST_EXACT, bounds, labels)
    if config.model.pooling != "extensive":
        return target_normalizer(ready.tasks, labels), None
    molecules = ready.rows(rows)
    batch = molecules.__getitems__(np.arange(len(molecules)))
    references, normalizer = AtomicReferences.fit(batch, labels)
    return normalizer, references


def _evenly(config: "ExperimentConfig") -> "ExperimentConfig":
    """As it is, but everything is trained alike from the first step on."""
    optimizer = config.training.optimizer.model_copy(update={"rates": {}})
    training = config.training.model_copy(update={"optimizer": optimizer})
    return config.model_copy(update={"training": training})


def _fit(
    model: PropertyModel,
    ready: Prepared,
    config: "ExperimentConfig",
    division: Division,
    number: int,
    folder: Path,
) -> FitResult:
    train, valid = (_data(ready, config, rows) for rows in (division.learned, division.held))
    loss = PropertyLoss(config.objective, ready.tasks, ready.labels[division.learned])
    training = config.training.model_copy(update={"seed": config.training.seed + number})
    if not len(valid):
        training = training.model_copy(update={"patience": None})
    folder.mkdir(exist_ok=True)
    resume = (folder / "last.ckpt").exists()
    return fit(model, loss, train, valid if len(valid) else None, training, folder, resume)


def _data(ready: Prepared, config: "ExperimentConfig", rows: NDArray[np.int64]) -> MoleculeData:
    chosen = ready.rows(rows)
    return chosen if config.model.fingerprint else replace(chosen, fingerprints=None)


def _has_new_head(config: "ExperimentConfig") -> bool:
    """Whether a head with a bias, which is not transferred, reads trained vectors."""
    start, extensive = config.transfer, config.model.pooling == "extensive"
    return start is not None and not extensive and start.starts_anew("head.layers.1.weight")


@torch.no_grad()
def _normalize_vectors(model: PropertyModel, learned: MoleculeData) -> None:
    """Let the head read all channels of trained vectors alike.

    But not those that hardly differ among the molecules learned from: of other molecules they
    may say anything.
    """
    vectors = (model.encoder(batch) for _, batch in _batches(model, learned))
    found = Normalizer.fit(vectors)
    spread = found.std.clamp(min=_LEAST_SPREAD * float(found.std.max()))
    model.head.read_normalized(found.mean, spread)


@torch.inference_mode()
def _held(models: Sequence[PropertyModel], ready: Prepared, divided: Sequence[Division]) -> Array:
    total, times = np.zeros(ready.labels.shape), np.zeros((len(ready.labels), 1))
    for model, division in zip(models, divided, strict=True):
        for part, batch in _batches(model, ready.rows(division.held)):
            told = model.predict(batch).double().cpu().numpy()
            total[division.held[part]] += ready.tasks.learned(told)
            times[division.held[part]] += 1
    return np.where(times > 0, total / np.maximum(times, 1), np.nan)


def _batches(
    model: PropertyModel, data: MoleculeData
) -> Iterator[tuple[NDArray[np.int64], MoleculeBatch]]:
    """Places in the data and their molecules, for a model that is not being trained."""
    model.eval()
    for first in range(0, len(data), _BATCH):
        part = np.arange(first, min(first + _BATCH, len(data)))
        yield part, data.__getitems__(part)


def _tell_of_cut(config: "ExperimentConfig", molecules: int) -> None:
    """Say so where `max_steps` leaves less than half of the epochs."""
    training = config.training
    if training.max_steps is not None:
        epochs = training.max_steps * training.batch_size * training.accumulate / molecules
        if epochs < training.epochs / 2:
            note(
                f"training.max_steps ends each network after {epochs:.1f} of {training.epochs} "
                "epochs; raise it if there is time"
            )


def _gain(checkpoint: Path, started: float, fresh: float) -> str:
    less = f"{(fresh - started) / abs(fresh):.0%} less" if started < fresh else "NOT less"
    return (
        f"Networks start from {checkpoint.stem}: on the first fold the loss is {started:.4g}, "
        f"and {fresh:.4g} from scratch ({less})."
    )

"""A whole experiment: from a table of molecules to a tested model file."""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from molecules.baselines import Comparison, baseline_predictions, compare, verdict
from molecules.calibration import Calibration
from molecules.conformers import conformers
from molecules.data import MoleculeData
from molecules.features import MAX_ATOMS, Featurized, featurize
from molecules.model import ENCODER, ModelConfig, PropertyModel, target_normalizer
from molecules.objectives import PropertyLoss, PropertyLossConfig
from molecules.plots import plot_test
from molecules.predictor import KIND as PREDICTOR
from molecules.predictor import PredictorConfig, PropertyPredictor, sees_conformers
from molecules.recognize import require_columns, text_cells
from molecules.similarity import fingerprints, to_text
from molecules.splits import Split, SplitKind, split, split_by_column, split_by_file
from molecules.table import Table, demo_activity, read_table
from molecules.tasks import Tasks
from sciml.config import Config, dump_config
from sciml.errors import InputError
from sciml.files import atomic_path, claim_run
from sciml.model_file import read_header
from sciml.training import TrainingConfig, fit
from sciml.transfer import TransferConfig, transfer

DEMO = "demo"

Array = NDArray[np.float64]


class DataConfig(Config):
    """What is done with the table before training.

    Attributes:
        split: how rows are divided into folds, unless they are given.
        fractions: of training, validation and test.
        seed: of the split.
        split_column: column that says train, valid or test; given folds.
        split_file: JSON with row numbers; given folds.
        max_atoms: larger molecules are left out, with a status.
        conformer_seed: of the conformers, for a model that sees them.
        conformer_cache: folder that keeps conformers between runs.
    """

    split: SplitKind = "random"
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0
    split_column: str | None = None
    split_file: Path | None = None
    max_atoms: int = Field(MAX_ATOMS, ge=1)
    conformer_seed: int = 0
    conformer_cache: Path | None = None


class ExperimentConfig(Config):
    """The sections of an experiment's YAML file.

    Attributes:
        members: models that differ in their random numbers only; predictions are averaged.
    """

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: PropertyLossConfig = PropertyLossConfig()
    training: TrainingConfig = TrainingConfig()
    transfer: TransferConfig | None = None
    members: int = Field(1, ge=1)


@dataclass(frozen=True)
class Trained:
    """What came of an experiment.

    Attributes:
        predictor: the model, also in `run/model.safetensors`.
        scores: ours and the baselines' on the test fold.
        verdicts: for each task, whether ours beats the random forest.
        rows: table rows of each fold.
        unusable: status -> number of rows without a usable molecule.
        seconds: wall time of training.
    """

    predictor: PropertyPredictor
    scores: list[Comparison]
    verdicts: list[str]
    rows: Split
    unusable: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """A table made ready: labels and graphs of its rows, and its folds.

    Attributes:
        smiles: one per row; blank where there is no usable molecule or no label.
        labels: (row, task).
        tasks: what to predict.
        featurized: graphs of the usable rows.
        folds: rows of train, valid and test.
        data: the graphs, labels and conformers by molecule.
    """

    smiles: list[str]
    labels: Array
    tasks: Tasks
    featurized: Featurized
    folds: Split
    data: MoleculeData

    def fold(self, name: str) -> MoleculeData:
        """The molecules of a fold."""
        number = np.full(len(self.smiles), -1)
        number[self.featurized.rows] = np.arange(len(self.featurized.rows))
        return self.data.rows(number[self.folds[name]])


def train(
    table: str | Path | Table,
    targets: Sequence[str],
    config: ExperimentConfig,
    run: Path,
    resume: bool = False,
    smiles: str | None = None,
) -> Trained:
    """Run an experiment and write `run/model.safetensors`, its splits and its scores.

    Args:
        table: file, table, or `demo`.
        targets: columns to learn; may be empty if only one can be meant.
        config: see `ExperimentConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on with an interrupted run.
        smiles: column of SMILES, if it cannot be found by name.

    Raises:
        InputError: table, columns, configuration or checkpoint do not fit.
    """
    source = table if isinstance(table, Table) else open_table(table, smiles)
    ready = prepare(source, targets, config)
    models = _make_models(ready, config)
    claim_run(run, resume)
    _write_text(run / "config.yaml", dump_config(config))
    _write_text(run / "splits.json", json.dumps({k: v.tolist() for k, v in ready.folds.items()}))
    seconds = sum(_fit(m, ready, config, number, run) for number, m in enumerate(models))
    predictor = _calibrated(models, ready, config)
    scores, verdicts = _test(predictor, ready, config.data.seed, run / "test.png")
    predictor.metadata.update(_metadata(source, ready, scores))
    _write_scores(run / "scores.csv", scores)
    predictor.save(run / "model.safetensors")
    statuses, counts = np.unique(ready.featurized.status, return_counts=True)
    unusable = {str(s): int(n) for s, n in zip(statuses, counts, strict=True) if s != "ok"}
    return Trained(predictor, scores, verdicts, ready.folds, unusable, seconds)


def open_table(table: str | Path, smiles: str | None = None) -> Table:
    """Read a table, or take the one that comes with RDKit."""
    return demo_activity() if str(table) == DEMO else read_table(table, smiles)


def prepare(table: Table, targets: Sequence[str], config: ExperimentConfig) -> Prepared:
    """Read labels, encode molecules, and divide the rows.

    Raises:
        InputError: unknown column, no usable molecule, or folds that cannot be made.
    """
    columns = table.label_columns(targets)
    labels = table.labels(columns).values
    featurized = featurize(table.smiles, config.data.max_atoms)
    if not len(featurized.rows):
        raise InputError(
            f"{table.source} holds no valid molecule in column {table.smiles_column!r} "
            f"(first row: {featurized.reason[0]}); name the column with --smiles"
        )
    usable = np.isfinite(labels).any(axis=1)
    usable &= np.array([status == "ok" for status in featurized.status])
    smiles = [text if use else "" for text, use in zip(table.smiles, usable, strict=True)]
    if not usable.any():
        raise InputError(f"no row of {table.source} has both a valid molecule and a label")
    tasks = Tasks.infer(columns, np.where(usable[:, None], labels, np.nan))
    data = MoleculeData(
        featurized.packed,
        np.arange(len(featurized.rows)),
        labels=labels[featurized.rows],
        positions=_positions(table, featurized, config),
    )
    folds = _split(table, smiles, config.data)
    return Prepared(smiles, labels, tasks, featurized, folds, data)


def _positions(
    table: Table, featurized: Featurized, config: ExperimentConfig
) -> NDArray[np.float32] | None:
    if not sees_conformers(config.model):
        return None
    smiles = [table.smiles[row] for row in featurized.rows]
    made = conformers(smiles, config.data.conformer_seed, cache=config.data.conformer_cache)
    return made.positions


def _split(table: Table, smiles: Sequence[str], config: DataConfig) -> Split:
    given = [s is not None for s in (config.split_column, config.split_file)]
    if all(given):
        raise InputError("data.split_column and data.split_file are both set; give one")
    if config.split_file is not None:
        folds = split_by_file(config.split_file, len(table))
    elif config.split_column is not None:
        require_columns(table.frame, [config.split_column], table.source)
        folds = split_by_column(text_cells(table.frame[config.split_column]))
    else:
        return split(config.split, smiles, config.fractions, config.seed)
    usable = np.array([bool(text) for text in smiles])
    return {name: rows[usable[rows]] for name, rows in folds.items()}


def _make_models(ready: Prepared, config: ExperimentConfig) -> list[PropertyModel]:
    train = ready.fold("train")
    assert train.labels is not None
    normalizer = target_normalizer(ready.tasks, train.labels[train.indices])
    models = []
    for number in range(config.members):
        torch.manual_seed(config.training.seed + number)
        model = PropertyModel(config.model, ready.tasks, normalizer)
        if config.transfer is not None:
            held = read_header(config.transfer.checkpoint)["kind"]
            transfer(model, config.transfer, ENCODER if held == ENCODER else PREDICTOR)
        models.append(model)
    return models


def _fit(
    model: PropertyModel, ready: Prepared, config: ExperimentConfig, number: int, run: Path
) -> float:
    """Train one member in a folder of its own; one that was finished before is read back."""
    folder = run if config.members == 1 else run / f"member_{number}"
    train, valid = ready.fold("train"), ready.fold("valid")
    assert train.labels is not None
    loss = PropertyLoss(config.objective, ready.tasks, train.labels[train.indices])
    training = config.training.model_copy(update={"seed": config.training.seed + number})
    folder.mkdir(exist_ok=True)
    resume = (folder / "last.ckpt").exists()
    return fit(model, loss, train, valid if len(valid) else None, training, folder, resume).seconds


def _calibrated(
    models: Sequence[PropertyModel], ready: Prepared, config: ExperimentConfig
) -> PropertyPredictor:
    made = PredictorConfig(
        model=config.model,
        tasks=ready.tasks,
        members=config.members,
        max_atoms=config.data.max_atoms,
        conformer_seed=config.data.conformer_seed,
    )
    valid = ready.folds["valid"]
    predicted = PropertyPredictor(made, models).predict([ready.smiles[row] for row in valid]).mean
    calibrations = [
        Calibration.fit(task.kind, predicted[:, column], ready.labels[valid, column])
        for column, task in enumerate(ready.tasks.tasks)
    ]
    return PropertyPredictor(made, models, calibrations)


def _test(
    predictor: PropertyPredictor, ready: Prepared, seed: int, figure: Path
) -> tuple[list[Comparison], list[str]]:
    test = ready.folds["test"]
    truth = ready.labels[test]
    predicted = predictor.predict([ready.smiles[row] for row in test])
    ours = predicted.mean
    plot_test(figure, ready.tasks, truth, ours, predicted.lower, predicted.upper)
    others = baseline_predictions(ready.smiles, ready.labels, ready.folds, ready.tasks, seed)
    scores = compare({"our model": ours, **others}, truth, ready.tasks, seed)
    return scores, verdict(ours, others["random forest"], truth, ready.tasks, seed)


def _metadata(table: Table, ready: Prepared, scores: Sequence[Comparison]) -> dict[str, object]:
    text = "\n".join(ready.smiles) + np.array2string(ready.labels, threshold=10**9)
    return {
        "table": Path(table.source).name,
        "fingerprint": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        "rows": {name: len(rows) for name, rows in ready.folds.items()},
        "label_range": {
            task: [float(np.nanmin(column)), float(np.nanmax(column))]
            for task, column in zip(ready.tasks.names, ready.labels.T, strict=True)
        },
        "training_fingerprints": to_text(
            fingerprints(ready.smiles[row] for row in ready.folds["train"])
        ),
        "scores": {
            f"{row.task}/{row.score.metric}": row.score.value
            for row in scores
            if row.model == "our model" and np.isfinite(row.score.value)
        },
    }


def _write_scores(path: Path, scores: Sequence[Comparison]) -> None:
    names = ("metric", "value", "lower", "upper", "rows", "reason")
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["task", "model", *names])
        for row in scores:
            writer.writerow([row.task, row.model, *(getattr(row.score, n) for n in names)])


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

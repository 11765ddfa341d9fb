"""A whole experiment: from a table of molecules to a tested model file."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator

from molecules.evaluation.baselines import Comparison, baseline_predictions, compare, verdict
from molecules.evaluation.coverage import Coverage, contained, coverage_by_similarity, within
from molecules.evaluation.plots import plot_test
from molecules.evaluation.similarity import Nearness, fingerprints, nearest
from molecules.evaluation.splits import Split
from molecules.files.table import Table
from molecules.models.model import ENCODER, ModelConfig, PropertyModel, target_normalizer
from molecules.prediction.prediction import Prediction
from molecules.prediction.predictor import KIND as PREDICTOR
from molecules.prediction.predictor import PredictorConfig, PropertyPredictor, sees_conformers
from molecules.training.calibrating import calibrate
from molecules.training.objectives import PropertyLoss, PropertyLossConfig
from molecules.training.preparation import DataConfig, Prepared, open_table, prepare
from molecules.training.records import write_coverage, write_rows, write_scores, write_text
from sciml.cli import note
from sciml.config import Config, dump_config
from sciml.files import claim_run
from sciml.model_file import read_header
from sciml.training import FitResult, TrainingConfig, fit
from sciml.transfer import TransferConfig, transfer

Array = NDArray[np.float64]


class ExperimentConfig(Config):
    """The sections of an experiment's YAML file.

    Attributes:
        members: models that differ in their random numbers only; predictions are averaged.
        keep_molecules: keep the training molecules and their labels in the model file, for
            `explain` to show measured neighbours; up to 50,000.
        try_fingerprint: train the first member with `model.fingerprint` too, and go on with
            what has the lower loss on the validation fold.
    """

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: PropertyLossConfig = PropertyLossConfig()
    training: TrainingConfig = TrainingConfig()
    transfer: TransferConfig | None = None
    members: int = Field(1, ge=1)
    keep_molecules: bool = True
    try_fingerprint: bool = False

    @model_validator(mode="after")
    def _one_process(self) -> Self:
        if (self.members > 1 or self.try_fingerprint) and self.training.strategy != "auto":
            raise ValueError(
                "several members train in one process; set members: 1 or strategy: auto"
            )
        return self


@dataclass(frozen=True)
class Trained:
    """What came of an experiment.

    Attributes:
        predictor: the model, also in `run/model.safetensors`.
        scores: ours and the baselines' on the test fold.
        verdicts: for each task, whether ours beats the random forest.
        coverage: of the intervals on the test fold, by similarity to the training set.
        rows: table rows of each fold.
        unusable: status -> number of rows without a usable molecule.
        seconds: wall time of training.
        choice: what was chosen on the validation fold, in a sentence; empty if nothing.
        nearness: of the test fold to the training fold.
    """

    predictor: PropertyPredictor
    scores: list[Comparison]
    verdicts: list[str]
    coverage: list[Coverage]
    rows: Split
    unusable: dict[str, int]
    seconds: float
    choice: str
    nearness: Nearness


def train(
    table: str | Path | Table,
    targets: Sequence[str],
    config: ExperimentConfig,
    run: Path,
    resume: bool = False,
    smiles: str | None = None,
) -> Trained:
    """Run an experiment and write `run/model.safetensors`, its rows, splits and scores.

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
    counts = config.try_fingerprint or config.model.fingerprint
    ready = prepare(source, targets, config.data, sees_conformers(config.model), counts)
    candidates = _candidates(ready, config)
    claim_run(run, resume)
    for line in ready.notes:
        note(line)
    write_text(run / "config.yaml", dump_config(config))
    write_text(run / "splits.json", json.dumps({k: v.tolist() for k, v in ready.folds.items()}))
    write_rows(run / "rows.csv", source, ready)
    members = _train_members(candidates, ready, config, run)
    predictor = _calibrated(members, ready, config)
    test = ready.folds["test"]
    predicted, truth = predictor.predict([ready.smiles[row] for row in test]), ready.exact[test]
    scores, verdicts = _test(predicted, ready, config.data.seed)
    covered = _coverage(predicted, truth)
    plot_test(
        run / "test.png", ready.tasks, truth, predicted.mean, predicted.lower, predicted.upper
    )
    known = fingerprints(ready.smiles[row] for row in ready.folds["train"])
    nearness = Nearness.of(nearest(fingerprints(ready.smiles[row] for row in test), known))
    predictor.metadata.update(_metadata(source, ready, scores))
    predictor.metadata["test_similarity"] = asdict(nearness)
    write_scores(run / "scores.csv", scores)
    write_coverage(run / "coverage.csv", covered)
    predictor.save(run / "model.safetensors")
    statuses, numbers = np.unique(ready.featurized.status, return_counts=True)
    unusable = {str(s): int(n) for s, n in zip(statuses, numbers, strict=True) if s != "ok"}
    return Trained(
        predictor,
        scores,
        verdicts,
        covered,
        ready.folds,
        unusable,
        members.seconds,
        members.choice,
        nearness,
    )


def fit_predictor(ready: Prepared, config: ExperimentConfig, run: Path) -> PropertyPredictor:
    """Train and calibrate on a table made ready, without a test or any file but in `run`.

    Args:
        ready: its test fold is not looked at.
        config: `data` has been used already.
        run: folder for what Lightning writes.
    """
    members = _train_members(_candidates(ready, config), ready, config, run)
    return _calibrated(members, ready, config)


@dataclass(frozen=True)
class _Members:
    """Trained members, alike but for their random numbers, and how they came about."""

    config: ModelConfig
    models: list[PropertyModel]
    seconds: float
    choice: str


def _candidates(
    ready: Prepared, config: ExperimentConfig
) -> list[tuple[ModelConfig, PropertyModel]]:
    """The first member, without and with fingerprints if both are to be tried."""
    kinds = [config.model]
    if config.try_fingerprint and len(ready.folds["valid"]):
        kinds = [config.model.model_copy(update={"fingerprint": use}) for use in (False, True)]
    return [(kind, _make_model(ready, config, kind, 0)) for kind in kinds]


def _make_model(
    ready: Prepared, config: ExperimentConfig, kind: ModelConfig, number: int
) -> PropertyModel:
    torch.manual_seed(config.training.seed + number)
    normalizer = target_normalizer(ready.tasks, ready.exact[ready.folds["train"]])
    model = PropertyModel(kind, ready.tasks, normalizer)
    if config.transfer is not None:
        held = read_header(config.transfer.checkpoint)["kind"]
        transfer(model, config.transfer, ENCODER if held == ENCODER else PREDICTOR)
    return model


def _train_members(
    candidates: Sequence[tuple[ModelConfig, PropertyModel]],
    ready: Prepared,
    config: ExperimentConfig,
    run: Path,
) -> _Members:
    alone = config.members == len(candidates) == 1
    folders = [run if alone else run / name for name in ("member_0", "fingerprint")]
    results = [
        _fit(model, ready, config, 0, folder)
        for (_, model), folder in zip(candidates, folders, strict=False)
    ]
    best = min(range(len(results)), key=lambda i: results[i].best_loss)
    kind, first = candidates[best]
    choice = _choice(kind, results) if len(candidates) > 1 else ""
    models = [first]
    for number in range(1, config.members):
        models.append(_make_model(ready, config, kind, number))
        results.append(_fit(models[-1], ready, config, number, run / f"member_{number}"))
    return _Members(kind, models, sum(result.seconds for result in results), choice)


def _choice(kind: ModelConfig, results: Sequence[FitResult]) -> str:
    without, with_them = (f"{result.best_loss:.4g}" for result in results)
    return (
        f"{'With' if kind.fingerprint else 'Without'} fingerprints: on the validation fold the "
        f"loss was {without} without and {with_them} with them."
    )


def _fit(
    model: PropertyModel, ready: Prepared, config: ExperimentConfig, number: int, folder: Path
) -> FitResult:
    """Train one member in a folder of its own; one that was finished before is read back."""
    train, valid = ready.fold("train"), ready.fold("valid")
    assert train.labels is not None
    loss = PropertyLoss(config.objective, ready.tasks, train.labels[train.indices])
    training = config.training.model_copy(update={"seed": config.training.seed + number})
    folder.mkdir(exist_ok=True)
    resume = (folder / "last.ckpt").exists()
    return fit(model, loss, train, valid if len(valid) else None, training, folder, resume)


def _calibrated(members: _Members, ready: Prepared, config: ExperimentConfig) -> PropertyPredictor:
    made = PredictorConfig(
        model=members.config,
        tasks=ready.tasks,
        members=config.members,
        max_atoms=config.data.max_atoms,
        conformer_seed=config.data.conformer_seed,
        standardize=config.data.standardize,
    )
    predictor = calibrate(PropertyPredictor(made, members.models), ready)
    if config.keep_molecules:
        predictor.metadata.update(ready.measured("train").to_metadata())
    return predictor


def _test(predicted: Prediction, ready: Prepared, seed: int) -> tuple[list[Comparison], list[str]]:
    """Scores of our model and the baselines on the test fold, and who wins."""
    truth = ready.exact[ready.folds["test"]]
    others = baseline_predictions(
        ready.smiles, ready.labels, ready.folds, ready.tasks, seed, ready.weights
    )
    scores = compare({"our model": predicted.mean, **others}, truth, ready.tasks, seed)
    return scores, verdict(predicted.mean, others["random forest"], truth, ready.tasks, seed)


def _coverage(predicted: Prediction, truth: Array) -> list[Coverage]:
    """How many measured values lie within their intervals, by task and similarity."""
    assert predicted.similarity is not None
    found = []
    for column, task in enumerate(predicted.tasks.tasks):
        lower, upper = predicted.lower[:, column], predicted.upper[:, column]
        binary = task.kind == "binary"
        held = (
            contained(truth[:, column], predicted.sets[:, column].tolist())
            if binary
            else within(truth[:, column], lower, upper)
        )
        width = np.full_like(lower, np.nan) if binary else upper - lower
        found += coverage_by_similarity(task.name, held, width, predicted.similarity)
    return found


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
        "scores": {
            f"{row.task}/{row.score.metric}": row.score.value
            for row in scores
            if row.model == "our model" and np.isfinite(row.score.value)
        },
    }

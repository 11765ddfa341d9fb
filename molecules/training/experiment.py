"""A whole experiment: from a table of molecules to a tested model file."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from molecules.choices import SplitKind
from molecules.evaluation.baselines import OURS, Comparison
from molecules.evaluation.coverage import Coverage
from molecules.evaluation.plots import plot_test
from molecules.evaluation.similarity import Nearness
from molecules.evaluation.splits import Split
from molecules.experts.expert import ExpertName
from molecules.experts.forest import Forest
from molecules.experts.stack import label_limits
from molecules.files.table import Table
from molecules.models.model import ModelConfig
from molecules.prediction.predictor import DEVIATION, PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.prediction.reading import sees_conformers
from molecules.training.calibrating import calibrate
from molecules.training.divisions import Division, divisions, learned_rows
from molecules.training.networks import make_model, train_networks, with_shipped_weights
from molecules.training.objectives import PropertyLossConfig
from molecules.training.preparation import DataConfig, Prepared, open_table, prepare
from molecules.training.records import (
    write_confusions,
    write_coverage,
    write_rows,
    write_scores,
)
from molecules.training.same_table import LearnedFrom
from molecules.training.stacking import affordable, stack, weights_told
from molecules.training.testing import compare_with_baselines, coverage
from sciml.cli import note
from sciml.config import Config
from sciml.errors import InputError
from sciml.files import write_text
from sciml.run_folder import open_run
from sciml.training import TrainingConfig
from sciml.transfer import TransferConfig

Array = NDArray[np.float64]
DEFAULT_CONFIG = "small"  # of a new model, by command and by estimator


class ExperimentConfig(Config):
    """The sections of an experiment's YAML file.

    Attributes:
        transfer: weights to start from; `checkpoint` may name weights that the package
            ships, `base`. What `model` does not say is then as in the checkpoint.
        folds: networks, whose predictions are averaged, each trained on all but one fold of
            the training and validation rows; 1 trains one, and holds out the validation fold.
        experts: what stands beside the networks, with weights from the folds.
        measure_gain: also train a network from scratch, to tell what `transfer` gains.
        keep_molecules: keep the molecules learned from and their labels in the model file,
            for `explain` to show measured neighbours; up to 50,000.
    """

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    objective: PropertyLossConfig = PropertyLossConfig()
    training: TrainingConfig = TrainingConfig()
    transfer: TransferConfig | None = None
    folds: int = Field(1, ge=1)
    experts: tuple[ExpertName, ...] = ()
    measure_gain: bool = False
    keep_molecules: bool = True

    @model_validator(mode="after")
    def _one_process(self) -> Self:
        several = self.folds > 1 or self.experts or self.measure_gain
        if several and (self.training.strategy != "auto" or self.training.devices != 1):
            raise ValueError(
                "a stack trains in one process; set folds: 1, experts: [] and measure_gain: "
                "false, or strategy: auto and devices: 1"
            )
        return self


@dataclass(frozen=True)
class HeldOut:
    """What came of the test fold.

    Attributes:
        scores: ours and the baselines'.
        verdicts: for each property, whether ours beats the random forest.
        coverage: of the intervals, by similarity to the training set.
        nearness: to what was learned from, of very many molecules those that the model keeps.
        bounded: values that are bounds, which are not scored.
    """

    scores: list[Comparison]
    verdicts: list[str]
    coverage: list[Coverage]
    nearness: Nearness
    bounded: int


@dataclass(frozen=True)
class Trained:
    """What came of an experiment.

    Attributes:
        predictor: the model, also in `run/model.safetensors`.
        held_out: on the test fold.
        rows: table rows of each fold that count, see `Prepared.used`.
        unusable: status -> number of rows without a usable molecule.
        seconds: wall time of training the networks.
        told: which experts count how much, and what trained weights were worth, in sentences.
    """

    predictor: PropertyPredictor
    held_out: HeldOut
    rows: Split
    unusable: dict[str, int]
    seconds: float
    told: list[str]


def train(
    table: str | Path | Table,
    targets: Sequence[str],
    config: ExperimentConfig,
    run: Path,
    resume: bool = False,
    smiles: str | None = None,
    kind: SplitKind | None = None,
) -> Trained:
    """Run an experiment and write `run/model.safetensors`, its rows, splits and scores.

    Args:
        table: file, table, or `demo`.
        targets: columns to learn; may be empty if only one can be meant.
        config: see `ExperimentConfig`.
        run: folder, empty or new unless `resume`.
        resume: go on with an interrupted run.
        smiles: column of SMILES, if it cannot be found by name.
        kind: how given folds were made, see `divisions`.

    Raises:
        InputError: table, columns, configuration or checkpoint do not fit.
    """
    source = table if isinstance(table, Table) else open_table(table, smiles)
    config = with_shipped_weights(config)
    ready = prepare(source, targets, config.data, sees_conformers(config.model), True)
    _require_usable(ready, config)
    learned_from = LearnedFrom.of_table(ready).at([table], smiles)
    if resume:
        learned_from = learned_from.require_same(run)
    open_run(run, config, resume)
    learned_from.write(run)
    for line in ready.notes:
        note(line)
    write_text(run / "splits.json", json.dumps({k: v.tolist() for k, v in ready.folds.items()}))
    write_rows(run / "rows.csv", source, ready)
    learned = _learn(ready, config, run, kind)
    predictor, unusable = learned.predictor, _unusable(ready)
    held_out = _test(learned, ready, config.training.seed, run)
    predictor.metadata.update(_metadata(source, ready, held_out.scores))
    predictor.metadata["test_similarity"] = asdict(held_out.nearness)
    predictor.save(run / "model.safetensors")
    return Trained(predictor, held_out, ready.used, unusable, learned.seconds, learned.told)


def fit_predictor(ready: Prepared, config: ExperimentConfig, run: Path) -> PropertyPredictor:
    """Train and calibrate on a table made ready, without a test or any file but in `run`.

    Args:
        ready: its test fold is not looked at.
        config: `data` has been used already.
        run: folder for what Lightning writes.
    """
    config = with_shipped_weights(config.model_copy(update={"measure_gain": False}))
    return _learn(ready, config, run).predictor


def reads_fingerprints(config: ExperimentConfig) -> bool:
    """Whether a table is to be prepared with counts of Morgan environments."""
    return bool(config.experts) or config.model.fingerprint


@dataclass(frozen=True)
class _Learned:
    """A predictor, and what training it took and told.

    Attributes:
        forest: to compare with, if one was fitted.
    """

    predictor: PropertyPredictor
    seconds: float
    told: list[str]
    forest: Forest | None


def _learn(
    ready: Prepared, config: ExperimentConfig, run: Path, kind: SplitKind | None = None
) -> _Learned:
    divided = divisions(ready, config.data, config.folds, kind)
    networks = train_networks(ready, config, divided, run)
    experts, why = affordable(config.experts, len(ready.known), len(ready.tasks))
    if why:
        note(why)
    limits = _limits(ready, config)
    stacked = stack(networks, ready, divided, experts, config.training.seed, limits)
    made = PredictorConfig(
        model=config.model,
        tasks=ready.tasks,
        members=len(networks.models),
        beside=stacked.beside,
        max_atoms=config.data.max_atoms,
        coordinates=ready.coordinates,
        conformer_seed=config.data.conformer_seed,
        standardize=config.data.standardize,
    )
    predictor = PropertyPredictor(
        made, networks.models, others=stacked.others, weights=stacked.weights
    )
    predictor.limit(limits)
    rows = ready.known if stacked.others else learned_rows(ready, divided)
    rows = rows[ready.weights[rows] > 0]
    calibrate(predictor, ready, stacked, rows)
    if config.model.pooling == "extensive":
        predictor.metadata[DEVIATION] = np.nanstd(ready.counted[rows], axis=0).tolist()
    if config.keep_molecules:
        predictor.metadata.update(ready.measured(rows).to_metadata())
    told = [*weights_told(stacked, ready.tasks), *filter(None, [networks.gain])]
    return _Learned(predictor, networks.seconds, told, stacked.forest)


def _limits(ready: Prepared, config: ExperimentConfig) -> Array:
    """(2, task) of what is predicted; none of a sum over atoms, which grows with their number."""
    counted = np.where(ready.weights[:, None] > 0, ready.labels, np.nan)[ready.known]
    if config.model.pooling == "extensive":
        counted = np.full_like(counted, np.nan)
    return label_limits(ready.tasks.learned(counted), ready.tasks)


def _require_usable(ready: Prepared, config: ExperimentConfig) -> None:
    """Refuse, before anything is written, what could not be tested or does not fit."""
    if not len(ready.folds["test"]):
        raise InputError(
            f"data.fractions {list(config.data.fractions)} leave no molecule to test the model "
            "with; give the third a share above 0"
        )
    if config.transfer is not None:
        given = Division(ready.folds["train"], ready.folds["valid"])
        make_model(ready, config, given, 0, config.transfer)


def _test(learned: _Learned, ready: Prepared, seed: int, run: Path) -> HeldOut:
    """Test on the fold that is held out, and write and draw what came of it."""
    rows = ready.folds["test"]
    smiles, truth = [ready.smiles[row] for row in rows], ready.exact[rows]
    predicted = learned.predictor.predict(smiles, positions=ready.own_of(rows))
    assert predicted.similarity is not None
    scores, verdicts = compare_with_baselines(predicted.mean, ready, learned.forest, seed)
    held_out = HeldOut(
        scores,
        verdicts,
        coverage(predicted, truth),
        Nearness.of(predicted.similarity),
        int((np.isfinite(ready.labels[rows]) & ~np.isfinite(truth)).sum()),
    )
    plot_test(
        run / "test.png", ready.tasks, truth, predicted.mean, predicted.lower, predicted.upper
    )
    write_scores(run / "scores.csv", held_out.scores)
    write_coverage(run / "coverage.csv", held_out.coverage)
    write_confusions(run, truth, predicted)
    return held_out


def _unusable(ready: Prepared) -> dict[str, int]:
    """Status -> rows without a usable molecule."""
    statuses, numbers = np.unique(ready.featurized.status, return_counts=True)
    return {str(s): int(n) for s, n in zip(statuses, numbers, strict=True) if s != "ok"}


def _metadata(table: Table, ready: Prepared, scores: Sequence[Comparison]) -> dict[str, object]:
    measured = ready.counted[np.concatenate(list(ready.folds.values()))]
    text = "\n".join(ready.smiles) + np.array2string(ready.labels, threshold=10**9)
    return {
        "table": Path(table.source).name,
        "fingerprint": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        "rows": {name: len(rows) for name, rows in ready.used.items()},
        "label_range": {
            task: [float(np.nanmin(column)), float(np.nanmax(column))]
            for task, column in zip(ready.tasks.names, measured.T, strict=True)
            if np.isfinite(column).any()
        },
        "scores": {
            f"{row.task}/{row.score.metric}": row.score.value
            for row in scores
            if row.model == OURS and np.isfinite(row.score.value)
        },
    }

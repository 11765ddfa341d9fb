"""Repeated cross-validation of a configuration, beside the forest or another configuration."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.evaluation.baselines import FOREST, OURS
from molecules.evaluation.significance import Difference, adjusted, corrected_t_test
from molecules.evaluation.splits import Split, cross_folds, split
from molecules.files.table import Table
from molecules.training.divisions import fold_kind
from molecules.training.experiment import ExperimentConfig, train
from molecules.training.preparation import open_table, prepare
from molecules.training.same_table import LearnedFrom
from sciml.cli import note
from sciml.errors import InputError
from sciml.files import atomic_path, write_text
from sciml.run_folder import open_run

OTHER = "other model"
VALID_SHARE = 0.1  # of what is not tested, for early stopping and calibration


@dataclass(frozen=True)
class Compared:
    """Two models on one task and metric.

    Attributes:
        task, metric: what was scored.
        ours, other: mean score over the folds.
        spread: standard deviation over the folds, of each.
        difference: ours less the other's.
        p: of the difference, adjusted for the properties that were compared in this metric.
        larger_is_better: direction of the metric.
    """

    task: str
    metric: str
    ours: float
    other: float
    spread: tuple[float, float]
    difference: Difference
    p: float
    larger_is_better: bool

    @property
    def outcome(self) -> str:
        """`better`, `worse`, or `no difference` at the 5 % level; `not compared` without scores."""
        if np.isnan(self.difference.mean):
            return "not compared"
        if not self.p < 0.05:
            return "no difference"
        return "better" if (self.difference.mean > 0) == self.larger_is_better else "worse"


@dataclass(frozen=True)
class CrossValidation:
    """What came of it.

    Attributes:
        scores: one row for each repeat, fold, task, model and metric.
        compared: of our model with the other, by task and metric.
        other: name of the other model.
        split: how the folds were made.
        folds, repeats: how many.
    """

    scores: pd.DataFrame
    compared: list[Compared]
    other: str
    split: str
    folds: int
    repeats: int


def crossvalidate(
    table: str | Path | Table,
    targets: Sequence[str],
    config: ExperimentConfig,
    run: Path,
    folds: int = 5,
    repeats: int = 2,
    against: ExperimentConfig | None = None,
    resume: bool = False,
    smiles: str | None = None,
) -> CrossValidation:
    """Train on each division anew and compare on the same test folds.

    The split is `config.data.split`. Every fold has a folder in `run`; `run/folds.csv`
    holds all scores and `run/comparison.csv` their test (`corrected_t_test`).

    Args:
        table, targets, smiles: as for `train`.
        config: the model to judge.
        run: folder, empty or new unless `resume`.
        folds: of each repeat.
        repeats: divisions in different order.
        against: another model for the same folds; None compares with the random forest.
        resume: go on where an interrupted run ended.

    Raises:
        InputError: as `train`; fewer than two folds; or a split that has one division only;
            or a run to resume was begun with another table, other columns, folds or
            configurations.
    """
    if folds < 2 or repeats < 1:
        raise InputError(f"{folds} folds and {repeats} repeats; expected at least 2 and 1")
    source = table if isinstance(table, Table) else open_table(table, smiles)
    ready = prepare(source, targets, config.data.model_copy(update={"split": "random"}))
    divisions = list(_divisions(ready.smiles, config, folds, repeats))
    learned_from = LearnedFrom.of_table(ready, folds, repeats).at([table], smiles)
    if resume:
        learned_from = learned_from.require_same(run)
    open_run(run, config, resume, may_grow=False)
    learned_from.write(run)
    if against is not None:
        begun = any((run / "against").glob("*"))  # a kill may leave the folder empty
        open_run(run / "against", against, begun, may_grow=False)
    models = {OURS: config} if against is None else {OURS: config, OTHER: against}
    other = FOREST if against is None else OTHER
    parts = []
    for number, division in enumerate(divisions):
        repeat, fold = divmod(number, folds)
        note(f"repeat {repeat + 1} of {repeats}, fold {fold + 1} of {folds}")
        for name, made in models.items():
            folder = run / f"{name.replace(' ', '_')}_repeat_{repeat}_fold_{fold}"
            scores = _scores(source, targets, _numbered(made, number), division, folder)
            kept = scores[scores["model"].isin([OURS, other] if name == OURS else [OURS])]
            parts.append(
                kept.assign(model=kept["model"].replace({OURS: name}), repeat=repeat, fold=fold)
            )
    everything = pd.concat(parts, ignore_index=True)
    compared = _compared(everything, other, share_tested(divisions, models.values()))
    _write(everything, compared, run)
    return CrossValidation(everything, compared, other, config.data.split, folds, repeats)


def _divisions(
    smiles: Sequence[str], config: ExperimentConfig, folds: int, repeats: int
) -> Iterator[Split]:
    """Training, validation and test rows of each fold of each repeat."""
    for repeat in range(repeats):
        seed = config.data.seed + repeat
        for test in cross_folds(config.data.split, smiles, folds, seed):
            tested = set(test.tolist())
            rest = ["" if row in tested else text for row, text in enumerate(smiles)]
            fractions = (1 - VALID_SHARE, VALID_SHARE, 0.0)
            yield {**split(config.data.split, rest, fractions, seed), "test": test}


def share_tested(divisions: Sequence[Split], models: Iterable[ExperimentConfig]) -> float:
    """Test rows over rows learned from, in the mean.

    A single network stops by the validation rows, and does not learn from them.
    """
    stacks = all(made.folds > 1 or made.experts for made in models)
    learned = [len(d["train"]) + stacks * len(d["valid"]) for d in divisions]
    return float(np.mean([len(d["test"]) for d in divisions] / np.array(learned)))


def _numbered(config: ExperimentConfig, number: int) -> ExperimentConfig:
    """The configuration with random numbers of its own for each fold."""
    training = config.training.model_copy(update={"seed": config.training.seed + 1000 * number})
    return config.model_copy(update={"training": training, "measure_gain": False})


def _scores(
    source: Table, targets: Sequence[str], config: ExperimentConfig, division: Split, folder: Path
) -> pd.DataFrame:
    """Train one fold, unless that was done before, and read its scores."""
    done = folder / "model.safetensors"
    if not done.exists():
        file = folder.with_suffix(".json")
        write_text(file, json.dumps({name: rows.tolist() for name, rows in division.items()}))
        data = config.data.model_copy(update={"split_file": file})
        resume = folder.exists() and any(folder.iterdir())
        made, kind = config.model_copy(update={"data": data}), fold_kind(config.data)
        train(source, targets, made, folder, resume, kind=kind)
    return pd.read_csv(folder / "scores.csv")


def _compared(scores: pd.DataFrame, other: str, test_share: float) -> list[Compared]:
    from molecules.evaluation.metrics import METRICS

    larger = {m.name: m.larger_is_better for metrics in METRICS.values() for m in metrics}
    found = []
    for (task, metric), rows in scores.groupby(["task", "metric"], sort=False):
        values = rows.pivot_table(
            index=["repeat", "fold"], columns="model", values="value", dropna=False
        )
        both_models = values.reindex(columns=[OURS, other])  # of many properties some lack a forest
        pair: NDArray[np.float64] = both_models.to_numpy(float)
        if both_models.notna().all(axis=1).any():  # means over folds that both have
            both_models = both_models.where(both_models.notna().all(axis=1))
        ours, theirs = (float(value) for value in both_models.mean())
        spread = [float(value) for value in both_models.std()]
        difference = corrected_t_test(pair[:, 0] - pair[:, 1], test_share)
        both = (spread[0], spread[1])
        better = larger[str(metric)]
        row = Compared(str(task), str(metric), ours, theirs, both, difference, difference.p, better)
        found.append(row)
    return _adjusted(found)


def _adjusted(found: Sequence[Compared]) -> list[Compared]:
    """The same with p for all properties of a metric together."""
    p = pd.Series([row.p for row in found])
    metric = [row.metric for row in found]
    together = p.groupby(metric).transform(lambda part: adjusted(part.to_numpy()))
    return [replace(row, p=float(value)) for row, value in zip(found, together, strict=True)]


def _write(scores: pd.DataFrame, compared: Sequence[Compared], run: Path) -> None:
    with atomic_path(run / "folds.csv") as path:
        scores.to_csv(path, index=False)
    rows = [
        {
            "task": row.task,
            "metric": row.metric,
            "ours": row.ours,
            "other": row.other,
            **{f"difference_{name}": value for name, value in asdict(row.difference).items()},
            "p_adjusted": row.p,
            "outcome": row.outcome,
        }
        for row in compared
    ]
    with atomic_path(run / "comparison.csv") as path:
        pd.DataFrame(rows).to_csv(path, index=False)

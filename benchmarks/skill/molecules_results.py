"""What the finished cells say: scores, differences, costs, overlap and label efficiency."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import molecules_cells
import numpy as np
from molecules_cells import Cell
from molecules_data import Labelled
from molecules_overlap import connectivity
from molecules_peers import TREES
from molecules_plan import Entry, Plan
from molecules_scores import Draws, Predicted, Scored, gain, mean, score, verdict
from molecules_splits import SEEDS
from numpy.typing import NDArray

OURS = "ours"
Record = dict[str, Any]
NO_GAIN: Record = {"value": np.nan}


@dataclass(frozen=True)
class Finished:
    """A cell that there is, with its score.

    Attributes:
        cell: what was asked.
        record: what was kept of it.
        scored: on the test fold.
        without: score of the test molecules that pre-training has not seen; NaN where
            nothing is known of it.
        missing: test molecules without a prediction, which count as the training mean.
    """

    cell: Cell
    record: Record
    scored: Scored
    without: float
    missing: int


class Comparison:
    """The finished cells of one table and split.

    Args:
        plan: that they belong to.
        entry: table and split.
        shares: of the labels, the whole first.
        pretraining: sorted keys of molecules, see `molecules_overlap.known`.
    """

    def __init__(
        self,
        plan: Plan,
        entry: Entry,
        shares: Sequence[float],
        pretraining: NDArray[np.bytes_] | None = None,
    ) -> None:
        self.plan, self.entry, self.metric = plan, entry, entry.source.metric
        self.table = plan.table(entry.source)
        self.tests = {
            seed: plan.store.folds(self.table, entry.split, seed, 1.0)["test"]
            for seed in range(SEEDS[entry.split])
        }
        self.tested = np.unique(np.concatenate(list(self.tests.values())))
        self.draws = Draws([self.table.identities[row] for row in self.tested])
        self.seen = self._seen(pretraining)
        self.finished = {
            (model, share): self._finished(model, share)
            for share in shares
            for model in plan.models
        }

    def scores(self, model: str, share: float = 1.0) -> dict[int, Scored]:
        """Seed -> score."""
        return {seed: done.scored for seed, done in self.finished[model, share].items()}

    def told(self) -> Record:
        """Scores and gains as plain data."""
        models = {m: _plain(mean(s)) for m in self.plan.models if (s := self.scores(m))}
        others = [m for m in models if m != OURS] if OURS in models else []
        return {
            "table": self.entry.source.name,
            "split": self.entry.split,
            "metric": self.metric.name,
            "log10": self.entry.source.log,
            "rows": len(self.table.smiles),
            "left_out": self.table.left_out,
            "test_molecules": len(self.draws.column),
            "models": models,
            "gains": {m: self._gain(1.0, m) for m in others},
            "overlap": self._overlap(),
            "few_labels": self._few_labels(),
        }

    def rows(self) -> list[Record]:
        """One row for each finished cell."""
        return [
            asdict(done.cell)
            | {"metric": self.metric.name, "value": done.scored.value, "without": done.without}
            | {"missing": done.missing}
            | self._cost(done)
            | {key: done.record[key] for key in ("date", "machine", "threads", "commit")}
            | {"code": done.record["told"].get("code", "")}
            for finished in self.finished.values()
            for done in finished.values()
        ]

    def records(self) -> list[tuple[str, Record]]:
        """Model and record of each finished cell."""
        return [
            (done.cell.model, done.record)
            for finished in self.finished.values()
            for done in finished.values()
        ]

    def _finished(self, model: str, share: float) -> dict[int, Finished]:
        store, found = self.plan.store, {}
        for seed in self.tests:
            cell = self.plan.cell(self.entry, seed, model, share)
            if molecules_cells.is_kept(store.cells, cell):
                found[seed] = self._read(cell)
        return found

    def _read(self, cell: Cell) -> Finished:
        predicted, record = molecules_cells.read(self.plan.store.cells, cell)
        folds = self.plan.store.folds(self.table, cell.split, cell.seed, cell.labels)
        rows = folds["test"]
        truth = self.table.labels[rows]
        absent = ~np.isfinite(predicted)
        given = np.where(absent, np.nanmean(self.table.labels[folds["train"]], axis=0), predicted)
        without = np.nan
        if self.seen is not None:
            fresh = ~self.seen[rows]
            without = score(self.metric, truth[fresh], given[fresh])
        tested = Predicted([self.table.identities[row] for row in rows], truth, given)
        scored = self.draws.scored(self.metric, tested)
        return Finished(cell, record, scored, without, int(absent.any(axis=1).sum()))

    def _gain(self, share: float, other: str, of_other: float = 1.0) -> Record:
        """Ours with a share of the labels over another model with some or all of them."""
        gained = gain(self.metric, self.scores(OURS, share), self.scores(other, of_other))
        return _plain(gained) | {"verdict": verdict(gained)}

    def _seen(self, pretraining: NDArray[np.bytes_] | None) -> NDArray[np.bool_] | None:
        """(row,) whether a test molecule is in the pre-training set."""
        if pretraining is None:
            return None
        seen = np.zeros(len(self.table.smiles), bool)
        keys = connectivity(self.table.smiles[row] for row in self.tested)
        seen[self.tested] = np.isin(keys, pretraining)
        return seen

    def _overlap(self) -> Record:
        """Test molecules that training or pre-training holds, and scores without the latter."""
        told: Record = {"rows": len(self.tested), "in_training": self._repeated()}
        if self.seen is None:
            return told
        without = {
            model: float(np.mean([done.without for done in finished.values()]))
            for model in self.plan.models
            if (finished := self.finished[model, 1.0])
        }
        return told | {"in_pretraining": int(self.seen[self.tested].sum()), "without": without}

    def _repeated(self) -> int:
        """Test molecules that a fold for training or validation holds too, most of all seeds."""
        return max(
            _common(self.table, self.tests[seed], self._learned(seed)) for seed in self.tests
        )

    def _learned(self, seed: int) -> NDArray[np.int64]:
        folds = self.plan.store.folds(self.table, self.entry.split, seed, 1.0)
        return np.concatenate([folds["train"], folds["valid"]])

    def _few_labels(self) -> dict[str, Record]:
        """Share of the labels -> scores with it, and ours over others with as many or all."""
        told = {}
        for share in sorted({share for _, share in self.finished if share < 1}):
            few = {m: _plain(mean(s)) for m in self.plan.models if (s := self.scores(m, share))}
            if OURS not in few:
                continue
            others = [m for m in self.plan.models if m != OURS]
            told[f"{share:g}"] = {
                "models": few,
                "over_as_few": {m: self._gain(share, m, share) for m in others if m in few},
                "over_all": {m: self._gain(share, m) for m in others if self.scores(m)},
            }
        return told

    def _cost(self, done: Finished) -> Record:
        """CPU seconds of training and prediction, with those of the features they need."""
        each = self._feature_seconds() if done.cell.model in TREES else 0.0
        sizes = done.record["rows"]
        learned, test = sizes["train"] + sizes["valid"], sizes["test"]
        return {
            "train_seconds": done.record["train_seconds"] + each * learned,
            "predict_seconds": done.record["predict_seconds"] + each * test,
            "test_rows": test,
        }

    def _feature_seconds(self) -> float:
        """CPU seconds a molecule."""
        path = self.plan.store.features(self.table).with_suffix(".json")
        spent = json.loads(path.read_text())
        return spent["seconds"] / spent["molecules"]


def counts(entries: Sequence[Mapping[str, Any]], others: Sequence[str]) -> Record:
    """How often ours is better on average than all of some models, or significantly so, or worse.

    Only tables and splits count where ours and each of the others have a common seed.
    """
    gains = [
        [entry["gains"][other] for other in others]
        for entry in entries
        if all(np.isfinite(entry["gains"].get(other, NO_GAIN)["value"]) for other in others)
    ]
    return {
        "compared": len(gains),
        "better_on_average": sum(all(g["value"] > 0 for g in row) for row in gains),
        "significantly_better": sum(all(g["verdict"] == "better" for g in row) for row in gains),
        "significantly_worse": sum(any(g["verdict"] == "worse" for g in row) for row in gains),
    }


def _common(table: Labelled, test: NDArray[np.int64], learned: NDArray[np.int64]) -> int:
    known = {table.identities[row] for row in learned}
    return len({table.identities[row] for row in test} & known)


def _plain(interval: Any) -> Record:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in vars(interval).items()}

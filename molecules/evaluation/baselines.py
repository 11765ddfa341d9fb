"""What any model must beat: a random forest on fingerprints and descriptors, and the mean.

The forest (500 trees on counts of Morgan environments and RDKit's 2-D
descriptors) is the strongest classical model on most public property tables.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from math import isfinite
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.metrics import COVERAGE, METRICS, Score, bootstrap, scores
from molecules.evaluation.splits import Split
from molecules.tasks import TaskKind, Tasks
from sciml.files import atomic_path

TREES = 500
FINGERPRINT_SIZE = 2048
DESCRIPTOR_LIMIT = 1e6  # larger magnitudes are clipped: trees need the order only
CHUNK = 256

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """A score of one model on one task, as one row of a tidy table."""

    model: str
    task: str
    score: Score


def compare(
    predictions: Mapping[str, Array], truth: Array, tasks: Tasks, seed: int = 0
) -> list[Comparison]:
    """Every model's scores on the same rows.

    Args:
        predictions: model -> (row, task), NaN where it has no prediction.
        truth: (row, task), NaN where unmeasured.
        tasks: names and kinds.
        seed: of the bootstrap intervals.
    """
    return [
        Comparison(model, task.name, score)
        for i, task in enumerate(tasks.tasks)
        for model, predicted in predictions.items()
        for score in scores(task.kind, truth[:, i], predicted[:, i], seed)
    ]


def verdict(ours: Array, forest: Array, truth: Array, tasks: Tasks, seed: int = 0) -> list[str]:
    """For each task, whether our model beats the forest, judged on paired bootstrap draws.

    Args:
        ours, forest, truth: (row, task) on the same rows.
        tasks: names and kinds.
        seed: of the draws.

    Returns:
        One sentence per task.
    """
    return [
        _verdict(ours[:, i], forest[:, i], truth[:, i], task.name, task.kind, seed)
        for i, task in enumerate(tasks.tasks)
    ]


def baseline_predictions(
    smiles: Sequence[str],
    labels: Array,
    folds: Split,
    tasks: Tasks,
    seed: int = 0,
    weights: Array | None = None,
) -> dict[str, Array]:
    """Predictions of the forest and of the mean on the test fold, learned on the rest.

    The validation fold is given to the baselines too, since they do not stop early.

    Args:
        smiles: one per row.
        labels: (row, task), NaN where unmeasured.
        folds: rows of train, valid and test.
        tasks: names and kinds.
        seed: of the forest.
        weights: (row,) how much each counts for the forest; default all alike.

    Returns:
        `random forest` and `mean` -> (test row, task); NaN where there is no molecule,
        or no measured training row.
    """
    learn = np.concatenate([folds["train"], folds["valid"]])
    test = folds["test"]
    features = molecular_features(smiles)
    return {
        "random forest": np.column_stack(
            [
                _forest(features, labels[:, i], learn, test, task.kind, seed, weights)
                for i, task in enumerate(tasks.tasks)
            ]
        ),
        "mean": np.tile(_mean(labels[learn]), (len(test), 1)),
    }


def molecular_features(smiles: Sequence[str]) -> NDArray[np.float32]:
    """Counts of Morgan environments of radius 2 (2,048), then RDKit's 2-D descriptors but Ipc.

    Descriptors cost some 15 ms per molecule, so they are computed in parallel and
    kept in the user's cache folder.

    Returns:
        (row, feature); NaN in rows that hold no molecule. A descriptor that is not
        finite is zero.
    """
    from rdkit import rdBase

    content = "\n".join([rdBase.rdkitVersion, *smiles])
    key = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    cached = _cache_folder() / f"features-{key}.npy"
    if not cached.exists():
        with atomic_path(cached) as path, path.open("wb") as file:
            np.save(file, _computed(smiles))
    return np.load(cached)


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "sciml-foundation"


def _computed(smiles: Sequence[str]) -> NDArray[np.float32]:
    chunks = [list(smiles[i : i + CHUNK]) for i in range(0, len(smiles), CHUNK)]
    workers = min(len(chunks), os.cpu_count() or 1)
    if workers < 2:
        return np.array(list(chain.from_iterable(map(_features, chunks))), np.float32)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return np.concatenate(list(pool.map(_features, chunks)))


def _features(smiles: list[str]) -> NDArray[np.float32]:
    """(row, feature) of one chunk; runs in a process of its own."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import Descriptors, rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=FINGERPRINT_SIZE)
    functions = [function for name, function in Descriptors.descList if name != "Ipc"]
    table = np.full((len(smiles), FINGERPRINT_SIZE + len(functions)), np.nan, np.float32)
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            molecule = Chem.MolFromSmiles(text) if text.strip() else None
            if molecule is not None and molecule.GetNumAtoms():
                counts = generator.GetCountFingerprintAsNumPy(molecule)
                table[row] = [*counts, *(_descriptor(f, molecule) for f in functions)]
    return table


def _descriptor(function: Callable[[Any], float], molecule: Any) -> float:
    """One descriptor; zero where RDKit divides by zero or overflows (metals, single atoms)."""
    try:
        value = float(function(molecule))
    except (ArithmeticError, ValueError, RuntimeError):
        return 0.0
    return min(max(value, -DESCRIPTOR_LIMIT), DESCRIPTOR_LIMIT) if isfinite(value) else 0.0


def _forest(
    features: NDArray[np.float32],
    labels: Array,
    learn: NDArray[np.int64],
    test: NDArray[np.int64],
    kind: TaskKind,
    seed: int,
    weights: Array | None = None,
) -> Array:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    usable = np.isfinite(features[:, 0])
    learn = learn[usable[learn] & np.isfinite(labels[learn])]
    predicted = np.full(len(test), np.nan)
    rows = np.flatnonzero(usable[test])
    if not (learn.size and rows.size):
        return predicted
    if len(np.unique(labels[learn])) == 1:
        predicted[rows] = labels[learn[0]]
        return predicted
    x, y, x_test = features[learn], labels[learn], features[test[rows]]
    weight = None if weights is None else weights[learn]
    if kind == "binary":
        classifier = RandomForestClassifier(
            TREES, max_features="sqrt", n_jobs=-1, random_state=seed
        )
        predicted[rows] = classifier.fit(x, y, weight).predict_proba(x_test)[:, 1]
    else:
        regressor = RandomForestRegressor(TREES, max_features=1 / 3, n_jobs=-1, random_state=seed)
        predicted[rows] = regressor.fit(x, y, weight).predict(x_test)
    return predicted


def _mean(labels: Array) -> Array:
    """(task,) mean of the measured values; NaN for a task without any."""
    measured = np.isfinite(labels)
    counts = measured.sum(axis=0)
    return np.where(counts, np.nansum(labels, axis=0) / np.maximum(counts, 1), np.nan)


def _verdict(ours: Array, other: Array, truth: Array, task: str, kind: TaskKind, seed: int) -> str:
    metric = METRICS[kind][0]
    rows = np.isfinite(ours) & np.isfinite(other) & np.isfinite(truth)
    truth, ours, other = truth[rows], ours[rows], other[rows]
    values = [metric.score(truth, p) if truth.size else np.nan for p in (ours, other)]
    if np.isnan(values).any():
        return f"{task}: no comparison, {rows.sum()} measured test rows do not give a {metric.name}"
    sign = 1 if metric.larger_is_better else -1
    gains = sign * (bootstrap(metric, truth, ours, other, seed=seed) @ [1, -1])
    lower, upper = np.nanquantile(gains, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    outcome = "cannot be told from"
    if lower > 0:
        outcome = "beats"
    elif upper < 0:
        outcome = "does NOT beat"
    figures = f"{metric.name} {values[0]:.3f} against {values[1]:.3f}, {len(truth)} test molecules"
    return f"{task}: our model {outcome} the random forest ({figures})"

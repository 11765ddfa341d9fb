"""Contestants that are not this project's: a random forest, LightGBM and chemprop.

Each is imported where it is trained: LightGBM and chemprop live in the environment of
`benchmarks/peers.sh`, which this project is not installed in.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from molecules_job import Answer, Array, Job, cpu_seconds, rows_of

FOREST = {"trees": 500, "max_features": {"regression": 1 / 3, "binary": "sqrt"}}
LIGHTGBM = {"learning_rate": 0.05, "most_trees": 2000, "patience": 50}  # the rest is default
CHEMPROP = {"version": "2.3.1"}  # its command's defaults: one model, 50 epochs

# Of one task: (features, labels) of train and of valid, test features -> predictions.
Fold = tuple[Array, Array]


def forest(job: Job, frame: pd.DataFrame, folder: Path) -> Answer:
    """The forest that `molecules train` compares with, learned on training and validation."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    def fitted(train: Fold, valid: Fold, kind: str) -> Any:
        x, y = (np.concatenate(parts) for parts in zip(train, valid, strict=True))
        made = RandomForestClassifier if kind == "binary" else RandomForestRegressor
        trees, share = job.settings["trees"], job.settings["max_features"][kind]
        return made(trees, max_features=share, n_jobs=job.threads, random_state=job.seed).fit(x, y)

    return _per_task(job, frame, fitted, "scikit-learn")


def lightgbm(job: Job, frame: pd.DataFrame, folder: Path) -> Answer:
    """Boosted trees on the same features, as many as the validation fold asks for."""
    from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

    def fitted(train: Fold, valid: Fold, kind: str) -> Any:
        made = LGBMClassifier if kind == "binary" else LGBMRegressor
        stops = len(valid[1]) > 0
        model = made(
            n_estimators=job.settings["most_trees"] if stops else 100,
            learning_rate=job.settings["learning_rate"],
            n_jobs=job.threads,
            random_state=job.seed,
            deterministic=True,
            verbosity=-1,
        )
        stop = [early_stopping(job.settings["patience"], verbose=False)] if stops else []
        return model.fit(*train, eval_set=[valid] if stops else None, callbacks=stop)

    return _per_task(job, frame, fitted, "lightgbm")


def _per_task(
    job: Job, frame: pd.DataFrame, fitted: Callable[[Fold, Fold, str], Any], package: str
) -> Answer:
    """A model for each task, which sees the molecules where it was measured."""
    features = np.load(job.features, mmap_mode="r")
    folds = {name: rows_of(frame, name) for name in ("train", "valid", "test")}
    test, columns, spent = features[folds["test"]], [], [0.0, 0.0]
    for task, kind in zip(job.tasks, job.kinds, strict=True):
        labels = frame[task].to_numpy(float)
        measured = {name: rows[np.isfinite(labels[rows])] for name, rows in folds.items()}
        train, valid = ((features[measured[n]], labels[measured[n]]) for n in ("train", "valid"))
        began = cpu_seconds()
        if len(np.unique(train[1])) == 1:  # a classifier would know one class only
            columns.append(np.full(len(test), train[1][0]))
            continue
        model = fitted(train, valid, kind)
        trained = cpu_seconds()
        columns.append(model.predict_proba(test)[:, 1] if kind == "binary" else model.predict(test))
        spent = [spent[0] + trained - began, spent[1] + cpu_seconds() - trained]
    versions = {name: version(name) for name in (package, "numpy")}
    return Answer(np.column_stack(columns), spent[0], spent[1], versions)


def chemprop(job: Job, frame: pd.DataFrame, folder: Path) -> Answer:
    """chemprop's commands with their defaults, on one thread."""
    import torch
    from chemprop.cli.main import main

    if version("chemprop") != job.settings["version"]:
        raise RuntimeError(f"chemprop is {version('chemprop')}; expected {job.settings}")
    torch.set_num_threads(job.threads)
    train, test = folder / "train.csv", folder / "test.csv"
    frame[frame["split"].isin(["train", "val"])].to_csv(train, index=False)
    frame.loc[rows_of(frame, "test"), ["smiles"]].to_csv(test, index=False)
    began = cpu_seconds()
    _chemprop(main, "train", "-i", train, "-o", folder / "run", *_training_options(job))
    trained = cpu_seconds()
    predicted, model = folder / "predicted.csv", folder / "run" / "model_0" / "best.pt"
    _chemprop(main, "predict", "-i", test, "--model-paths", model, "-o", predicted)
    done = cpu_seconds()
    values = pd.read_csv(predicted)[job.tasks].to_numpy(float)
    versions = {name: version(name) for name in ("chemprop", "torch", "rdkit")}
    return Answer(values, trained - began, done - trained, versions)


def _training_options(job: Job) -> list[str]:
    kind = "classification" if job.kinds[0] == "binary" else "regression"
    options = ["--target-columns", *job.tasks, "--task-type", kind, "--splits-column", "split"]
    return [*options, "--pytorch-seed", str(job.seed), "--data-seed", str(job.seed)]


def _chemprop(main: Callable[[], None], command: str, *options: object) -> None:
    """One of its commands, in this process."""
    shared = ["--smiles-columns", "smiles", "--accelerator", "cpu", "--num-workers", "0"]
    with mock.patch.object(sys, "argv", ["chemprop", command, *shared, *map(str, options)]):
        main()


CONTESTANTS: dict[str, Callable[[Job, pd.DataFrame, Path], Answer]] = {
    "forest": forest,
    "lightgbm": lightgbm,
    "chemprop": chemprop,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "forest": FOREST,
    "lightgbm": LIGHTGBM,
    "chemprop": CHEMPROP,
}
TREES = ("forest", "lightgbm")  # which are given features
ENVIRONMENT = {"lightgbm": "chemprop", "chemprop": "chemprop"}  # others use this one

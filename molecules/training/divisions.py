"""Which molecules each network learns from, and which it is held to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molecules.choices import SplitKind
from molecules.evaluation.splits import grouped
from molecules.training.preparation import DataConfig, Prepared

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Rows to learn from, and rows that stop the training and judge it."""

    learned: Rows
    held: Rows


def divisions(
    ready: Prepared, config: DataConfig, folds: int, kind: SplitKind | None = None
) -> list[Division]:
    """One division of the training and validation folds for each network.

    Each molecule is held out once. The folds are made as the test fold was, so that what
    is chosen on them is chosen for molecules of that kind; where a column or a file says
    which rows are tested, by framework. One fold, or one that lies later in time, stays as
    it is.

    Args:
        ready: its test fold is not touched.
        config: how the table was split.
        folds: how many; fewer where there are fewer groups of molecules.
        kind: how the test fold was made, for who knows; None as `config` says.
    """
    given = Division(ready.folds["train"], ready.folds["valid"])
    if folds == 1:
        return [given]
    if config.split == "time" and len(given.held):
        return [given] * folds
    smiles = ["" for _ in ready.smiles]
    for row in ready.known:
        smiles[row] = ready.smiles[row]
    parts = _parts(smiles, kind or fold_kind(config), folds, config.seed)
    if len(parts) < 2:
        return [given]
    return [Division(np.setdiff1d(ready.known, part), part) for part in parts]


def learned_rows(ready: Prepared, divided: list[Division]) -> Rows:
    """Rows that some network has learned from: all known ones, or all but those held out."""
    alone = len({division.held.tobytes() for division in divided}) == 1
    return divided[0].learned if alone else ready.known


def fold_kind(config: DataConfig) -> SplitKind:
    """What folds to make: as the table was split, and by framework where that is not known.

    The test fold is not looked at, not even its structures.
    """
    if config.split_column is not None or config.split_file is not None:
        return "scaffold_balanced"
    match config.split:
        case "scaffold" | "scaffold_balanced":
            return "scaffold_balanced"
        case "butina" | "leader":
            return config.split
        case "random" | "time":
            return "random"


def _parts(smiles: list[str], kind: SplitKind, folds: int, seed: int) -> list[Rows]:
    """Folds of about the same size from whole groups of molecules.

    A framework of more than half a fold is taken apart: to learn nothing of it at all
    would tell little of a test, for which such a framework is in the training fold.
    """
    groups = grouped(kind, smiles)
    most = sum(map(len, groups)) / folds / 2
    if kind != "random":
        large = [row for group in groups if len(group) > most for row in group]
        alone = ["" for _ in smiles]
        for row in large:
            alone[row] = smiles[row]
        groups = [group for group in groups if len(group) <= most] + grouped("random", alone)
    order = np.random.default_rng(seed).permutation(len(groups))
    parts: list[list[int]] = [[] for _ in range(min(folds, len(groups)))]
    for group in sorted((groups[i] for i in order), key=len, reverse=True):
        min(parts, key=len).extend(group)
    return [np.array(sorted(part), np.int64) for part in parts]

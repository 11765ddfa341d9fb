"""Folds of the molecular skill benchmark: made once, stored, and read by every model.

MoleculeNet's tables are divided 80/10/10 by `molecules.evaluation.splits`. A TDC table has
a test set of its own; the seed divides the rest 87.5/12.5 by scaffold, as TDC's own loader
does. A share of the labels is a share of training and of validation, so that all labels
that a model sees are counted.
"""

import json
from pathlib import Path

import numpy as np
from molecules_data import Labelled, Rows, Source

from molecules.evaluation.splits import FOLDS, Split, split
from sciml.errors import InputError
from sciml.files import atomic_path

GIVEN = "tdc"
SEEDS = {"random": 3, "scaffold_balanced": 3, GIVEN: 5}
FRACTIONS = (0.8, 0.1, 0.1)
TDC_FRACTIONS = (0.875, 0.125, 0.0)


def splits_of(source: Source) -> tuple[str, ...]:
    """How a table is divided."""
    return (GIVEN,) if source.has_test else ("random", "scaffold_balanced")


def stored_folds(table: Labelled, kind: str, seed: int, folder: Path) -> Split:
    """Rows of train, valid and test; written on first use, read afterwards.

    Raises:
        InputError: what is stored belongs to other rows of that name.
    """
    path = folder / f"{table.source.name}-{kind}-{seed}.json"
    if not path.exists():
        made = {fold: rows.tolist() for fold, rows in make_folds(table, kind, seed).items()}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps({"table": table.digest} | made))
    stored = json.loads(path.read_text())
    if stored["table"] != table.digest:
        raise InputError(
            f"{path} was made for another {table.source.name} (digest {stored['table']}, not "
            f"{table.digest}); keep the cells of this one in another folder"
        )
    return {fold: np.array(stored[fold], np.int64) for fold in FOLDS}


def make_folds(table: Labelled, kind: str, seed: int) -> Split:
    """Divide a table."""
    if kind != GIVEN:
        return split(kind, table.smiles, FRACTIONS, seed)  # type: ignore[arg-type]
    own = np.setdiff1d(np.arange(len(table.smiles)), table.test)
    smiles = [table.smiles[row] for row in own]
    inner = split("scaffold_balanced", smiles, TDC_FRACTIONS, seed)
    return {"train": own[inner["train"]], "valid": own[inner["valid"]], "test": table.test}


def with_share(folds: Split, share: float, seed: int) -> Split:
    """Folds with a part of training and validation, drawn at random; the same test."""
    if share == 1:
        return folds
    random = np.random.default_rng(seed)
    return {**folds, **{fold: _some(folds[fold], share, random) for fold in ("train", "valid")}}


def _some(rows: Rows, share: float, random: np.random.Generator) -> Rows:
    return np.sort(random.choice(rows, max(1, round(share * len(rows))), replace=False))

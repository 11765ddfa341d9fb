"""Folds for training, validation and test that share no molecule.

The kinds differ greatly in difficulty, and their names are the field's. Scores of
different kinds do not compare.

- `random`: molecules in seeded order.
- `scaffold`: Bemis-Murcko frameworks, the largest to training, without a seed; row for
  row the folds of DeepChem's ScaffoldSplitter, so of MoleculeNet and Uni-Mol.
- `scaffold_balanced`: the same frameworks in seeded order, large ones to training; row
  for row those of chemprop 1 with `split_type scaffold_balanced`.
- `butina`: clusters of similar fingerprints, the largest to training, without a seed.
- `leader`: clusters by sphere exclusion in the order of the rows, for tables that are
  too large for `butina`; the largest to training, without a seed.
- `time`: the oldest to training, the newest to the test.
"""

import json
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from molecules.choices import SplitKind
from molecules.files.recognize import listing
from sciml.errors import InputError
from sciml.wording import count

if TYPE_CHECKING:
    from rdkit import Chem

FOLDS = ("train", "valid", "test")
FOLD_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}

Rows = NDArray[np.int64]
Split = dict[str, Rows]


def split(
    kind: SplitKind,
    smiles: Sequence[str],
    fractions: Sequence[float],
    seed: int = 0,
    times: NDArray[np.float64] | None = None,
) -> Split:
    """Divide rows into folds; all rows of one molecule fall into the same fold.

    Args:
        kind: how; `scaffold`, `butina`, `leader` and `time` do not depend on `seed`.
        smiles: one per row; rows that are not molecules are in no fold.
        fractions: of training, validation and test; their sum is one.
        seed: of the order in which groups are placed.
        times: (row,) when each was measured, for `time`. A molecule that was measured
            repeatedly counts from the first time, and what has one time stays together.

    Returns:
        Ascending row numbers of `train`, `valid` and `test`.

    Raises:
        InputError: unknown kind, bad fractions, or a fold left without a row.
    """
    if kind not in get_args(SplitKind):
        raise InputError(f"no split {kind!r}; expected one of {', '.join(get_args(SplitKind))}")
    if len(fractions) != len(FOLDS) or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InputError(f"split fractions are {list(fractions)}; expected three that sum to one")
    if kind == "time" and times is None:
        raise InputError(
            "the split time needs to know when; name the column of dates or years: --time-column "
            "of check, --data.time_column of train"
        )
    groups = grouped(kind, smiles)
    sizes = np.array(fractions) * sum(map(len, groups))
    match kind:
        case "random":
            folds = _fill(_shuffled(groups, seed), np.round(sizes))
        case "scaffold" | "butina" | "leader":
            folds = _fill_from_largest(groups, sizes)
        case "scaffold_balanced":
            folds = _fill(_large_first(groups, sizes, seed), sizes)
        case "time":
            assert times is not None
            folds = _fill_in_time(groups, sizes, times)
    return require_filled(folds, fractions)


def cross_folds(kind: SplitKind, smiles: Sequence[str], folds: int, seed: int) -> list[Rows]:
    """Rows of each fold of a cross-validation, of about the same size.

    Groups (molecules, frameworks or clusters) come in seeded order, large ones first,
    each into the smallest fold.

    Raises:
        InputError: fewer groups than folds, or a kind that has one division only.
    """
    if kind in ("scaffold", "time"):
        raise InputError(
            f"the split {kind} has one division only; cross-validate with random, "
            "scaffold_balanced, butina or leader"
        )
    groups = _shuffled(grouped(kind, smiles), seed)
    if len(groups) < folds:
        raise InputError(f"{len(groups)} groups of molecules do not fill {folds} folds")
    parts: list[list[int]] = [[] for _ in range(folds)]
    for group in sorted(groups, key=len, reverse=True):
        min(parts, key=len).extend(group)
    return [np.array(sorted(part), np.int64) for part in parts]


def split_by_column(cells: Sequence[str]) -> Split:
    """Folds that a column of the table names: train, valid (val, validation) or test.

    Raises:
        InputError: another word, or a fold without a row; blank rows are in no fold.
    """
    words = [cell.strip().lower() for cell in cells]
    unknown = sorted({word for word in words if word and word not in FOLD_NAMES})
    if unknown:
        raise InputError(f"split column holds {listing(unknown)}; expected train, valid or test")
    folds = np.array([FOLD_NAMES.get(word, "") for word in words])
    return require_filled({fold: np.flatnonzero(folds == fold) for fold in FOLDS}, (1, 0, 1))


def split_by_file(path: Path, rows: int) -> Split:
    """Folds from JSON: `{"train": [0, 2, ...], "valid": [...], "test": [...]}`, counted from 0.

    A list of such objects, as chemprop writes it, stands for its first.

    Raises:
        InputError: not such a file, a row outside the table, or one in two folds.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content = content[0] if isinstance(content, list) else content
        folds = {FOLD_NAMES[name.lower()]: np.array(r, np.int64) for name, r in content.items()}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"{path} holds no split; expected lists train, valid, test") from error
    folds = {fold: np.sort(folds.get(fold, np.array([], np.int64))) for fold in FOLDS}
    used = np.concatenate(list(folds.values()))
    if used.size and (used.min() < 0 or used.max() >= rows):
        raise InputError(f"{path} names row {used.max()}; the table has rows 0 to {rows - 1}")
    if len(np.unique(used)) < len(used):
        raise InputError(f"{path} puts a row into two folds; expected each row once")
    return require_filled(folds, (1, 0, 1))


def canonical_smiles(smiles: Iterable[str]) -> list[str | None]:
    """RDKit's canonical isomeric SMILES of each; None for what is no molecule."""
    from rdkit import Chem

    return [molecule and Chem.MolToSmiles(molecule) for molecule in parse(smiles)]


def scaffolds(smiles: Iterable[str]) -> list[str | None]:
    """Bemis-Murcko framework of each, chirality off; empty if acyclic, None if no molecule."""
    from rdkit.Chem.Scaffolds import MurckoScaffold

    return [
        molecule and MurckoScaffold.MurckoScaffoldSmiles(mol=molecule, includeChirality=False)
        for molecule in parse(smiles)
    ]


def parse(smiles: Iterable[str]) -> "Iterator[Chem.Mol | None]":
    """RDKit molecules without atom maps, one at a time; None for what is no molecule."""
    from rdkit import Chem, rdBase

    for text in smiles:
        with rdBase.BlockLogs():
            molecule = Chem.MolFromSmiles(text) if text.strip() else None
        for atom in molecule.GetAtoms() if molecule else ():
            atom.SetAtomMapNum(0)
        yield molecule


def grouped(kind: SplitKind, smiles: Sequence[str]) -> list[list[int]]:
    """Rows that must not be parted: of one molecule, framework or cluster."""
    match kind:
        case "random" | "time":
            return _alike(canonical_smiles(smiles))
        case "scaffold" | "scaffold_balanced":
            return _alike(scaffolds(smiles))
        case "butina" | "leader":
            return _clustered(kind, _alike(canonical_smiles(smiles)), smiles)


def _alike(identities: Sequence[str | None]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for row, identity in enumerate(identities):
        if identity is not None:
            groups.setdefault(identity, []).append(row)
    return list(groups.values())


def _clustered(
    kind: Literal["butina", "leader"], groups: list[list[int]], smiles: Sequence[str]
) -> list[list[int]]:
    """The rows of each cluster of molecules."""
    from molecules.evaluation.clusters import butina, leader
    from molecules.evaluation.similarity import fingerprints  # which reads SMILES as we do

    bits = fingerprints(smiles[group[0]] for group in groups)
    clusters = butina(bits) if kind == "butina" else leader(bits)
    return [sorted(row for i in cluster for row in groups[i]) for cluster in clusters]


def _shuffled(groups: list[list[int]], seed: int) -> list[list[int]]:
    return [groups[i] for i in np.random.default_rng(seed).permutation(len(groups))]


def _large_first(groups: list[list[int]], sizes: NDArray[np.float64], seed: int) -> list[list[int]]:
    """Groups of more than half a small fold, then the others, each kind in seeded order."""
    limit = min(sizes[1:][sizes[1:] > 0], default=np.inf) / 2
    large = [group for group in groups if len(group) > limit]
    small = [group for group in groups if len(group) <= limit]
    order = random.Random(seed)
    order.shuffle(large)
    order.shuffle(small)
    return large + small


def _fill(groups: list[list[int]], sizes: NDArray[np.float64]) -> Split:
    """Place each group in the first fold that still has room for the whole of it."""
    folds: dict[str, list[int]] = {fold: [] for fold in FOLDS}
    room = dict(zip(FOLDS, sizes, strict=True))
    last = max((fold for fold in FOLDS if room[fold] > 0), key=FOLDS.index, default="train")
    for group in groups:
        fits = (fold for fold in FOLDS if len(folds[fold]) + len(group) <= room[fold])
        folds[next(fits, last)] += group
    return _as_rows(folds)


def _fill_from_largest(groups: list[list[int]], sizes: NDArray[np.float64]) -> Split:
    """Largest groups first; validation has what room training left, the test the rest."""
    train: list[int] = []
    valid: list[int] = []
    test: list[int] = []
    for group in sorted(groups, key=lambda group: (len(group), group[0]), reverse=True):
        if len(train) + len(group) <= sizes[0]:
            train += group
        elif len(train) + len(valid) + len(group) <= sizes[0] + sizes[1]:
            valid += group
        else:
            test += group
    return _as_rows({"train": train, "valid": valid, "test": test})


def _fill_in_time(
    groups: list[list[int]], sizes: NDArray[np.float64], times: NDArray[np.float64]
) -> Split:
    first = np.array([times[group].min() for group in groups])
    folds: dict[str, list[int]] = {fold: [] for fold in FOLDS}
    placed = 0
    for time in np.unique(first):
        rows = [row for i in np.flatnonzero(first == time) for row in groups[i]]
        fold = FOLDS[int(np.searchsorted(np.cumsum(sizes)[:-1] - 1e-9, placed, side="right"))]
        folds[fold] += rows
        placed += len(rows)
    return _as_rows(folds)


def _as_rows(folds: dict[str, list[int]]) -> Split:
    return {fold: np.array(sorted(rows), np.int64) for fold, rows in folds.items()}


def require_filled(folds: Split, fractions: Sequence[float]) -> Split:
    """The same folds, if none is empty of which something was asked.

    Raises:
        InputError: one is.
    """
    rows, least = sum(map(len, folds.values())), min(part for part in fractions if part > 0)
    needed = math.ceil(round(1 / least, 9))
    for fold, fraction in zip(FOLDS, fractions, strict=True):
        if fraction > 0 and not folds[fold].size:
            few = f": {count(rows, 'row')} for a share of {least:g}, which takes {needed}"
            raise InputError(
                f"the {fold} fold has no molecule{few if rows < needed else ''}; give more rows or "
                "another split"
            )
    return folds

"""Folds share no molecule, follow the published protocols, and refuse what cannot be split."""

import json
from pathlib import Path

import numpy as np
import pytest

from molecules.evaluation.splits import (
    SplitKind,
    canonical_smiles,
    scaffolds,
    split,
    split_by_column,
    split_by_file,
)
from molecules.files.table import demo_activity
from sciml.errors import InputError

KINDS: list[SplitKind] = ["random", "scaffold", "scaffold_balanced"]
RINGS = [f"C1{'C' * n}{atom}C1" for n in range(2, 8) for atom in "CNOS"]  # frameworks of their own
SMILES = [ring + "C" * n for ring in RINGS for n in range(1, 4)] + ["CCO", "bad(", "OCC", ""]


def disjoint(groups: list[set[str]]) -> bool:
    return len(set().union(*groups)) == sum(map(len, groups))


@pytest.mark.parametrize("kind", KINDS)
def test_folds_divide_the_molecules(kind: SplitKind) -> None:
    folds = split(kind, SMILES, (0.8, 0.1, 0.1), seed=1)
    rows = np.concatenate(list(folds.values()))
    valid = [row for row, smiles in enumerate(SMILES) if smiles not in ("bad(", "")]
    assert sorted(rows) == valid
    assert abs(len(folds["train"]) - 0.8 * len(valid)) <= 8


@pytest.mark.parametrize("kind", KINDS)
def test_spellings_of_a_molecule_stay_together(kind: SplitKind) -> None:
    smiles = [spelling for n in range(1, 7) for spelling in ("C" * n + "O", "O" + "C" * n)]
    smiles += [spelling for ring in RINGS for spelling in (f"{ring}CO", f"OC{ring}")]
    molecules = canonical_smiles(smiles)
    for seed in range(5):
        folds = split(kind, smiles, (0.5, 0.25, 0.25), seed)
        groups = [{molecules[row] for row in rows} for rows in folds.values()]
        assert disjoint(groups)


@pytest.mark.parametrize("kind", ["scaffold", "scaffold_balanced"])
def test_scaffolds_stay_together(kind: SplitKind) -> None:
    table = demo_activity()
    frameworks = np.array(scaffolds(table.smiles))
    folds = split(kind, table.smiles, (0.8, 0.1, 0.1), seed=2)
    kinds = [set(frameworks[rows]) for rows in folds.values()]
    assert disjoint(kinds)
    assert abs(len(folds["test"]) - 102) < 30


def test_scaffold_puts_the_largest_into_training() -> None:
    smiles = ["c1ccccc1" + "C" * n for n in range(1, 9)] + ["c1ccncc1", "C1CCCCC1"]
    folds = split("scaffold", smiles, (0.8, 0.1, 0.1), seed=0)
    assert list(folds["train"]) == list(range(8))
    np.testing.assert_equal(folds, split("scaffold", smiles, (0.8, 0.1, 0.1), seed=9))


@pytest.mark.parametrize("kind", ["random", "scaffold_balanced"])
def test_seed_decides(kind: SplitKind) -> None:
    first, again, other = (split(kind, SMILES, (0.8, 0.1, 0.1), seed)["test"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_frameworks_ignore_chirality_and_atom_maps() -> None:
    assert scaffolds(["C[C@H]1CCCCN1", "C[C@@H]1CCCCN1", "[CH2:7]1CCCCN1"]) == ["C1CCNCC1"] * 3
    assert scaffolds(["CCO", "no"]) == ["", None]


def test_columns_and_files(tmp_path: Path) -> None:
    folds = split_by_column(["Train", "test", "", "validation", "train "])
    assert [list(folds[fold]) for fold in ("train", "valid", "test")] == [[0, 4], [3], [1]]
    path = tmp_path / "split.json"
    path.write_text(json.dumps([{"train": [4, 0], "val": [3], "test": [1]}]))
    np.testing.assert_equal(split_by_file(path, 5), folds)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"train": [0], "test": [7]}', "names row 7"),
        ('{"train": [0], "test": [0]}', "two folds"),
        ('{"train": [0], "exam": [1]}', "holds no split"),
        ("nonsense", "holds no split"),
        ('{"train": [0, 1]}', "test fold has no molecule"),
    ],
)
def test_bad_split_files(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        split_by_file(path, 5)


def test_what_cannot_be_split() -> None:
    with pytest.raises(InputError, match="no split 'rnadom'"):
        split("rnadom", SMILES, (0.8, 0.1, 0.1))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="sum to one"):
        split("random", SMILES, (0.8, 0.1, 0.2))
    with pytest.raises(InputError, match="fold has no molecule"):
        split("scaffold", ["CCO", "CCC", "CCN"], (0.8, 0.1, 0.1))
    with pytest.raises(InputError, match="holds 'later'"):
        split_by_column(["train", "later"])

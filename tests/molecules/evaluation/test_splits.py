"""Folds share no molecule, follow the published protocols, and refuse what cannot be split."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from rdkit import DataStructs
from rdkit.ML.Cluster import Butina
from rdkit.SimDivFilters.rdSimDivPickers import LeaderPicker

from molecules.choices import SplitKind
from molecules.evaluation.clusters import butina, leader
from molecules.evaluation.similarity import fingerprints, similarity_to_train
from molecules.evaluation.splits import (
    FOLDS,
    canonical_smiles,
    cross_folds,
    grouped,
    scaffolds,
    split,
    split_by_column,
    split_by_file,
)
from molecules.files.table import demo_activity, read_table
from sciml.errors import InputError

KINDS: list[SplitKind] = ["random", "scaffold", "scaffold_balanced", "butina", "leader"]
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


@pytest.mark.parametrize("kind", ["random", "scaffold", "scaffold_balanced"])
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
        ('{"train": [0, 1]}', "test fold has no molecule; give more rows"),
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
    with pytest.raises(
        InputError, match=r"has no molecule: 3 rows for a share of 0.1, which takes 10"
    ):
        split("scaffold", ["CCO", "CCC", "CCN"], (0.8, 0.1, 0.1))
    with pytest.raises(InputError, match="holds 'later'"):
        split_by_column(["train", "later"])


def deepchem_scaffold(
    groups: list[list[int]], rows: int, fractions: tuple[float, float, float]
) -> list[list[int]]:
    """DeepChem's ScaffoldSplitter, written anew from its description."""
    ordered = sorted(((len(group), group[0], group) for group in groups), reverse=True)
    train_end, valid_end = fractions[0] * rows, (fractions[0] + fractions[1]) * rows
    folds: list[list[int]] = [[], [], []]
    for size, _, group in ordered:
        if len(folds[0]) + size > train_end:
            late = len(folds[0]) + len(folds[1]) + size > valid_end
            folds[2 if late else 1] += group
        else:
            folds[0] += group
    return [sorted(fold) for fold in folds]


@pytest.mark.parametrize(
    ("name", "column", "sizes"),
    [
        pytest.param("bace.csv.gz", "mol", (1210, 151, 152), marks=pytest.mark.slow),
        ("delaney-processed.csv", "smiles", (902, 113, 113)),
        ("SAMPL.csv", "smiles", (513, 64, 65)),
    ],
)
def test_scaffold_is_moleculenets(
    shared_data: Path, name: str, column: str, sizes: tuple[int, int, int]
) -> None:
    """Uni-Mol publishes these sizes of its folds (Zhou et al. 2023)."""
    smiles = read_table(shared_data / "molecules" / "moleculenet" / name, column).smiles
    folds = split("scaffold", smiles, (0.8, 0.1, 0.1))
    assert tuple(len(folds[fold]) for fold in FOLDS) == sizes
    frameworks: dict[str | None, list[int]] = {}
    for row, framework in enumerate(scaffolds(smiles)):
        frameworks.setdefault(framework, []).append(row)
    expected = deepchem_scaffold(list(frameworks.values()), len(smiles), (0.8, 0.1, 0.1))
    for fold, rows in zip(FOLDS, expected, strict=True):
        np.testing.assert_array_equal(folds[fold], rows)


def test_scaffold_balanced_is_chemprops() -> None:
    """Python's own random numbers, large frameworks first, then what fits."""
    smiles = demo_activity().smiles
    frameworks: dict[str | None, list[int]] = {}
    for row, framework in enumerate(scaffolds(smiles)):
        frameworks.setdefault(framework, []).append(row)
    n, seed = len(smiles), 3
    large = [group for group in frameworks.values() if len(group) > 0.1 * n / 2]
    small = [group for group in frameworks.values() if len(group) <= 0.1 * n / 2]
    order = random.Random(seed)
    order.shuffle(large)
    order.shuffle(small)
    expected: tuple[list[int], ...] = ([], [], [])
    for group in large + small:
        fits = [
            len(fold) + len(group) <= s * n for fold, s in zip(expected, (0.8, 0.1), strict=False)
        ]
        expected[fits.index(True) if any(fits) else 2].extend(group)
    folds = split("scaffold_balanced", smiles, (0.8, 0.1, 0.1), seed)
    for fold, rows in zip(FOLDS, expected, strict=True):
        np.testing.assert_array_equal(folds[fold], sorted(rows))


def test_butina_clusters_are_rdkits() -> None:
    smiles = sorted(set(canonical_smiles(demo_activity().smiles[:150])))
    packed = fingerprints(smiles)
    bits = [
        DataStructs.CreateFromBitString("".join(map(str, np.unpackbits(row)))) for row in packed
    ]
    distances: list[float] = []
    for i, one in enumerate(bits):
        distances += [1 - s for s in DataStructs.BulkTanimotoSimilarity(one, bits[:i])]
    for cutoff in (0.2, 0.4, 0.6):
        expected = Butina.ClusterData(distances, len(bits), cutoff, isDistData=True)
        ours = butina(packed, cutoff)
        assert [cluster[0] for cluster in ours] == [cluster[0] for cluster in expected]
        assert [set(cluster) for cluster in ours] == [set(cluster) for cluster in expected]


@pytest.mark.parametrize("cutoff", [0.2, 0.4, 0.6])
def test_leaders_are_rdkits_and_followers_are_near(cutoff: float) -> None:
    packed = fingerprints(sorted(set(canonical_smiles(demo_activity().smiles[:150]))))
    bits = [
        DataStructs.CreateFromBitString("".join(map(str, np.unpackbits(row)))) for row in packed
    ]
    found = leader(packed, cutoff)
    expected = LeaderPicker().LazyBitVectorPick(bits, len(bits), cutoff)
    assert [cluster[0] for cluster in found] == list(expected)
    assert sorted(row for cluster in found for row in cluster) == list(range(len(bits)))
    for first, *others in found:
        near = DataStructs.BulkTanimotoSimilarity(bits[first], [bits[i] for i in others])
        assert all(1 - similarity <= cutoff + 1e-12 for similarity in near)


def test_leader_takes_more_than_butina_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("molecules.evaluation.clusters.MOST_ROWS", 10)
    with pytest.raises(InputError, match="choose the split leader"):
        split("butina", SMILES, (0.8, 0.1, 0.1))
    assert split("leader", SMILES, (0.8, 0.1, 0.1))["test"].size


@pytest.mark.parametrize("kind", ["butina", "leader"])
def test_similar_molecules_stay_together(kind: SplitKind) -> None:
    smiles = demo_activity().smiles[:300]
    folds = split(kind, smiles, (0.8, 0.1, 0.1))
    near = similarity_to_train(
        [smiles[i] for i in folds["train"]], [smiles[i] for i in folds["test"]]
    )
    shuffled = split("random", smiles, (0.8, 0.1, 0.1))
    easy = similarity_to_train(
        [smiles[i] for i in shuffled["train"]], [smiles[i] for i in shuffled["test"]]
    )
    assert np.median(near) < np.median(easy)


def test_time_keeps_the_order_and_what_belongs_together() -> None:
    smiles = ["C" * n for n in range(1, 11)] + ["CC"]
    years = np.array([2010.0, 2019, 2012, 2013, 2014, 2015, 2016, 2017, 2018, 2018, 2011])
    folds = split("time", smiles, (0.6, 0.2, 0.2), times=years)
    assert sorted(folds["train"]) == [0, 1, 2, 3, 4, 5, 10]  # row 1 is the molecule of row 10
    assert sorted(folds["valid"]) == [6, 7]
    assert sorted(folds["test"]) == [8, 9]
    with pytest.raises(InputError, match=r"--time-column of check, --data\.time_column of"):
        split("time", smiles, (0.6, 0.2, 0.2))


@pytest.mark.parametrize("kind", ["random", "scaffold_balanced", "butina", "leader"])
def test_cross_validation_tests_each_molecule_once(kind: SplitKind) -> None:
    parts = cross_folds(kind, SMILES, 4, seed=1)
    valid = [row for row, smiles in enumerate(SMILES) if smiles not in ("bad(", "")]
    assert sorted(np.concatenate(parts)) == valid
    molecules = canonical_smiles(SMILES)
    assert disjoint([{molecules[row] or "" for row in rows} for rows in parts])
    assert max(map(len, parts)) - min(map(len, parts)) <= max(map(len, grouped(kind, SMILES)))
    with pytest.raises(InputError, match="groups of molecules do not fill"):
        cross_folds(kind, SMILES[:3], 4, seed=1)


def test_one_division_is_not_cross_validated() -> None:
    with pytest.raises(InputError, match="one division only"):
        cross_folds("scaffold", SMILES, 4, seed=0)

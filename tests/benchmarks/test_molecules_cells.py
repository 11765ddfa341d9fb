"""Folds are stored and read back equal; finished cells are skipped; others are not mistaken."""

from pathlib import Path

import molecules_cells
import molecules_making
import molecules_ours
import molecules_plan
import numpy as np
import pytest
import yaml
from molecules_cells import Cell, identity
from molecules_data import Source, load
from molecules_job import Job, read_job, rows_of, write_job
from molecules_plan import Plan, Store
from molecules_splits import make_folds, stored_folds, with_share

from sciml.errors import InputError


def test_rows_without_a_molecule_are_left_out_and_counted(store: Store, alkanes: Source) -> None:
    table = load(alkanes, store.data)
    assert table.left_out == 1
    assert len(table.smiles) == 36
    assert table.tasks.names == ("y",)


def test_logarithms_are_given_where_the_source_says_so(store: Store, group: Source) -> None:
    table = load(group, store.data)
    np.testing.assert_allclose(table.labels[:, 0], np.log10(np.arange(1, len(table.smiles) + 1)))


@pytest.mark.parametrize("kind", ["random", "scaffold_balanced"])
def test_folds_are_read_back_equal(
    store: Store, alkanes: Source, tmp_path: Path, kind: str
) -> None:
    table = load(alkanes, store.data)
    made = make_folds(table, kind, seed=1)
    for _ in range(2):
        stored = stored_folds(table, kind, 1, tmp_path / "splits")
        for fold, rows in made.items():
            np.testing.assert_array_equal(stored[fold], rows)


def test_folds_of_another_table_are_refused(store: Store, alkanes: Source, tmp_path: Path) -> None:
    table = load(alkanes, store.data)
    stored_folds(table, "random", 0, tmp_path)
    file = store.data / alkanes.path
    file.write_text(file.read_text().replace(",3,0.0", ",4,0.0"))
    with pytest.raises(InputError, match="made for another alkanes"):
        stored_folds(load(alkanes, store.data), "random", 0, tmp_path)


def test_a_group_keeps_its_own_test_set(store: Store, group: Source) -> None:
    table = load(group, store.data)
    first, second = (make_folds(table, "tdc", seed) for seed in (0, 1))
    np.testing.assert_array_equal(first["test"], np.arange(24, 36))
    np.testing.assert_array_equal(first["test"], second["test"])
    together = np.sort(np.concatenate(list(first.values())))
    np.testing.assert_array_equal(together, np.arange(len(table.smiles)))


def test_a_share_is_of_training_and_validation() -> None:
    folds = {"train": np.arange(80), "valid": np.arange(80, 90), "test": np.arange(90, 100)}
    some = with_share(folds, 0.1, seed=0)
    assert {name: len(rows) for name, rows in some.items()} == {"train": 8, "valid": 1, "test": 10}
    assert set(some["train"]) < set(folds["train"])
    assert with_share(folds, 1, seed=0) is folds


def test_a_job_is_read_as_written(tmp_path: Path) -> None:
    smiles = ("CC", "NA", "CCO", "CN")  # sodium hydride's letters are no missing value
    labels = np.array([[0.1, np.nan], [1 / 3, 2.0], [3.0, 1.0], [5.0, 6.0]])
    folds = {"train": np.array([0]), "valid": np.array([1]), "test": np.array([2])}
    job = Job("forest", {}, ["a, b", "split of it"], ["regression"] * 2, seed=3)
    write_job(tmp_path, job, smiles, labels, folds, withhold=True)
    read, frame = read_job(tmp_path)
    assert read == job
    assert tuple(frame["smiles"]) == smiles
    np.testing.assert_array_equal(frame[job.tasks].to_numpy()[:2], labels[:2])
    assert frame[job.tasks][2:].isna().all(axis=None)  # of the test, and of no fold
    assert [rows_of(frame, fold).tolist() for fold in folds] == [[0], [1], [2]]


def test_anything_that_a_result_follows_from_is_another_cell() -> None:
    folds = {"train": np.array([0, 1]), "test": np.array([2])}
    same = identity({"trees": 500}, "table", folds)
    assert same == identity({"trees": 500}, "table", {n: rows.copy() for n, rows in folds.items()})
    others = {
        identity({"trees": 100}, "table", folds),
        identity({"trees": 500}, "other", folds),
        identity({"trees": 500}, "table", folds | {"test": np.array([3])}),
    }
    assert len(others | {same}) == 4


def test_ours_is_told_by_all_that_its_result_follows_from(tmp_path: Path) -> None:
    default = molecules_ours.settings_of("")
    assert default == molecules_ours.settings_of("small")
    assert default["weights"]["base.safetensors"]
    (tmp_path / "few.yaml").write_text(yaml.safe_dump(default["config"] | {"folds": 2}))
    other = molecules_ours.settings_of(str(tmp_path / "few.yaml"))
    assert identity(other, "table", {}) != identity(default, "table", {})


def test_predictions_are_read_back(tmp_path: Path) -> None:
    cell = Cell("ESOL", "random", 0, "ours:mine.yaml", 0.1, "abc")
    assert not molecules_cells.is_kept(tmp_path, cell)
    molecules_cells.keep(tmp_path, cell, np.array([[0.1]]), {"train_seconds": 2.0})
    assert molecules_cells.is_kept(tmp_path, cell)
    predicted, record = molecules_cells.read(tmp_path, cell)
    assert (predicted.item(), record["train_seconds"], record["seed"]) == (0.1, 2.0, 0)
    assert not molecules_cells.is_kept(tmp_path, Cell(**vars(cell) | {"identity": "abd"}))


def test_a_plan_names_every_cell_once(plan: Plan) -> None:
    cells = [cell for _, cell in plan.cells()]
    assert (
        len({cell.path for cell in cells}) == len(cells) == 2 * 2 * 2 * 2
    )  # models, splits, seeds, shares
    some = Plan(plan.store, plan.models, (0.1,), (0,), ("alkanes:f*",), ("random",))
    assert [(c.model, c.labels, c.seed) for _, c in some.cells()] == [("forest", 0.1, 0)]


def test_finished_cells_are_not_made_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make_cell(plan, entry, cell, python, threads) -> None:
        made.append(cell)
        molecules_cells.keep(plan.store.cells, cell, np.zeros((4, 1)), {})

    monkeypatch.setattr(molecules_making, "make_cell", make_cell)
    monkeypatch.setattr(molecules_making, "python_of", lambda model, peers: Path(__file__))
    monkeypatch.setattr(molecules_making, "cpu_seconds", lambda: len(made))
    molecules_making.make(plan, budget=3, peers=Path(), threads=1)
    assert len(made) == 3
    molecules_making.make(plan, budget=np.inf, peers=Path(), threads=1)
    assert len(set(made)) == len(made) == 16
    monkeypatch.setitem(molecules_plan.molecules_peers.SETTINGS, "forest", {"trees": 2})
    molecules_plan.settings_of.cache_clear()
    molecules_making.make(plan, budget=np.inf, peers=Path(), threads=1)
    molecules_plan.settings_of.cache_clear()
    assert [cell.model for cell in made[16:]] == ["forest"] * 8

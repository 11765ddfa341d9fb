"""The report says what the finished cells say, and fills in nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import molecules_cells
import molecules_plan
import molecules_skill
import numpy as np
import pandas as pd
import pytest
from molecules_data import Source
from molecules_earlier import Earlier
from molecules_plan import Plan

SHARES = (1.0, 0.1)
ERRORS = {("ours", 1.0): 1.0, ("ours", 0.1): 2.0}  # the forest's grow from 3 on


@pytest.fixture
def finished(plan: Plan, alkanes: Source, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plan]:
    """One seed of both splits: a forest and ours, with all and with some labels."""
    monkeypatch.setattr(molecules_plan.molecules_ours, "settings_of", lambda name: {"name": name})
    molecules_plan.settings_of.cache_clear()
    both = Plan(plan.store, ("forest", "ours"), seeds=(0,), labels=SHARES)
    for _, cell in both.cells():
        folds = plan.store.folds(both.table(alkanes), cell.split, cell.seed, cell.labels)
        truth = both.table(alkanes).labels[folds["test"]]
        error = ERRORS.get((cell.model, cell.labels), np.arange(3.0, 3 + len(truth))[:, None])
        record = {"train_seconds": 1.0, "predict_seconds": 0.1, "told": {}, "commit": ""}
        record |= {"rows": {n: len(r) for n, r in folds.items()}, "date": "d", "machine": "m"}
        record |= {"threads": 1, "versions": {"numpy": "2"}}
        molecules_cells.keep(plan.store.cells, cell, truth + error, record)
    features = plan.store.folder / "features" / f"alkanes-{both.table(alkanes).digest}.npy"
    features.parent.mkdir()
    features.touch()
    features.with_suffix(".json").write_text(json.dumps({"seconds": 5.0, "molecules": 10}))
    yield Plan(plan.store, ("forest", "ours", "chemprop"))
    molecules_plan.settings_of.cache_clear()


def test_cells_are_counted_and_compared(finished: Plan) -> None:
    told = molecules_skill.collect(finished, [])
    assert told["cells"]["ours"] == {"made": 2, "asked": 6, "other": 0, "codes": 1}
    assert told["cells"]["chemprop"] == {"made": 0, "asked": 6, "other": 0, "codes": 0}
    assert told["counts"]["forest"] == {
        "compared": 2,
        "better_on_average": 2,
        "significantly_better": 2,
        "significantly_worse": 0,
    }
    assert told["counts"]["chemprop"]["compared"] == 0
    assert told["counts"]["forest, chemprop"]["compared"] == 0
    assert told["versions"] == {model: {"numpy": ["2"]} for model in ("forest", "ours")}
    for entry in told["entries"]:
        assert entry["models"]["ours"]["value"] == pytest.approx(1)
        few = entry["few_labels"]["0.1"]
        assert few["models"]["ours"]["value"] == pytest.approx(2)
        assert few["over_as_few"]["forest"]["verdict"] == "better"
        assert few["over_all"]["forest"]["verdict"] == "better"
    forest = next(row for row in told["rows"] if row["model"] == "forest")
    assert forest["predict_seconds"] == pytest.approx(0.1 + 0.5 * forest["test_rows"])


def test_molecules_seen_in_pretraining_are_left_out_of_a_second_score(
    finished: Plan, alkanes: Source, tmp_path: Path
) -> None:
    table = finished.table(alkanes)
    file = tmp_path / "pretraining.parquet"
    pd.DataFrame({"smiles": table.smiles[:12]}).to_parquet(file)
    entry = molecules_skill.collect(finished, [file])["entries"][0]
    tests = [finished.store.folds(table, "random", seed, 1.0)["test"] for seed in range(3)]
    seen = {int(row) for rows in tests for row in rows if row < 12}
    assert entry["overlap"]["in_pretraining"] == len(seen)
    assert entry["overlap"]["in_training"] == 0
    errors = np.arange(3.0, 3 + len(tests[0]))[tests[0] >= 12]
    expected = np.sqrt(np.mean(errors**2))
    assert entry["overlap"]["without"]["forest"] == pytest.approx(expected)


def test_files_say_the_same(finished: Plan, tmp_path: Path) -> None:
    told = molecules_skill.collect(finished, [])
    molecules_skill.write(told, tmp_path)
    kept = json.loads((tmp_path / "skill_molecules.json").read_text())
    assert kept["counts"] == told["counts"]
    assert len(pd.read_csv(tmp_path / "skill_molecules.csv")) == len(told["rows"]) == 8
    report = (tmp_path / "skill_molecules.md").read_text()
    assert "ours: 2 of 6 cells" in report
    assert "better on average than forest on 2 of 2 (100%)" in report
    assert (
        "with 10% of the labels is better on average than forest with all labels on 2 of 2"
        in report
    )
    assert "| over chemprop with all |" in report


def test_what_an_earlier_report_says_stays_until_as_much_is_made_again(
    finished: Plan, tmp_path: Path
) -> None:
    told = molecules_skill.collect(finished, [])
    molecules_skill.write(told, tmp_path)
    earlier = Earlier.read(tmp_path)
    random = finished.store.cells / "alkanes" / "random-0-1"
    forest, ours = (next(random.glob(f"{model}-*.json")) for model in ("forest", "ours"))
    forest.unlink()
    again = molecules_skill.collect(finished, [], earlier)
    assert again["counts"] == told["counts"]
    assert len(again["rows"]) == len(told["rows"])
    assert again["cells"]["forest"]["made"] == 2
    alone = molecules_skill.collect(finished, [])
    assert alone["counts"]["forest"]["compared"] == 1  # so it is the earlier one that is counted
    predicted = np.load(ours.with_suffix(".npy"))
    np.save(ours.with_suffix(".npy"), predicted + 1)
    unchanged = molecules_skill.collect(finished, [], earlier)
    assert unchanged["entries"][0]["models"]["ours"]["value"] == pytest.approx(1)
    np.save(forest.with_suffix(".npy"), predicted + 1)
    forest.write_text(ours.read_text().replace('"ours"', '"forest"'))
    changed = molecules_skill.collect(finished, [], earlier)
    assert changed["entries"][0]["models"]["ours"]["value"] == pytest.approx(2)
    assert changed["entries"][0]["few_labels"].keys() == {"0.1"}
    assert len(changed["rows"]) == len(told["rows"])

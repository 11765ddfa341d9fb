"""A trained model is tested beside the forest of the field."""

from pathlib import Path

import numpy as np
import pytest

from molecules.experts import forest as forest_module
from molecules.files.table import Table, demo_activity, read_table
from molecules.training.preparation import DataConfig, Prepared, prepare
from molecules.training.testing import compare_with_baselines

SPLITS = ("random", "scaffold_balanced")


def scores(ready: Prepared, seed: int = 0) -> dict[tuple[str, str], float]:
    """(model, metric) of one property; ours says zero."""
    ours = np.zeros((len(ready.folds["test"]), len(ready.tasks)))
    found, _ = compare_with_baselines(ours, ready, None, seed)
    return {(row.model, row.score.metric): row.score.value for row in found}


def test_forest_learns_what_the_mean_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forest_module, "TREES", 50)
    smiles = ["C" * n + "O" * m for n in range(1, 25) for m in (0, 1)]
    lines = [
        f"{text},{len(text) if i % 7 else ''},{int('O' in text)}" for i, text in enumerate(smiles)
    ]
    file = tmp_path / "table.csv"
    file.write_text("\n".join(["smiles,length,alcohol", *lines]))
    config = DataConfig(fractions=(0.6, 0.1, 0.3))
    for target, metric in (("length", "RMSE"), ("alcohol", "ROC-AUC")):
        ready = prepare(read_table(file), [target], config, with_fingerprints=True)
        found = scores(ready)
        if target == "length":
            assert found["random forest", metric] < found["mean", metric] / 3
        else:
            assert found["random forest", metric] == 1


def _mean_over_seeds(table: Table, target: str, kind: str, metric: str) -> float:
    values = []
    for seed in range(3):
        config = DataConfig(split=kind, seed=seed)  # type: ignore[arg-type]
        ready = prepare(table, [target], config, with_fingerprints=True)
        values.append(scores(ready, seed)["random forest", metric])
    return float(np.mean(values))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target", "kind", "metric", "expected", "tolerance"),
    [
        ("delaney-processed.csv", "measured log solubility in mols per litre", "random",
         "RMSE", 0.609, 0.08),
        ("delaney-processed.csv", "measured log solubility in mols per litre",
         "scaffold_balanced", "RMSE", 0.880, 0.15),
        ("BBBP.csv", "p_np", "random", "ROC-AUC", 0.939, 0.03),
        ("BBBP.csv", "p_np", "scaffold_balanced", "ROC-AUC", 0.893, 0.06),
    ],
)  # fmt: skip
def test_near_the_published_yardsticks(
    shared_data: Path, name: str, target: str, kind: str, metric: str, expected: float,
    tolerance: float,
) -> None:  # fmt: skip
    table = read_table(shared_data / "molecules" / "moleculenet" / name)
    assert _mean_over_seeds(table, target, kind, metric) == pytest.approx(expected, abs=tolerance)


@pytest.mark.slow
def test_forest_on_the_embedded_table() -> None:
    ready = prepare(demo_activity(), ["Act"], DataConfig(), with_fingerprints=True)
    found = scores(ready)
    assert found["random forest", "RMSE"] < 0.8 * found["mean", "RMSE"]

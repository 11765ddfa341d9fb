"""Benchmarks are scripts: what they import from each other lies in their own folder."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SKILL = Path(__file__).parents[2] / "benchmarks" / "skill"
sys.path.append(str(SKILL))

import molecules_plan  # noqa: E402
from molecules_data import Source  # noqa: E402
from molecules_plan import Plan, Store  # noqa: E402

from molecules.evaluation.metrics import MAE, RMSE  # noqa: E402

SMALL = [f"C1CC1{'C' * n}C1CC1" for n in range(24)]  # as many frameworks
LARGE = [f"C1CCCC1{'C' * n}C1CCCC1" for n in range(12)]


@pytest.fixture
def alkanes() -> Source:
    """A table without a test set."""
    return Source("alkanes", "moleculenet/alkanes.csv", RMSE, ("y",))


@pytest.fixture
def group() -> Source:
    """A table with a test set, the large rings."""
    return Source("group", "admet/tdc/group", MAE, ("Y",), log=True)


@pytest.fixture
def store(tmp_path: Path, alkanes: Source, group: Source) -> Store:
    """Both tables on disk: a row that is no molecule, small rings, large rings."""
    smiles = ["no molecule", *SMALL, *LARGE]
    frame = pd.DataFrame({"smiles": smiles, "y": np.arange(len(smiles)), "predicted": 0.0})
    data = tmp_path / "data"
    folder = data / group.path
    folder.mkdir(parents=True)
    (data / "moleculenet").mkdir()
    frame.to_csv(data / alkanes.path, index=False)
    for name, part in {"train_val": frame[1:25], "test": frame[25:]}.items():
        columns = {"Drug_ID": part["y"], "Drug": part["smiles"], "Y": part["y"]}
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    return Store(data, tmp_path / "kept")


@pytest.fixture
def plan(store: Store, alkanes: Source, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Two models and two seeds of the first table."""
    monkeypatch.setattr(molecules_plan, "SOURCES", (alkanes,))
    return Plan(store, models=("forest", "lightgbm"), seeds=(0, 1))

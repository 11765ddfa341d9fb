"""Pictures of a test fold appear whatever it holds."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib import rc_context

from molecules.evaluation.plots import plot_test
from molecules.tasks import Task, Tasks

rng = np.random.default_rng(0)


@pytest.mark.parametrize("rows", [0, 1, 40, 400])
def test_every_kind_of_task(tmp_path: Path, rows: int) -> None:
    tasks = Tasks(
        tasks=(
            Task(name="solubility", unit="log mol/L"),
            Task(name="passes", kind="binary"),
            Task(name="one class", kind="binary"),
            Task(name="unbounded"),
            Task(name="unmeasured"),
        )
    )
    truth = rng.normal(size=(rows, 5))
    truth[:, 1] = truth[:, 1] > 0
    truth[:, 2] = 1
    truth[:, 4] = np.nan
    mean = truth + rng.normal(size=truth.shape)
    lower, upper = mean - 1, mean + rng.uniform(size=mean.shape)
    upper[:, 3] = np.inf
    plot_test(tmp_path / "test.png", tasks, truth, mean, lower, upper)
    assert (tmp_path / "test.png").read_bytes().startswith(b"\x89PNG")


def test_small_quantities_keep_their_digits(tmp_path: Path) -> None:
    """Errors of a dissociation constant in mol/L, and intervals that are not alike."""
    tasks = Tasks(tasks=(Task(name="Kd", unit="mol/L"),))
    truth = np.array([[1e-7], [2e-7], [4e-7]])
    width = np.array([[1e-7], [3e-7], [2e-7]])
    with rc_context({"svg.fonttype": "none"}):
        plot_test(tmp_path / "t.svg", tasks, truth, truth + 1e-8, truth - width, truth + width)
    picture = (tmp_path / "t.svg").read_text()
    assert "RMSE 1e-08 [1e-08, 1e-08]" in picture
    assert "LineCollection" in picture

"""Scores are what their formulas say."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from molecules.screening.objectives import (
    Z90,
    Objective,
    Ranking,
    expected_improvement,
    read_objectives,
    rounded,
)
from molecules.tasks import Task, Tasks
from sciml.errors import InputError

TASKS = Tasks(tasks=(Task(name="logS"), Task(name="toxic", kind="binary"), Task(name="a:min")))


def test_how_objectives_are_written() -> None:
    assert read_objectives(["logS:max:2", "toxic", "a:min"], True, TASKS) == (
        Objective(name="logS", weight=2),
        Objective(name="toxic", minimize=True),
        Objective(name="a:min", minimize=True),  # the name of a task comes first
    )
    assert read_objectives(["toxic:.5"], False, TASKS)[0].weight == 0.5
    with pytest.raises(InputError, match="choose one with --target"):
        read_objectives([], False, TASKS)
    with pytest.raises(InputError, match="did you mean 'logS'"):
        read_objectives(["logs:min"], False, TASKS)


@pytest.mark.parametrize("rest", ["mxa", "max:x", "2:max", "-1", ""])
def test_a_slip_behind_the_name_is_told_as_such(rest: str) -> None:
    with pytest.raises(InputError, match=f"'logS:{rest}': '{rest}' is neither max nor min"):
        read_objectives([f"logS:{rest}"], False, TASKS)
    with pytest.raises(InputError, match="expected a:min, a:min:max"):
        read_objectives([f"a:min:x{rest}"], False, TASKS)


@pytest.mark.parametrize(("mean", "std", "best"), [(0.0, 1.0, 0.5), (2.0, 0.3, 1.0), (-3, 2, 1)])
def test_expected_improvement_is_the_integral(mean: float, std: float, best: float) -> None:
    def gain(y: float) -> float:
        return (y - best) * norm.pdf(y, mean, std)

    (expected,) = expected_improvement(np.array([mean]), np.array([std]), np.array([best]))
    assert expected == pytest.approx(quad(gain, best, best + 30)[0], rel=1e-6)


def test_rounding_hides_only_the_last_digits() -> None:
    values = np.array([1 / 3, -1e-9 / 3, 1e6 / 3, 0.0])
    np.testing.assert_allclose(rounded(values), values, rtol=1e-5)
    np.testing.assert_array_equal(rounded(values), rounded(values * (1 + 1e-8)))
    assert np.isnan(rounded(np.array([np.nan])))[0]


def test_logarithms_are_ranked_where_they_are_learned() -> None:
    """The least of a potency: a tenfold step counts the same anywhere, and none turns round."""
    objective = Objective(name="IC50", minimize=True)
    told = np.array([[0.2], [1.0], [10.0], [100.0]])
    parts = {"mean": told, "lower": told / 5, "upper": told * 5}
    for by in ("mean", "bound", "improvement"):
        ranking = Ranking((objective,), [0], np.array([True]), np.ones(1), np.array([0.1]), by)
        goods = ranking.goods(SimpleNamespace(**parts))[:, 0]
        assert (np.diff(goods) < 0).all()
        if by != "improvement":
            assert goods[1] - goods[2] == pytest.approx(np.log(10), rel=1e-4)
    normal = np.random.default_rng(0).normal(np.log(0.2), np.log(5) / Z90, 400_000)
    gained = np.maximum(np.log(0.1) - normal, 0).mean()
    assert goods[0] == pytest.approx(gained, rel=0.02)

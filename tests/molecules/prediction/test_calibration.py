"""Intervals hold what they promise."""

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from molecules.prediction.calibration import LEVEL, Calibration
from molecules.prediction.prediction import Prediction
from molecules.tasks import Task, TaskKind, Tasks

SEED = 0


def test_conformal_width_is_the_closed_form() -> None:
    truth = np.zeros(99)
    predicted = np.arange(1, 100) * np.resize([1.0, -1.0], 99)
    calibration = Calibration.fit("regression", predicted, truth)
    assert calibration.width == 90.0  # ceil(100 * 0.9)-th smallest of 1..99


def test_conformal_coverage() -> None:
    random = np.random.default_rng(SEED)
    held = []
    for _ in range(400):
        errors = random.standard_t(3, 60)
        calibration = Calibration.fit("regression", errors[:50], np.zeros(50))
        lower, upper = calibration.interval("regression", errors[50:])
        held.append(((lower <= 0) & (upper >= 0)).mean())
    assert np.mean(held) == pytest.approx(LEVEL, abs=0.02)


@pytest.mark.parametrize("rows", [9, 10, 19, 99, 100, 112])
def test_coverage_is_exact_for_exchangeable_rows(rows: int) -> None:
    """Of n + 1 rows, each in turn the new one, exactly ceil((n + 1) LEVEL) are covered."""
    errors = np.random.default_rng(SEED).standard_t(3, rows + 1)
    covered = 0
    for new in range(rows + 1):
        others = np.arange(rows + 1) != new
        made = Calibration.fit("regression", errors[others], np.zeros(rows))
        lower, upper = made.interval("regression", errors[[new]])
        covered += int(lower[0] <= 1e-12 and upper[0] >= -1e-12)
    assert covered == -(-(rows + 1) * 9 // 10)


@pytest.mark.parametrize("label", [0, 1])
def test_sets_hold_either_class_exactly(label: int) -> None:
    random = np.random.default_rng(SEED)
    same, other = random.uniform(size=40), random.uniform(size=25)
    held = 0
    for new in range(40):
        kept = np.arange(40) != new
        predicted = np.concatenate([same[kept], other])
        truth = np.concatenate([np.full(39, label), np.full(25, 1 - label)])
        made = Calibration.fit("binary", predicted, truth.astype(float))
        held += str(label) in made.sets(same[[new]])[0]
    assert held == 36


def class_prediction(chances: np.ndarray, calibrations: list[Calibration]) -> Prediction:
    """Chances (row, class) of a property `size` as a prediction."""
    names = ("small", "medium", "large")
    tasks = Tasks(tasks=tuple(Task(name=f"size={n}", kind="binary", of="size") for n in names))
    columns = zip(calibrations, chances.T, strict=True)
    sets = np.array([made.sets(column) for made, column in columns]).T
    rows = len(chances)
    blank = [""] * rows
    return Prediction(tasks, blank, chances, chances, chances, sets, ["ok"] * rows, blank)


def fitted_classes(chances: np.ndarray, truth: np.ndarray) -> list[Calibration]:
    columns = enumerate(chances.T)
    return [Calibration.fit("binary", told, (truth == k).astype(float)) for k, told in columns]


def test_class_sets_hold_the_true_class_whichever_it_is() -> None:
    """Of each class's n + 1 rows, each in turn the new one, ceil((n + 1) LEVEL) are held."""
    random = np.random.default_rng(SEED)
    truth = np.repeat([0, 1, 2], [40, 20, 12])
    chances = random.dirichlet([1.0, 1.0, 1.0], len(truth))  # a model that knows nothing
    held = np.zeros(3)
    for new in range(len(truth)):
        kept = np.arange(len(truth)) != new
        made = fitted_classes(chances[kept], truth[kept])
        (members,) = class_prediction(chances[[new]], made).class_sets()["size"]
        assert members is not None
        held[truth[new]] += ("small", "medium", "large")[truth[new]] in members
    assert held.tolist() == [36, 18, 11]


def test_class_sets_are_single_where_the_model_is_sure() -> None:
    truth = np.repeat([0, 1, 2], 30)
    chances = 0.05 + 0.85 * np.eye(3)[truth]
    told = class_prediction(chances, fitted_classes(chances, truth))
    assert told.columns()["size_set"] == [f"{{{name}}}" for name in told.most_probable()["size"]]
    few = truth[: 30 + 30 + 5]
    rare = class_prediction(chances, fitted_classes(chances[: len(few)], few))
    members = rare.class_sets()["size"]
    assert all("large" in (row or []) for row in members)  # five are too few to leave it out
    unknown = class_prediction(chances, [Calibration()] * 3)
    assert unknown.columns()["size_set"][0] == "{small, medium, large}"  # type: ignore[index]


def test_sets_say_what_is_in_doubt() -> None:
    calibration = Calibration(doubts=(0.3, 0.4))
    assert calibration.sets(np.array([0.1, 0.5, 0.9])) == ["{0}", "{}", "{1}"]
    assert Calibration(doubts=(0.6, 0.6)).sets(np.array([0.5])) == ["{0 1}"]
    assert Calibration().sets(np.array([0.001])) == ["{0 1}"]


def test_sets_of_two_words_hold_the_words() -> None:
    told = Tasks(tasks=(Task(name="tox", kind="binary", words=("non-toxic", "toxic")),))
    tasks = Tasks.model_validate_json(told.model_dump_json())  # as in a model file
    chances, sets = np.full((5, 1), 0.5), np.array([["{0}"], ["{1}"], ["{0 1}"], ["{}"], [""]])
    blank = [""] * 5
    made = Prediction(tasks, blank, chances, chances, chances, sets, ["ok"] * 5, blank)
    assert made.columns()["tox_set"] == ["{non-toxic}", "{toxic}", "{non-toxic, toxic}", "{}", ""]


def test_too_few_rows_promise_nothing() -> None:
    calibration = Calibration.fit("regression", np.ones(8), np.zeros(8))
    assert calibration.interval("regression", np.ones(1)) == (-np.inf, np.inf)
    empty = Calibration.fit("binary", np.array([np.nan]), np.array([1.0]))
    assert empty.interval("binary", np.array([0.3])) == (0.0, 1.0)


def test_venn_abers_is_two_isotonic_regressions() -> None:
    random = np.random.default_rng(SEED)
    scores = random.uniform(size=40)
    truth = (random.uniform(size=40) < scores).astype(float)
    calibration = Calibration.fit("binary", scores, truth)
    new = random.uniform(size=10)
    lower, upper = calibration.interval("binary", new)
    for score, low, high in zip(new, lower, upper, strict=True):
        ends = [
            IsotonicRegression().fit([*scores, score], [*truth, label]).predict([score])[0]
            for label in (0.0, 1.0)
        ]
        assert low == pytest.approx(min(ends[0], score), abs=1e-12)
        assert high == pytest.approx(max(ends[1], score), abs=1e-12)


def test_the_order_of_equal_scores_does_not_matter() -> None:
    scores, truth = np.repeat([0.3, 0.6], [20, 10]), np.r_[np.arange(20) < 6, np.arange(10) < 7]
    there, back = (
        Calibration.fit("binary", scores[order], truth[order].astype(float))
        for order in (np.arange(30), np.arange(30)[::-1])
    )
    new = np.array([0.1, 0.3, 0.45, 0.6, 0.9])
    np.testing.assert_allclose(there.interval("binary", new), back.interval("binary", new))


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_survives_the_model_file(kind: TaskKind) -> None:
    signs = np.ones((2, 1))
    calibration = Calibration.fit(kind, np.array([0.1, 0.9]), np.array([0.0, 1.0]), signs)
    assert Calibration.model_validate(calibration.model_dump(mode="json")) == calibration

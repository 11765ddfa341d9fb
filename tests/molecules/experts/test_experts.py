"""The experts beside the networks: what they learn, forget nothing in a file, and never see."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from molecules.experts import kernel as kernel_module
from molecules.experts.expert import ExpertName, fit_expert, read_expert
from molecules.experts.forest import SHARE, Forest
from molecules.experts.inputs import Inputs
from molecules.experts.kernel import Chosen, Kernel, choose
from molecules.experts.similarity import squared_distance, standardized, tanimoto
from molecules.features.features import featurize
from molecules.tasks import Task, Tasks
from sciml.errors import InputError

ENDS = ("O", "N", "F", "c1ccccc1", "=O", "Cl", "C#N", "S")
SMILES = [f"{'C' * n}{end}" for n in range(2, 12) for end in ENDS]
TASKS = Tasks(tasks=(Task(name="length"), Task(name="oxygen", kind="binary")))
LABELS = np.array([[s.count("C") + s.count("c"), "O" in s] for s in SMILES], np.float64)
EXPERTS: list[ExpertName] = ["kernel", "trees", "forest"]


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return inputs_of(SMILES)


def inputs_of(smiles: list[str]) -> Inputs:
    counts = featurize(smiles, with_fingerprints=True).fingerprints
    assert counts is not None
    return Inputs.of(smiles, counts)


@pytest.mark.parametrize("name", EXPERTS)
def test_learns_and_comes_back_from_a_file_to_the_last_bit(
    name: ExpertName, inputs: Inputs
) -> None:
    held = np.arange(len(SMILES)) % 5 == 0
    rows, tests = np.flatnonzero(~held), np.flatnonzero(held)
    labels = LABELS.copy()
    labels[rows[::7], 1] = np.nan
    expert = fit_expert(name, inputs.rows(rows), labels[rows], np.ones(len(rows)), TASKS, 0)
    told = expert.predict(inputs.rows(tests))
    assert np.sqrt(np.mean((told[:, 0] - LABELS[tests, 0]) ** 2)) < 0.4 * LABELS[tests, 0].std()
    positive = LABELS[tests, 1] == 1
    assert told[positive, 1].min() > told[~positive, 1].max()
    assert ((told[:, 1] >= 0) & (told[:, 1] <= 1)).all()
    again = read_expert(name, expert.arrays())
    np.testing.assert_array_equal(again.predict(inputs.rows(tests)), told)
    one = np.concatenate([expert.predict(inputs.rows(tests[i : i + 1])) for i in range(len(tests))])
    np.testing.assert_allclose(one, told, rtol=0, atol=1e-9)
    order = np.random.default_rng(0).permutation(len(tests))
    moved = expert.predict(inputs.rows(tests[order]))
    np.testing.assert_allclose(moved[np.argsort(order)], told, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", EXPERTS)
def test_weight_zero_is_not_learned_and_no_label_is_survived(
    name: ExpertName, inputs: Inputs
) -> None:
    labels, weights = LABELS.copy(), np.ones(len(SMILES))
    labels[::2, 0], weights[::2] = 100.0, 0.0
    labels[:, 1] = np.nan
    told = fit_expert(name, inputs, labels, weights, TASKS, 0).predict(inputs)
    assert told[:, 0].max() < 30
    assert np.isfinite(told).all()


@pytest.mark.parametrize("name", EXPERTS)
@pytest.mark.parametrize(("size", "zero"), [(1e-10, 0.0), (1e39, 0.0), (1.0, 1e9)])
def test_the_unit_of_a_quantity_does_not_matter(
    name: ExpertName, size: float, zero: float, inputs: Inputs
) -> None:
    tasks, weights = Tasks(tasks=TASKS.tasks[:1]), np.ones(len(SMILES))
    usual = fit_expert(name, inputs, LABELS[:, :1], weights, tasks, 0).predict(inputs)
    labels = LABELS[:, :1] * size + zero
    expert = fit_expert(name, inputs, labels, weights, tasks, 0)
    told = read_expert(name, expert.arrays()).predict(inputs)
    spread = LABELS[:, 0].std()  # equal up to ties between splits
    assert np.abs((told - zero) / size - usual).mean() < 0.02 * spread


@pytest.mark.parametrize("name", ["trees", "forest"])
def test_a_file_without_units_holds_labels_as_they_came(name: ExpertName, inputs: Inputs) -> None:
    expert = fit_expert(name, inputs, LABELS, np.ones(len(SMILES)), TASKS, 0)
    arrays = expert.arrays()
    size = arrays.pop("size")
    del arrays["zero"]
    told = read_expert(name, arrays).predict(inputs) * size
    np.testing.assert_array_equal(told, expert.predict(inputs))


def test_inputs_do_not_depend_on_the_spelling() -> None:
    one, other = inputs_of(["CC(=O)Oc1ccccc1C(=O)O"]), inputs_of(["OC(=O)c1ccccc1OC(C)=O"])
    np.testing.assert_array_equal(one.descriptors, other.descriptors)
    np.testing.assert_array_equal(one.counts, other.counts)


def test_tanimoto_of_counts_by_hand() -> None:
    a = np.array([[3, 0, 1], [0, 0, 0]], np.uint8)
    b = np.array([[1, 2, 1], [3, 0, 1]], np.uint8)
    np.testing.assert_allclose(tanimoto(a, b), [[2 / 6, 1], [0, 0]])
    assert tanimoto(a[1:], a[1:]) == 1


def test_left_out_predictions_are_those_of_a_refit() -> None:
    draw = np.random.default_rng(0)
    points = draw.normal(size=(12, 3)).astype(np.float32)
    y = points[:, 0] + 0.1 * draw.normal(size=12)
    covariance = np.exp(-squared_distance(points, points) / 2)
    for noise, told in kernel_module._left_out(covariance, y):
        centred, others = y - y.mean(), np.arange(1, 12)
        matrix = covariance[np.ix_(others, others)] + noise * np.eye(11)
        expected = y.mean() + covariance[0, others] @ np.linalg.solve(matrix, centred[others])
        assert told[0] == pytest.approx(expected, abs=1e-6)


def test_the_kernel_chooses_noise_for_noise() -> None:
    draw = np.random.default_rng(0)
    points = draw.normal(size=(80, 2)).astype(np.float32)
    near, same = squared_distance(points, points), np.ones((80, 80), np.float32)
    smooth = choose(same, near, points[:, 0].astype(float), binary=False)
    noise = choose(same, near, draw.normal(size=80), binary=False)
    assert smooth.mix < 1
    assert smooth.noise < 0.01
    assert noise.noise >= 1
    yes = choose(same, near, (points[:, 0] > 0).astype(float), binary=True)
    assert yes.slope > 0
    flat = choose(same, near, np.ones(80), binary=True)
    assert (flat.slope, flat.intercept) == (0.0, pytest.approx(np.log(81)))
    assert Chosen().slope == 0.0


def test_copied_rows_do_not_make_a_measurement_exact(inputs: Inputs) -> None:
    labels = LABELS[:, :1] + np.random.default_rng(0).normal(0, 2, (len(SMILES), 1))
    tasks = Tasks(tasks=TASKS.tasks[:1])
    rows = np.repeat(np.arange(len(SMILES)), 2)
    once = Kernel.fit(inputs, labels, np.ones(len(SMILES)), tasks, 0)
    twice = Kernel.fit(inputs.rows(rows), labels[rows], np.ones(len(rows)), tasks, 0)
    np.testing.assert_array_equal(twice.chosen, once.chosen)
    assert Chosen(*once.chosen[0]).noise > 0.1


def test_few_labels_are_kept_where_a_table_is_cut(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_module, "MOST", 40)
    labels = LABELS.copy()
    labels[12:, 1] = np.nan
    made = Kernel.fit(inputs, labels, np.ones(len(SMILES)), TASKS, 0)
    assert len(made.counts) == 40
    assert np.count_nonzero(made.coefficients[:, 1]) == 12
    dense = Kernel.fit(inputs, LABELS, np.ones(len(SMILES)), TASKS, 0)
    few = np.sort(np.random.default_rng(0).permutation(len(SMILES))[:40])
    np.testing.assert_array_equal(dense.counts, inputs.counts[few])


def test_how_unsure_the_kernel_is_is_what_scikit_learn_says(inputs: Inputs) -> None:
    known, other = inputs.rows(np.arange(60)), inputs.rows(np.arange(55, 80))
    kernel = Kernel.fit(known, LABELS[:60], np.ones(60), TASKS, 0)
    scale, noise = 3.0, 0.1
    kernel = replace(kernel, chosen=np.array([[0.0, scale, noise, 0, 0], kernel.chosen[1]]))
    (_, unsure), points = kernel.tell(other), kernel.descriptors
    dim = points.shape[1]
    process = GaussianProcessRegressor(RBF(np.sqrt(scale * dim)), alpha=noise, optimizer=None)
    process.fit(points.astype(np.float64), LABELS[:60, 0])
    described = standardized(other.descriptors, kernel.centre, kernel.spread)
    _, deviation = process.predict(described.astype(np.float64), return_std=True)
    np.testing.assert_allclose(unsure[:, 0], np.sqrt(deviation**2 + noise), rtol=1e-4)
    assert (unsure[:, 1] == 0).all()  # yes/no
    assert unsure[:5, 0].max() < unsure[5:, 0].max() < np.sqrt(1 + noise)
    np.testing.assert_array_equal(kernel.tell(other)[0], kernel.predict(other))


def test_few_anchors_leave_it_no_surer(inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Kernel.fit(inputs, LABELS, np.ones(len(SMILES)), TASKS, 0)
    all_of_them = made.tell(inputs)[1]
    monkeypatch.setattr(kernel_module, "ANCHORS", 20)
    few = Kernel.of_arrays(made.arrays()).tell(inputs)[1]
    assert (few >= all_of_them - 1e-9).all()
    assert (few[:, 0] > all_of_them[:, 0]).any()


def test_damaged_trees(inputs: Inputs) -> None:
    arrays = fit_expert("trees", inputs, LABELS, np.ones(len(SMILES)), TASKS, 0).arrays()
    arrays["text_0"] = arrays["text_0"][:-20]
    with pytest.raises(InputError, match="trees in the model file are damaged"):
        read_expert("trees", arrays)


def test_forest_says_what_scikit_learn_does(inputs: Inputs) -> None:
    forest = Forest.fit(inputs, LABELS, np.ones(len(LABELS)), TASKS, 3, trees=12)
    table = np.concatenate([inputs.counts, np.nan_to_num(inputs.descriptors)], axis=1)
    grown = RandomForestRegressor(12, max_features=SHARE, random_state=3).fit(table, LABELS[:, 0])
    asked = table + np.random.default_rng(0).normal(0, 0.1, table.shape).astype(np.float32)
    told = forest.predict(Inputs(asked[:, :2048], asked[:, 2048:]))
    np.testing.assert_allclose(told[:, 0], grown.predict(asked), rtol=1e-6)


def test_forest_is_cut_to_the_same_number_of_trees_for_each_property(inputs: Inputs) -> None:
    forest = Forest.fit(inputs, LABELS, np.ones(len(LABELS)), TASKS, 0, trees=10)
    nodes = len(forest.arrays()["feature"])
    assert forest.cut(nodes).counts.tolist() == [10, 10]
    half = forest.cut(nodes // 2)
    assert half.counts[0] == half.counts[1] > 2
    assert len(half.arrays()["feature"]) <= nodes // 2
    assert half.trees[0] is forest.trees[0]


def test_damaged_forest_is_refused_rather_than_walked_for_ever(inputs: Inputs) -> None:
    arrays = Forest.fit(inputs, LABELS, np.ones(len(LABELS)), TASKS, 0, trees=3).arrays()
    for name, value in (("skip", 0), ("skip", 10**6), ("feature", 0)):
        with pytest.raises(InputError, match="damaged"):
            Forest.of_arrays(arrays | {name: np.full_like(arrays[name], value)})

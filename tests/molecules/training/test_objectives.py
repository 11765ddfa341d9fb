"""Losses in closed form."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.models.model import ModelConfig, PropertyModel, target_normalizer
from molecules.tasks import Task, Tasks
from molecules.training.objectives import PropertyLoss, PropertyLossConfig
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig

SMILES = ["CCO", "c1ccccc1", "CC(=O)N", "C"]
TASKS = Tasks(tasks=(Task(name="logS"), Task(name="toxic", kind="binary")))
LABELS = np.array([[1.0, 0.0], [3.0, 1.0], [np.nan, 1.0], [2.0, np.nan]])
GRAPH = ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=1))


def make_data() -> MoleculeData:
    packed = featurize(SMILES).packed
    positions = np.random.default_rng(0).normal(size=(len(packed.atoms), 3)).astype(np.float32)
    return MoleculeData(packed, np.arange(4), labels=LABELS, positions=positions)


class Constant(PropertyModel):
    """Answers zero: the mean of a quantity, and a probability of one half."""

    def forward(self, batch):
        return torch.zeros(len(batch), len(self.head.binary))


@pytest.mark.parametrize(
    ("regression", "errors"),
    [("mse", 1.5 + 1.5), ("l1", 2 * 1.5**0.5), ("huber", 2 * (1.5**0.5 - 0.5))],
)
def test_property_loss_is_the_mean_over_measured_labels(regression: str, errors: float) -> None:
    model = Constant(GRAPH, TASKS, target_normalizer(TASKS, LABELS))
    loss = PropertyLoss(PropertyLossConfig(regression=regression), TASKS, LABELS)
    value, _ = loss(model, make_data().__getitems__(range(4)))
    # Normalized labels of the first task are -sqrt(1.5), sqrt(1.5), 0.
    assert value.item() == pytest.approx((errors + 3 * math.log(2)) / 6, rel=1e-5)


def constant_loss(
    tasks: Tasks, data: MoleculeData, answer: float | list[float] = 0.0, **options: object
) -> float:
    """The loss of a model whose normalized answers are all the same."""
    assert data.labels is not None
    model = Constant(GRAPH, tasks)
    model.forward = lambda batch: torch.tensor(answer).expand(len(batch), len(tasks))  # type: ignore[method-assign]
    objective = PropertyLoss(PropertyLossConfig(**options), tasks, data.labels)  # type: ignore[arg-type]
    return objective(model, data.__getitems__(range(len(data))))[0].item()


@pytest.mark.parametrize(("regression", "power"), [("mse", 2), ("l1", 1)])
def test_a_bound_costs_only_what_lies_beyond_it(regression: str, power: int) -> None:
    tasks = Tasks(tasks=(Task(name="pIC50"),))
    labels, bounds = np.array([[1.0], [3.0], [-2.0], [4.0]]), np.array([[-1], [1], [1], [0]])
    data = replace(make_data(), labels=labels, bounds=bounds.astype(np.int8))
    # An answer of 2 is above "<1" and below ">3" by one, above ">-2", and misses 4 by two.
    value = constant_loss(tasks, data, 2.0, regression=regression)
    assert value == pytest.approx((1 + 1 + 0 + 2**power) / 4)
    assert constant_loss(tasks, replace(data, bounds=None), 2.0) == pytest.approx(22 / 4)


def test_a_bound_of_zero_says_nothing_of_a_logarithm() -> None:
    tasks = Tasks(tasks=(Task(name="dose", scale="log"),))
    labels, bounds = np.array([[1.0], [math.e], [0.0], [1.0]]), np.array([[0], [0], [-1], [0]])
    data = replace(make_data(), labels=labels, bounds=bounds.astype(np.int8))
    assert constant_loss(tasks, data) == pytest.approx(1 / 3)
    some = np.array([0, 1, 3])
    assert constant_loss(tasks, data) == pytest.approx(constant_loss(tasks, data.rows(some)))


def test_a_weight_of_two_is_a_row_that_stands_twice() -> None:
    data = replace(make_data(), labels=LABELS)
    weighted = replace(data, weights=np.array([2.0, 1.0, 0.0, 0.0]))
    twice = data.rows(np.array([0, 0, 1]))
    assert constant_loss(TASKS, weighted) == pytest.approx(constant_loss(TASKS, twice))
    nothing = replace(data, weights=np.zeros(4))
    assert constant_loss(TASKS, nothing) == 0


def test_classes_share_one_cross_entropy() -> None:
    names = ("low", "mid", "high")
    tasks = Tasks(tasks=tuple(Task(name=f"g={n}", kind="binary", of="g") for n in names))
    labels = np.array([[1.0, 0, 0], [0, 1, 0], [np.nan] * 3, [1, 0, 0]])
    data = replace(make_data(), labels=labels)
    assert constant_loss(tasks, data) == pytest.approx(math.log(3))
    answer = [0.0, 1.0, 2.0]
    log_sum = math.log(1 + math.e + math.e**2)
    assert constant_loss(tasks, data, answer) == pytest.approx((3 * log_sum - 1) / 3)
    balanced = PropertyLoss(PropertyLossConfig(balance=True), tasks, labels)
    np.testing.assert_allclose(balanced.positive, [0.5, 1, 1 / (3 * 1e-3)], rtol=1e-5)


def test_probabilities_of_classes_sum_to_one() -> None:
    torch.manual_seed(0)
    classes = [Task(name=f"g={n}", kind="binary", of="g") for n in "abc"]
    tasks = Tasks(tasks=(Task(name="logS"), *classes, Task(name="toxic", kind="binary")))
    model = PropertyModel(GRAPH, tasks)
    batch = make_data().__getitems__(range(4))
    predicted, output = model.predict(batch), model(batch)
    torch.testing.assert_close(predicted[:, 1:4].sum(1), torch.ones(4))
    torch.testing.assert_close(predicted[:, 1:4].log().diff(), output[:, 1:4].diff())
    torch.testing.assert_close(predicted[:, 4], output[:, 4].sigmoid())
    torch.testing.assert_close(predicted[:, 0], output[:, 0])


def test_balance_weighs_both_classes_alike() -> None:
    loss = PropertyLoss(PropertyLossConfig(balance=True), TASKS, LABELS)
    assert loss.positive.tolist() == pytest.approx([1.0, 0.5])


def test_unmeasured_labels_have_no_gradient() -> None:
    torch.manual_seed(0)
    model = PropertyModel(GRAPH, TASKS, target_normalizer(TASKS, LABELS))
    batch = make_data().__getitems__([2])  # only the second task is measured
    loss, _ = PropertyLoss(PropertyLossConfig(), TASKS, LABELS)(model, batch)
    loss.backward()
    gradient = model.head.layers[-1].weight.grad
    assert not gradient[0].any()
    assert gradient[1].any()


def test_evenness_takes_labels_alike_or_properties_alike() -> None:
    """Labels of the first task err by 1, the only one of the second by 3."""
    tasks = Tasks(tasks=(Task(name="a"), Task(name="b")))
    labels = np.array([[1.0, 3.0], [1.0, np.nan], [1.0, np.nan], [1.0, np.nan]])
    data = replace(make_data(), labels=labels)
    assert constant_loss(tasks, data) == pytest.approx((4 * 1 + 9) / 5)
    assert constant_loss(tasks, data, evenness=1.0) == pytest.approx((1 + 9) / 2)
    part = (4 * 1 * 4**-0.5 + 9) / (4 * 4**-0.5 + 1)
    assert constant_loss(tasks, data, evenness=0.5) == pytest.approx(part)
    assert constant_loss(tasks, data, weights={"b": 0.0}) == pytest.approx(1 * 4 / 5 * 5 / 4)
    assert constant_loss(tasks, data, weights={"*": 3.0}) == pytest.approx((4 * 1 + 9) / 5)


def test_weights_that_name_nothing() -> None:
    with pytest.raises(InputError, match="'x\\*' matches no property; there are 'logS', 'toxic'"):
        PropertyLoss(PropertyLossConfig(weights={"x*": 2.0}), TASKS, LABELS)
    with pytest.raises(InputError, match="counts anything"):
        PropertyLoss(PropertyLossConfig(weights={"*": 0.0}), TASKS, LABELS)


def test_uncertainty_learns_the_variance_of_each_property() -> None:
    """Of errors 1 and 9: what is least at the variance of a normal distribution."""
    tasks = Tasks(tasks=(Task(name="a"), Task(name="b")))
    labels = np.array([[1.0, 3.0]] * 4)
    model = Constant(GRAPH, tasks)
    loss = PropertyLoss(PropertyLossConfig(uncertainty=True), tasks, labels)
    batch = replace(make_data(), labels=labels).__getitems__(range(4))
    optimizer = torch.optim.Adam([loss.spread], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        loss(model, batch)[0].backward()
        optimizer.step()
    np.testing.assert_allclose(loss.spread.detach().exp(), [1.0, 9.0], rtol=1e-2)


def test_uncertainty_takes_the_classes_of_a_property_together() -> None:
    """Kendall et al. 2018, equation 10: cross-entropy / s2 + log(s2) / 2, once a property."""
    tasks = Tasks(tasks=tuple(Task(name=f"kind={c}", kind="binary", of="kind") for c in "abc"))
    labels = np.eye(3)[[0, 1, 2, 0]]
    loss = PropertyLoss(PropertyLossConfig(uncertainty=True), tasks, labels)
    assert loss.spread is not None
    with torch.no_grad():
        loss.spread.fill_(0.6)
    batch = replace(make_data(), labels=labels).__getitems__(range(4))
    value = loss(Constant(GRAPH, tasks), batch)[0]
    assert value.item() == pytest.approx(math.log(3) * math.exp(-0.6) + 0.3, rel=1e-5)


def test_a_property_without_labels_costs_nothing() -> None:
    labels = LABELS.copy()
    labels[:, 1] = np.nan
    data = replace(make_data(), labels=labels)
    assert math.isfinite(constant_loss(TASKS, data, evenness=1.0, balance=True))

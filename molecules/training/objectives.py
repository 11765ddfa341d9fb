"""What training minimizes: the error of predicted properties."""

from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.files.recognize import listing
from molecules.models.model import PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.tasks import Tasks
from sciml.config import Config
from sciml.errors import InputError
from sciml.patterns import matches


class PropertyLossConfig(Config):
    """Configuration of a `PropertyLoss`.

    Attributes:
        regression: error of a normalized quantity.
        balance: weigh the two classes of a yes/no property alike.
        evenness: of properties with n labels each label counts n ** -evenness: with 0 every
            label counts alike, with 1 every property.
        weights: pattern of names (`NVS_*`) -> how much a property counts; the first that
            matches.
        uncertainty: also learn the variance s2 of each property's error, which then counts
            error / (2 s2), of classes error / s2, and costs log(s2) / 2 (Kendall et al. 2018,
            equations 7 and 10).
    """

    regression: Literal["mse", "l1", "huber"] = "mse"
    balance: bool = False
    evenness: float = Field(0.0, ge=0, le=1)
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field({})
    uncertainty: bool = False


class PropertyLoss(nn.Module):
    """Weighted mean error over the measured labels of a batch.

    A quantity has the error of its normalized value; of one that is only bounded, the
    error counts where the prediction lies beyond the bound. A yes/no property has its
    cross-entropy, a property of several classes that of the classes together.

    Args:
        config: see `PropertyLossConfig`.
        tasks: kinds of the properties.
        labels: (row, task) of the training fold, for their numbers and the balance of classes.

    Raises:
        InputError: a pattern of `weights` matches no property, or all count nothing.
    """

    positive: Tensor
    part: Tensor
    own: Tensor
    first: Tensor

    def __init__(
        self, config: PropertyLossConfig, tasks: Tasks, labels: NDArray[np.float64]
    ) -> None:
        super().__init__()
        self.regression = config.regression
        count = np.isfinite(labels).sum(axis=0)
        positive = np.clip(np.nansum(labels, axis=0) / np.maximum(count, 1), 1e-3, 1 - 1e-3)
        weight = np.where(tasks.binary, (1 - positive) / positive, 1.0)
        part = np.ones(len(tasks))  # of a label, that one column of it makes up
        for columns in tasks.classes.values():
            part[columns] = 1 / len(columns)
            weight[columns] = 1 / (len(columns) * positive[columns])
        self.classes = list(tasks.classes.values())
        weight = weight if config.balance else np.ones(len(tasks))
        self.register_buffer("positive", torch.from_numpy(weight).float())
        self.register_buffer("part", torch.from_numpy(part).float())
        self.register_buffer("own", torch.from_numpy(_weights(config, tasks, count)).float())
        self.spread = nn.Parameter(torch.zeros(len(tasks))) if config.uncertainty else None
        first = np.arange(len(tasks))  # column whose variance counts: one for all classes
        for columns in tasks.classes.values():
            first[columns] = columns[0]
        self.register_buffer("first", torch.from_numpy(first), persistent=False)

    def forward(
        self, model: PropertyModel, batch: MoleculeBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, without further terms."""
        assert batch.y is not None
        output = model(batch)
        output = output.to(torch.promote_types(output.dtype, torch.float32))  # as labels are
        measured = batch.y.isfinite() & ~(model.head.logarithmic & (batch.y <= 0))
        target = torch.where(measured, model.head.normalize(batch.y), 0.0).to(output.dtype)
        error = torch.where(model.head.binary, 0.0, self._error(output, target))
        if batch.bound is not None:
            error = error.masked_fill(batch.bound * (output - target) > 0, 0.0)
        entropy = self._entropy(output, target)
        error = torch.where(model.head.binary, entropy, error)
        if self.spread is not None:
            logarithm = self.spread[self.first]
            half = torch.where(model.head.binary, 1.0, 0.5).to(output.dtype)
            error = half * error * (-logarithm).exp() + 0.5 * self.part * logarithm
        weight = measured if batch.weight is None else measured * batch.weight.unsqueeze(1)
        total = (weight * self.part.to(output.dtype)).sum()
        error = error * self.own.to(output.dtype)
        return (error * weight).sum() / total.clamp(min=torch.finfo(output.dtype).tiny), {}

    def _entropy(self, output: Tensor, target: Tensor) -> Tensor:
        """(molecule, task) cross-entropy; that of a class is its part of the sum over classes."""
        weight = self.positive.to(output.dtype)
        entropy = F.binary_cross_entropy_with_logits(
            output, target.clamp(0, 1), pos_weight=weight, reduction="none"
        )
        for columns in self.classes:
            chosen = torch.tensor(columns, device=output.device)
            surprise = -output[:, columns].log_softmax(1)
            error = weight[columns] * target[:, columns] * surprise
            entropy = entropy.index_copy(1, chosen, error)
        return entropy

    def _error(self, output: Tensor, target: Tensor) -> Tensor:
        match self.regression:
            case "mse":
                return F.mse_loss(output, target, reduction="none")
            case "l1":
                return F.l1_loss(output, target, reduction="none")
            case "huber":
                return F.huber_loss(output, target, reduction="none")


def _weights(
    config: PropertyLossConfig, tasks: Tasks, count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(task,) what each of its labels counts; one on the mean over all labels.

    Args:
        config: see `PropertyLossConfig`.
        tasks: names of the properties.
        count: (task,) number of labels.
    """
    for pattern in config.weights:
        if not any(matches(name, [pattern]) for name in tasks.names):
            raise InputError(
                f"objective.weights: {pattern!r} matches no property; there are "
                f"{listing(tasks.names)}"
            )
    own = [
        next((w for pattern, w in config.weights.items() if matches(name, [pattern])), 1.0)
        for name in tasks.names
    ]
    weight = np.array(own) * np.maximum(count, 1.0) ** -config.evenness
    total = (weight * count).sum()
    if not total:
        raise InputError("objective.weights: no property with a label counts anything")
    return weight * count.sum() / total

"""What training minimizes: the error of predicted properties."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.models.model import PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.tasks import Tasks
from sciml.config import Config


class PropertyLossConfig(Config):
    """Configuration of a `PropertyLoss`.

    Attributes:
        regression: error of a normalized quantity.
        balance: weigh the two classes of a yes/no property alike.
    """

    regression: Literal["mse", "l1", "huber"] = "mse"
    balance: bool = False


class PropertyLoss(nn.Module):
    """Weighted mean error over the measured labels of a batch.

    A quantity has the error of its normalized value; of one that is only bounded, the
    error counts where the prediction lies beyond the bound. A yes/no property has its
    cross-entropy, a property of several classes that of the classes together.

    Args:
        config: see `PropertyLossConfig`.
        tasks: kinds of the properties.
        labels: (row, task) of the training fold, for the balance of classes.
    """

    positive: Tensor
    part: Tensor

    def __init__(
        self, config: PropertyLossConfig, tasks: Tasks, labels: NDArray[np.float64]
    ) -> None:
        super().__init__()
        self.regression = config.regression
        positive = np.clip(np.nanmean(labels, axis=0), 1e-3, 1 - 1e-3)
        weight = np.where(tasks.binary, (1 - positive) / positive, 1.0)
        part = np.ones(len(tasks))  # of a label, that one column of it makes up
        for columns in tasks.classes.values():
            part[columns] = 1 / len(columns)
            weight[columns] = 1 / (len(columns) * positive[columns])
        self.classes = list(tasks.classes.values())
        weight = weight if config.balance else np.ones(len(tasks))
        self.register_buffer("positive", torch.from_numpy(weight).float())
        self.register_buffer("part", torch.from_numpy(part).float())

    def forward(
        self, model: PropertyModel, batch: MoleculeBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, without further terms."""
        assert batch.y is not None
        output = model(batch)
        measured = batch.y.isfinite()
        target = torch.where(measured, model.head.normalize(batch.y), 0.0).to(output.dtype)
        error = torch.where(model.head.binary, 0.0, self._error(output, target))
        if batch.bound is not None:
            error = error.masked_fill(batch.bound * (output - target) > 0, 0.0)
        entropy = self._entropy(output, target)
        error = torch.where(model.head.binary, entropy, error)
        weight = measured if batch.weight is None else measured * batch.weight.unsqueeze(1)
        total = (weight * self.part.to(output.dtype)).sum()
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

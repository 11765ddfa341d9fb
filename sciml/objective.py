"""What training minimizes."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn


class Objective(Protocol):
    """A loss of a model on a batch.

    An objective with parameters of its own (a pre-training head) is also an
    `nn.Module`: its parameters are trained with the model's and left behind when the
    model is saved.
    """

    def __call__(self, model: nn.Module, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """The scalar loss, and scalar terms to log beside it."""
        ...


@runtime_checkable
class Growing(Protocol):
    """An objective that asks more as the training goes on.

    Attributes:
        share: of the training that is done; 1 in validation.
    """

    share: float

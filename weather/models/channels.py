"""Linear maps between fields and features whose weights are kept by variable name.

Weights of a variable carry its name (`embed.surface.msl`, `head.upper.z`), so a model
for other variables takes from a trained one what they share. For the arithmetic they
are concatenated: one matrix product for all.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sciml.layers import truncated_normal_


class NamedInputs(nn.ParameterDict):
    """Weights (output, input, ...) of variables, side by side along the input axis.

    Args:
        outputs: rows of every weight.
        inputs: columns of the weight of each variable.
        fan_in: inputs of everything that is summed, for the scale of the first weights.
        kernel: trailing axes, such as a patch.
    """

    def __init__(
        self, outputs: int, inputs: Mapping[str, int], fan_in: int, kernel: Sequence[int] = ()
    ) -> None:
        super().__init__()
        for name, columns in inputs.items():  # one by one: keeps their order
            weight = torch.empty(outputs, columns, *kernel)
            self[name] = nn.Parameter(truncated_normal_(weight, fan_in**-0.5))


class NamedOutputs(nn.ModuleDict):
    """A linear map whose outputs belong to variables.

    Args:
        inputs: features.
        outputs: number of outputs of each variable.
    """

    def __init__(self, inputs: int, outputs: Mapping[str, int]) -> None:
        layers = {name: nn.Linear(inputs, n) for name, n in outputs.items()}
        super().__init__(layers)
        for layer in layers.values():
            truncated_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., feature) -> (..., outputs of all)."""
        layers = [layer for layer in self.values() if isinstance(layer, nn.Linear)]
        if not layers:
            return x.new_zeros(*x.shape[:-1], 0)
        weight = torch.cat([layer.weight for layer in layers])
        return F.linear(x, weight, torch.cat([layer.bias for layer in layers]))


def side_by_side(*groups: NamedInputs) -> Tensor:
    """Weights of several groups along the input axis; a group may be empty."""
    return torch.cat([weight for group in groups for weight in group.values()], dim=1)

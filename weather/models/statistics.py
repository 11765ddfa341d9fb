"""Mean and spread of each variable, kept by name among the model's buffers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from weather.variables import Variables


@dataclass(frozen=True)
class Moments:
    """Statistics of one variable over training times and all cells.

    Attributes:
        mean, std: (level,) in the variable's unit; one entry for a surface variable.
        change: (level,) standard deviation of the change over a time step; (step, level)
            for several time steps.
    """

    mean: Tensor
    std: Tensor
    change: Tensor


class VariableStatistics(nn.Module):
    """Moments of one variable as buffers.

    Args:
        levels: length of each moment.
        steps: number of time steps; with more than one, `change` has a row for each.
    """

    mean: Tensor
    std: Tensor
    change: Tensor

    def __init__(self, levels: int, steps: int = 1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(levels))
        self.register_buffer("std", torch.ones(levels))
        self.register_buffer("change", torch.ones(levels if steps == 1 else (steps, levels)))

    def set(self, moments: Moments) -> None:
        """Take measured moments; a spread of zero counts as one."""
        self.mean.copy_(moments.mean)
        self.std.copy_(_spread(moments.std, moments.mean))
        self.change.copy_(_spread(moments.change, moments.mean))


class Statistics(nn.ModuleDict):
    """Moments of a model's variables; zero and one until they are set or loaded.

    Args:
        variables: names and levels.
        steps: number of time steps; see `VariableStatistics`.
    """

    def __init__(self, variables: Variables, steps: int = 1) -> None:
        names = dict.fromkeys(variables.surface, 1)
        names |= {name: len(variables.levels) for name in variables.upper}
        super().__init__({name: VariableStatistics(n, steps) for name, n in names.items()})
        self.surface_names, self.upper_names = variables.surface, variables.upper

    def set(self, moments: Mapping[str, Moments]) -> None:
        """Take measured moments of every variable."""
        for name, module in self.items():
            assert isinstance(module, VariableStatistics)
            module.set(moments[name])

    def surface(self, moment: str, step: int = 0) -> Tensor:
        """(variable, 1, 1) `mean`, `std` or, over the `step`-th time step, `change`."""
        return self._stack(self.surface_names, moment, step).view(-1, 1, 1)

    def upper(self, moment: str, step: int = 0) -> Tensor:
        """(variable, level, 1, 1) of the upper-air variables."""
        return self._stack(self.upper_names, moment, step)[..., None, None]

    def surface_moments(self) -> list[Tensor]:
        """Mean, std and change of the surface variables, each (variable, 1, 1)."""
        return [self.surface(moment) for moment in ("mean", "std", "change")]

    def upper_moments(self) -> list[Tensor]:
        """Mean, std and change of the upper-air variables, each (variable, level, 1, 1)."""
        return [self.upper(moment) for moment in ("mean", "std", "change")]

    def channels(self, moment: str) -> Tensor:
        """(channel,) in the order of `Variables.channels`."""
        return torch.cat([self.surface(moment).flatten(), self.upper(moment).flatten()])

    def _stack(self, names: Iterable[str], moment: str, step: int) -> Tensor:
        moments = [getattr(self[name], moment) for name in names]
        moments = [values[step] if values.ndim == 2 else values for values in moments]
        return torch.stack(moments) if moments else next(self.buffers()).new_zeros(0, 0)


def of_steps(parts: Sequence[Mapping[str, Moments]]) -> dict[str, Moments]:
    """Moments for several time steps from those for each, the shortest first.

    Mean and standard deviation are the shortest step's; a single part stays as it is.
    """
    first, *others = parts
    if not others:
        return dict(first)
    return {
        name: replace(moments, change=torch.stack([part[name].change for part in parts]))
        for name, moments in first.items()
    }


def _spread(std: Tensor, mean: Tensor) -> Tensor:
    """One where a field does not change, but for rounding."""
    return torch.where(std > 1e-9 * mean.abs(), std, torch.ones_like(std))

"""What goes into a backbone: normalized fields, and how many channels each variable has."""

from dataclasses import dataclass

from torch import Tensor

from weather.models.forcing import forcing_channels
from weather.variables import Variables

POSITION = 4  # sine and cosine of latitude and longitude


@dataclass(frozen=True)
class Inputs:
    """Normalized fields; channels in the order of `Widths`.

    Attributes:
        surface: (batch, variable * history, lat, lon).
        upper: (batch, variable * history, level, lat, lon).
        extra: (batch, channel, lat, lon): static fields, position, forcing.
    """

    surface: Tensor
    upper: Tensor
    extra: Tensor


@dataclass(frozen=True)
class Widths:
    """Input channels of each variable, by name.

    Attributes:
        surface: of surface variables.
        upper: of upper-air variables, per level.
        extra: of what is given but not forecast.
        levels: number of levels.
    """

    surface: dict[str, int]
    upper: dict[str, int]
    extra: dict[str, int]
    levels: int

    @classmethod
    def of(cls, variables: Variables, history: int, position: bool) -> "Widths":
        """Channels of a model's variables."""
        extra = dict.fromkeys(variables.static, 1)
        extra |= {"position": POSITION} if position else {}
        extra |= {name: forcing_channels([name]) for name in variables.forcing}
        return cls(
            surface=dict.fromkeys(variables.surface, history),
            upper=dict.fromkeys(variables.upper, history),
            extra=extra,
            levels=len(variables.levels),
        )

    @property
    def upper_with_levels(self) -> dict[str, int]:
        """Channels of upper-air variables, all levels together."""
        return {name: n * self.levels for name, n in self.upper.items()}

    @property
    def inputs(self) -> dict[str, int]:
        """Channels of everything, levels folded into channels."""
        return {**self.surface, **self.extra, **self.upper_with_levels}

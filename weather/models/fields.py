"""What goes into a backbone: normalized fields, and how many channels each variable has."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from weather.models.boundary import BoundaryConfig
from weather.models.forcing import forcing_channels
from weather.variables import Variables

POSITION = 4  # sine and cosine of latitude and longitude


@dataclass(frozen=True)
class Inputs:
    """Normalized fields; channels in the order of `Widths`.

    Attributes:
        surface: (batch, variable * history, lat, lon).
        upper: (batch, variable * history, level, lat, lon), and what else lies on levels.
        extra: (batch, channel, lat, lon): static fields, position, forcing, masks.
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
        extra_upper: of what is given on levels but not forecast, per level.
    """

    surface: dict[str, int]
    upper: dict[str, int]
    extra: dict[str, int]
    levels: int
    extra_upper: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        variables: Variables,
        history: int,
        position: bool,
        masked: Sequence[str] = (),
        boundary: BoundaryConfig | None = None,
    ) -> "Widths":
        """Channels of a model's variables; `masked` are those that are defined on a part."""
        given = boundary is not None and boundary.lookahead
        extra = dict.fromkeys(variables.static, 1)
        extra |= {"position": POSITION} if position else {}
        extra |= {name: forcing_channels([name]) for name in variables.forcing}
        extra |= {f"{name}_mask": 1 for name in variables.surface if name in masked}
        extra |= {"boundary": 1} if boundary else {}
        extra |= {f"{name}_boundary": 1 for name in variables.surface if given}
        aloft = {f"{name}_mask": 1 for name in variables.upper if name in masked}
        aloft |= {f"{name}_boundary": 1 for name in variables.upper if given}
        return cls(
            surface=dict.fromkeys(variables.surface, history),
            upper=dict.fromkeys(variables.upper, history),
            extra=extra,
            levels=len(variables.levels),
            extra_upper=aloft,
        )

    @property
    def upper_with_levels(self) -> dict[str, int]:
        """Channels of upper-air variables, all levels together."""
        return {name: n * self.levels for name, n in self.upper.items()}

    @property
    def extra_upper_with_levels(self) -> dict[str, int]:
        """Channels of `extra_upper`, all levels together."""
        return {name: n * self.levels for name, n in self.extra_upper.items()}

    @property
    def inputs(self) -> dict[str, int]:
        """Channels of everything, levels folded into channels."""
        aloft = {**self.upper_with_levels, **self.extra_upper_with_levels}
        return {**self.surface, **self.extra, **aloft}

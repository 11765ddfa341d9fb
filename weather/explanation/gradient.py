"""The gradient of a forecast number with respect to the state that the forecast starts from.

With J the number, x the initial state and M the model's step, dJ/dx is found by going
back through the steps, M'(x0)^T ... M'(xn)^T dJ/dxn: the adjoint of the forecast (Errico
1997, BAMS 78, 2577), here by automatic differentiation. Of each step only its input is
kept; the rest is computed again on the way back, so memory grows by one state a step.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from sciml.errors import InputError
from weather.explanation.target import Target
from weather.forecasting.execution import Stepper, execute, initial
from weather.forecasting.planner import Plan
from weather.state import State


@dataclass(frozen=True)
class Gradient:
    """dJ/dx, in the unit of J over that of each field.

    Attributes:
        value: J.
        surface: (history, variable, lat, lon).
        upper: (history, variable, level, lat, lon).
    """

    value: float
    surface: Tensor
    upper: Tensor


@dataclass
class Watched:
    """Boundary data whose gradient is wanted too; each time is read once.

    Attributes:
        later: gives the data (1, 1, ...) of a valid time (1,).
        states: that were asked for, by time.
    """

    later: Callable[[Tensor], State]
    states: dict[int, State] = field(default_factory=dict)

    def __call__(self, valid: Tensor) -> State:
        """The data of a valid time (1,)."""
        time = int(valid)
        if time not in self.states:
            self.states[time] = _leaf(self.later(valid))
        return self.states[time]


def gradient(
    steppers: Mapping[int, Stepper],
    plan: Plan,
    state: State,
    target: Target,
    boundary: Watched | None = None,
) -> tuple[Gradient, Gradient | None]:
    """Forecast and go back.

    Args:
        steppers: the model of each time step, by its seconds, on the device of `state`.
        plan: of one lead time.
        state: a single sample with the model's history.
        target: what is explained.
        boundary: that the steppers use.

    Returns:
        With respect to the initial state, and to the boundary data: these summed over
        their times, as `history` of length one.

    Raises:
        InputError: a gradient that is not finite.
    """
    start, history = _leaf(state), state.times
    known = initial(start, plan.steps[-1], history)
    kept = {step: _checkpointed(stepper) for step, stepper in steppers.items()}
    (reached,) = execute(plan, kept, known, history=history)
    number = target.of(reached.state)
    given = [] if boundary is None else list(boundary.states.values())
    leaves = [part for one in (start, *given) for part in (one.surface, one.upper)]
    parts = torch.autograd.grad(number, leaves, allow_unused=True, materialize_grads=True)
    if not all(bool(part.isfinite().all()) for part in parts):
        raise InputError("the gradient is not finite: the forecast runs away; take fewer --hours")
    value, (surface, upper, *others) = number.item(), (part.squeeze(0) for part in parts)
    own = Gradient(value, surface, upper)
    if not others:
        return own, None
    return own, Gradient(value, sum(others[::2][1:], others[0]), sum(others[1::2][1:], others[1]))


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Weights that take no gradient for a while, which saves time and memory."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in trained:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)


def _leaf(state: State) -> State:
    surface, upper = (
        part.detach().clone().requires_grad_() for part in (state.surface, state.upper)
    )
    return replace(state, surface=surface, upper=upper)


def _checkpointed(stepper: Stepper) -> Stepper:
    """The same step, of which only the input is kept."""

    def step(state: State) -> State:
        def fields(surface: Tensor, upper: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            following = stepper(replace(state, surface=surface, upper=upper))
            return following.surface, following.upper, following.time

        made = checkpoint(fields, state.surface, state.upper, use_reentrant=False)
        surface, upper, time = made
        return State(surface, upper, time, state.variables, state.grid)

    return step

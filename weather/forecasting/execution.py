"""Carrying out a plan: calls in order, keeping only the states that are still needed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from sciml.errors import InputError
from weather.forecasting.planner import Node, Plan, Target
from weather.state import State, joined

Stepper = Callable[[State], State]
Known = dict[Node, State]  # each with a time axis of one


@dataclass(frozen=True)
class Reached:
    """A lead time that was reached.

    Attributes:
        lead: seconds.
        state: with a time axis of one.
        calls: model calls that this lead time takes by itself.
        known: all that is needed to go on from here.
    """

    lead: int
    state: State
    calls: int
    known: Known


def initial(state: State, step: int, history: int = 1) -> Known:
    """The analyses that a forecast starts from.

    Args:
        state: past times, `step` apart; the last is the initial time.
        step: seconds of the model's time step.
        history: past states that the model sees.
    """
    last = state.times
    return {
        Node(-back * step, 0): state.at(slice(last - 1 - back, last - back))
        for back in range(history)
    }


def execute(
    plan: Plan,
    steppers: Mapping[int, Stepper],
    known: Known,
    after: Stepper = lambda state: state,
    history: int = 1,
    done: int = 0,
) -> Iterator[Reached]:
    """Forecast all lead times of a plan, in ascending order.

    Args:
        plan: of lead times.
        steppers: the model of each time step, by its seconds: past states to the next.
        known: from `initial`, or of the lead time to go on from.
        after: applied to each state that a model made.
        history: past states that the models see.
        done: seconds of the last lead time that need not be made again; `known` is its.

    Raises:
        InputError: models that see past states in a plan that mixes time steps.
    """
    if history > 1 and len(plan.steps) > 1:
        raise InputError(
            f"models that see {history} past states cannot take turns with others: past states "
            "lie one time step apart; give lead times that one model reaches"
        )
    last_use = {
        node: place
        for place, event in enumerate(plan.schedule)
        for node in _uses(event, plan, history)
    }
    states = dict(known)
    for place in range(_first(plan, done), len(plan.schedule)):
        event = plan.schedule[place]
        used = [states[node] for node in _uses(event, plan, history)]
        if isinstance(event, Node):
            states[event] = after(steppers[event.step](joined(used, dim=1)))
        states = {node: state for node, state in states.items() if last_use[node] > place}
        if isinstance(event, Target):
            yield Reached(event.lead, _blended(event, used), event.calls, dict(states))


def _uses(event: Node | Target, plan: Plan, history: int) -> tuple[Node, ...]:
    """The states that a call or an output needs, the earliest first."""
    if isinstance(event, Target):
        return event.nodes
    if history == 1:
        return (plan.parents[event],)
    offsets = range(event.offset - history * event.step, event.offset, event.step)
    return tuple(Node(offset, event.step if offset > 0 else 0) for offset in offsets)


def _first(plan: Plan, done: int) -> int:
    """Place in the schedule to start at."""
    if not done:
        return 0
    places = enumerate(plan.schedule, 1)
    return next(p for p, event in places if isinstance(event, Target) and event.lead == done)


def _blended(target: Target, used: list[State]) -> State:
    """x + sum of w (later - carried)."""
    state, *others = used
    for blend, later, carried in zip(target.blends, others[::2], others[1::2], strict=True):
        state = replace(
            state,
            surface=state.surface + blend.weight * (later.surface - carried.surface),
            upper=state.upper + blend.weight * (later.upper - carried.upper),
        )
    return state

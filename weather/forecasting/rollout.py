"""From one time step to a forecast."""

from collections.abc import Callable, Iterator

from weather.state import State


def rollout(model: Callable[[State], State], state: State, steps: int) -> Iterator[State]:
    """Forecast step by step, each from the forecast before; keeps only what the model needs.

    Args:
        model: one time step; takes any number of past times and returns one.
        state: initial state with the model's history.
        steps: number of time steps.

    Yields:
        The state at each time, with a time axis of one.
    """
    history = state.times
    for _ in range(steps):
        following = model(state)
        yield following
        state = following if history == 1 else state.at(slice(1, None)).then(following)

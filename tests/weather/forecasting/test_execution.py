"""Plans carried out with step models that are known exactly: a linear system."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from sciml.errors import InputError
from weather.forecasting.execution import execute, initial
from weather.forecasting.planner import Node, plan
from weather.grid import LatLonGrid
from weather.state import State
from weather.variables import Variables

HOUR = 3600
STEPS = [hours * HOUR for hours in (1, 3, 6, 24)]
LEADS = [hours * HOUR for hours in range(1, 73)]
VARIABLES = Variables(surface=("a", "b"))
GRID = LatLonGrid(lat=(45.0, -45.0), lon=(0.0, 180.0))
RATE = torch.tensor([[-0.004, 0.13], [-0.13, -0.004]], dtype=torch.float64)  # per hour


def state_of(values, time=0):
    """(variable,) -> a state that is the same everywhere, double precision."""
    surface = torch.as_tensor(values)[None, None, :, None, None].expand(1, 1, -1, 2, 2)
    upper = torch.zeros(1, 1, 0, 0, 2, 2, dtype=torch.float64)
    return State(surface, upper, torch.tensor([[time]]), VARIABLES, GRID)


START = state_of(torch.tensor([1.0, 0.5], dtype=torch.float64))


def linear(step, error=0.0):
    """x(t + step) = exp(A step) x(t), its exponent wrong by a share `error`."""
    turn = torch.from_numpy(expm(RATE.numpy() * step / HOUR * (1 + error)))

    def forward(state):
        last = state.surface[:, -1:]
        surface = torch.einsum("vw,btwij->btvij", turn, last)
        return State(surface, state.upper[:, -1:], state.time[:, -1:] + step, VARIABLES, GRID)

    return forward


EXACT = {step: linear(step) for step in STEPS}
WRONG = {
    step: linear(step, error) for step, error in zip(STEPS, (0.2, 0.1, 0.06, 0.02), strict=True)
}


def series(models, leads=LEADS, method="greedy", **options):
    reached = execute(plan(sorted(models), leads, method), models, initial(START, 0), **options)
    return np.array([r.state.surface[0, 0, :, 0, 0].numpy() for r in reached])


def roughness(values):
    """Largest change of the change from one hour to the next."""
    return np.abs(np.diff(values, n=2, axis=0)).max()


@pytest.mark.parametrize("method", ["greedy", "smooth"])
def test_models_that_agree_give_the_exact_solution(method):
    exact = [expm(RATE.numpy() * lead / HOUR) @ [1.0, 0.5] for lead in LEADS]
    np.testing.assert_allclose(series(EXACT, method=method), exact, rtol=0, atol=1e-12)


def test_smooth_takes_out_the_saw_tooth():
    greedy, smooth = (series(WRONG, method=m) - series(EXACT) for m in ("greedy", "smooth"))
    assert roughness(smooth) < 0.2 * roughness(greedy)
    jump = np.abs(greedy[71] - greedy[70]).max()  # 71 h to 72 h
    assert np.abs(smooth[71] - smooth[70]).max() < 0.4 * jump


def test_smooth_equals_greedy_at_the_nodes():
    greedy, smooth = (series(WRONG, method=method) for method in ("greedy", "smooth"))
    np.testing.assert_array_equal(smooth[23::24], greedy[23::24])
    assert np.abs(smooth[22] - greedy[22]).max() > 1e-3


def test_smooth_ends_at_the_later_node():
    """With short steps of 1 h in a long one of 1000 h, the last hour is nearly the node."""
    models = {HOUR: linear(HOUR, 1e-3), 1000 * HOUR: linear(1000 * HOUR)}
    first, before, node = series(models, [HOUR, 999 * HOUR, 1000 * HOUR], "smooth")
    carried = series({HOUR: models[HOUR]}, [HOUR, 999 * HOUR, 1000 * HOUR])
    np.testing.assert_allclose(first, carried[0] + (node - carried[2]) / 1000, atol=1e-12)
    np.testing.assert_allclose(before, carried[1] + 0.999 * (node - carried[2]), atol=1e-12)
    gap = np.abs(node - carried[2]).max()
    assert np.abs((node - before) - (carried[2] - carried[1])).max() < 2e-3 * gap


@pytest.mark.parametrize("method", ["greedy", "smooth"])
def test_few_states_are_kept_however_many_leads(method):
    def most(days):
        leads = [hours * HOUR for hours in range(1, 24 * days + 1)]
        made = execute(plan(STEPS, leads, method), EXACT, initial(START, 0))
        return max(len(reached.known) for reached in made)

    assert most(2) == most(20) <= 12


def test_states_between_distant_leads_are_dropped():
    alive = []

    def count(state):
        alive.append(state)
        return state

    made = plan([HOUR], [1000 * HOUR])
    (reached,) = execute(made, EXACT, initial(START, 0), count)
    assert len(alive) == 1000
    assert reached.known == {}


@pytest.mark.parametrize("method", ["greedy", "smooth"])
@pytest.mark.parametrize("stop", [1, 5, 24, 47, 71])
def test_a_forecast_goes_on_from_what_is_known(method, stop):
    made, calls = plan(STEPS, LEADS, method), []
    whole = list(execute(made, WRONG, initial(START, 0)))
    known = whole[stop - 1].known
    rest = list(execute(made, WRONG, known, lambda s: calls.append(s) or s, done=stop * HOUR))
    assert [r.lead for r in rest] == LEADS[stop:]
    assert len(calls) < made.calls
    for one, other in zip(rest, whole[stop:], strict=True):
        assert torch.equal(one.state.surface, other.state.surface)
        assert torch.equal(one.state.time, other.state.time)


def leapfrog(state):
    """x(t + 6 h) = x(t) + 2 (x(t) - x(t - 6 h)): sees two states."""
    assert state.times == 2
    assert (state.time.diff(dim=1) == 6 * HOUR).all()
    past, last = state.surface[:, :1], state.surface[:, 1:]
    return State(
        last + 2 * (last - past), state.upper[:, 1:], state.time[:, 1:] + 6 * HOUR, VARIABLES, GRID
    )


def test_models_with_history_see_states_a_step_apart():
    past = state_of(torch.tensor([0.0, 0.0], dtype=torch.float64), -6 * HOUR)
    known = initial(past.then(START), 6 * HOUR, 2)
    assert set(known) == {Node(0, 0), Node(-6 * HOUR, 0)}
    made = plan([6 * HOUR], [6 * HOUR, 12 * HOUR, 24 * HOUR])
    reached = list(execute(made, {6 * HOUR: leapfrog}, known, history=2))
    # differences double: x = 1, 3, 7, 15, 31 times the start
    factors = [float(r.state.surface[0, 0, 0, 0, 0]) for r in reached]
    assert factors == [3.0, 7.0, 31.0]
    again = list(execute(made, {6 * HOUR: leapfrog}, reached[0].known, history=2, done=6 * HOUR))
    assert torch.equal(again[-1].state.surface, reached[-1].state.surface)


def test_models_with_history_do_not_take_turns():
    made = plan(STEPS, [7 * HOUR])
    with pytest.raises(InputError, match="2 past states cannot take turns"):
        next(execute(made, EXACT, initial(START, 0), history=2))


def test_after_each_call_the_state_may_be_changed():
    """As a regional model's boundary is."""
    halved = series({HOUR: EXACT[HOUR]}, LEADS[:3], after=lambda s: State(
        s.surface / 2, s.upper, s.time, s.variables, s.grid))  # fmt: skip
    np.testing.assert_allclose(halved[2], series(EXACT, LEADS[:3])[2] / 8, atol=1e-12)

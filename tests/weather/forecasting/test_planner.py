"""Plans against Pangu-Weather's published call counts, and the laws of `smooth`."""

import itertools

import pytest

from sciml.errors import InputError
from weather.forecasting.planner import Node, Target, chain_text, find_chain, plan

HOUR = 3600
PANGU = [hours * HOUR for hours in (1, 3, 6, 24)]


def hourly(last):
    return [hours * HOUR for hours in range(1, last + 1)]


@pytest.mark.parametrize(
    ("hours", "calls", "chain"),
    [
        (7 * 24, 7, "7x24"),
        (23, 6, "3x6+1x3+2x1"),
        (71, 8, "2x24+3x6+1x3+2x1"),
        (72, 3, "3x24"),
        (1, 1, "1x1"),
    ],
)
def test_greedy_takes_the_calls_of_pangu_weather(hours, calls, chain):
    """Bi et al. 2023: 7 d take 7 calls of 24 h; 71 h take eight calls, 72 h three."""
    (target,) = plan(PANGU, [hours * HOUR]).targets
    assert target.calls == calls
    assert chain_text(target.chain) == chain


@pytest.mark.parametrize("steps", [PANGU, [6 * HOUR], [4 * HOUR, 6 * HOUR], [2, 3, 7]])
def test_a_chain_adds_up_and_is_the_greatest(steps):
    """Of all ways to reach a lead time, the one with most of the longest step, and so on."""
    for lead in range(steps[0], 30 * steps[0], steps[0]):
        counts = [range(lead // step + 1) for step in steps[::-1]]
        sums = [
            chosen
            for chosen in itertools.product(*counts)
            if sum(n * s for n, s in zip(chosen, steps[::-1], strict=True)) == lead
        ]
        chain = find_chain(lead, sorted(steps))
        if not sums:
            assert chain is None
            continue
        named = dict(zip(steps[::-1], max(sums), strict=True))
        assert {step: count for count, step in chain} == {s: n for s, n in named.items() if n}


@pytest.mark.parametrize("method", ["greedy", "smooth"])
def test_every_state_is_made_once_after_what_it_stands_on(method):
    made = plan(PANGU, hourly(100), method)
    there = {Node(0, 0)}
    for event in made.schedule:
        if isinstance(event, Target):
            assert set(event.nodes) <= there
            continue
        assert event not in there
        assert made.parents[event] in there
        assert event.offset - event.step == made.parents[event].offset
        there.add(event)
    assert len(there) - 1 == made.calls == len(made.parents)
    assert made.leads == tuple(hourly(100))


@pytest.mark.parametrize("method", ["greedy", "smooth"])
@pytest.mark.parametrize("steps", [PANGU, PANGU[2:], PANGU[:2]])
def test_calls_of_a_lead_time_are_those_of_a_plan_of_its_own(steps, method):
    leads = [n * steps[0] for n in range(1, 60)]
    for target in plan(steps, leads, method).targets:
        assert target.calls == plan(steps, [target.lead], method).calls


def test_leads_share_the_tree():
    made = plan(PANGU, hourly(72))
    assert made.calls == 72  # each hour adds one call to a chain that is there
    assert plan(PANGU, [71 * HOUR, 72 * HOUR]).calls == 9


def test_smooth_is_greedy_at_the_nodes_of_the_longest_step():
    made = plan(PANGU, [day * 24 * HOUR for day in range(1, 8)], "smooth")
    assert made.calls == 7
    assert not any(target.blends for target in made.targets)


def test_weights_rise_from_zero_to_one_between_nodes():
    """One level of the hierarchy: w = (lead - node) / (next node - node)."""
    for target in plan([HOUR, 24 * HOUR], hourly(71), "smooth").targets:
        weights = [blend.weight for blend in target.blends]
        since = target.lead / HOUR % 24
        assert weights == ([since / 24] if since else [])


def test_the_order_and_number_of_leads_do_not_matter():
    shuffled = plan(PANGU[::-1], [HOUR * h for h in (30, 7, 30, 12)], "smooth")
    assert shuffled == plan(PANGU, [HOUR * h for h in (7, 12, 30)], "smooth")


@pytest.mark.parametrize(
    ("steps", "lead", "message"),
    [
        ([6], 7, "a lead time of 7 h; time steps of 6 h .* they reach: 6 h and 12 h"),
        ([6, 24], 5, "6 h and 24 h do not add up to it: the nearest they reach: 6 h"),
        ([4, 6], 2, "nearest they reach: 4 h"),
        ([10, 24], 26, "nearest they reach: 24 h and 30 h"),
        ([6], 0, "nearest they reach: 6 h"),
        ([6], -6, "nearest they reach: 6 h"),
    ],
)
def test_a_lead_time_out_of_reach_names_the_nearest(steps, lead, message):
    with pytest.raises(InputError, match=message):
        plan([step * HOUR for step in steps], [lead * HOUR])


def test_smooth_needs_steps_that_divide_each_other():
    with pytest.raises(InputError, match="6 h is no multiple of 4 h: take greedy"):
        plan([4 * HOUR, 6 * HOUR], [12 * HOUR], "smooth")

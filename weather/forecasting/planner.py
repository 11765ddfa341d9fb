"""Which model steps reach which lead times, at what cost.

`greedy` is the hierarchical temporal aggregation of Pangu-Weather (Bi et al. 2023,
Nature 619, 533, Methods): the longest time step first, so that a lead time takes the
fewest calls. All lead times share one tree. A node is a state, named by its offset from
the initial time and the step that made it; its parent is the end of the chain without
its last step, so every state is computed once.

With imperfect models the error of `greedy` has a saw-tooth: with steps of 1, 3, 6 and
24 h, 71 h takes eight calls and 72 h takes three. `smooth` takes it out. Let the steps
be s1 < s2 < ... < sn, each a divisor of the next, G(t) the greedy state at t, and C(j, t)
the state at t whose last step was sj, reached from G(t - sj). Between two nodes of a
longer step the chain of the next shorter one is carried on to the later node, where the
two differ by C(j, e) - C(j - 1, e), and this difference is phased in:

    x(t) = G(t) + sum over j = 2..n of w_j (C(j, e_j) - C(j - 1, e_j)),
    r_j = t mod sj,    e_j = t - r_j + sj,    w_j = r_j / sj

This is the recursion F_j(t) = F_(j-1)(t) + w_j (long node - carried node), F_1 = G, in
which each level blends within the interval of the level above it. At a node of step sj
all w_i with i <= j are zero; before it they tend to one, where the sum telescopes to the
node itself: the forecast is continuous in lead time. Models that agree with each other
add nothing.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from sciml.errors import InputError

Method = Literal["greedy", "smooth"]
Chain = tuple[tuple[int, int], ...]  # how often, and seconds of the step; the longest first


class Node(NamedTuple):
    """A state: seconds after the initial time, and of the step that made it (0: analysis)."""

    offset: int
    step: int


class Blend(NamedTuple):
    """A share `weight` of the difference between two nodes of the same time."""

    weight: float
    later: Node
    carried: Node


@dataclass(frozen=True)
class Target:
    """A lead time that is wanted.

    Attributes:
        lead: seconds.
        chain: greedy steps to it.
        node: the state at the end of the chain.
        blends: what `smooth` adds to it.
        calls: model calls that it takes by itself.
    """

    lead: int
    chain: Chain
    node: Node
    blends: tuple[Blend, ...]
    calls: int

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All states it is made of."""
        return (self.node, *(node for blend in self.blends for node in blend[1:]))


@dataclass(frozen=True)
class Plan:
    """In which order to call which model.

    Attributes:
        method: see the module.
        targets: lead times, ascending.
        schedule: a node stands for the call that makes it; a target for its output, as
            soon as it can be made.
        parents: of each node that is made.
    """

    method: Method
    targets: tuple[Target, ...]
    schedule: tuple[Node | Target, ...]
    parents: Mapping[Node, Node]

    @cached_property
    def leads(self) -> tuple[int, ...]:
        """Seconds, ascending."""
        return tuple(target.lead for target in self.targets)

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The time steps that are used, in seconds, ascending."""
        return tuple(sorted({node.step for node in self.parents}))

    @property
    def calls(self) -> int:
        """Model calls in all."""
        return len(self.parents)

    def totals(self) -> list[int]:
        """Model calls in all up to each lead time."""
        made = [isinstance(event, Node) for event in self.schedule]
        counts = list(itertools.accumulate(made))
        return [n for n, node in zip(counts, made, strict=True) if not node]

    def saw_tooth(self) -> tuple[Target, Target] | None:
        """The neighbouring lead times between which the calls fall most, by two or more."""
        pairs = itertools.pairwise(self.targets)
        falls = [(one.calls - two.calls, one, two) for one, two in pairs]
        fall, *pair = max(falls, key=lambda fall: fall[0], default=(0,))
        return (pair[0], pair[1]) if fall > 1 else None


def plan(steps: Sequence[int], leads: Sequence[int], method: Method = "greedy") -> Plan:
    """Plan a forecast.

    Args:
        steps: seconds of the time steps that there are models for, in any order.
        leads: seconds, in any order.
        method: `greedy` or `smooth`, see the module.

    Raises:
        InputError: a lead time that no steps add up to, or `smooth` with a step that
            does not divide the next longer one.
    """
    steps = tuple(sorted({int(step) for step in steps}))
    if method == "smooth":
        _require_hierarchy(steps)
    targets, schedule = [], list[Node | Target]()
    parents: dict[Node, Node] = {}
    for lead in sorted({int(lead) for lead in leads}):
        chain = _require_chain(lead, steps)
        blends = tuple(_blends(lead, steps)) if method == "smooth" else ()
        target = Target(lead, chain, _end(lead, chain), blends, 0)
        for node in target.nodes:
            schedule += _grow(parents, node, steps)
        target = Target(lead, chain, target.node, blends, _calls(target, parents))
        targets.append(target)
        schedule.append(target)
    return Plan(method, tuple(targets), tuple(schedule), parents)


def chain_text(chain: Chain) -> str:
    """`2x24+1x3`, steps in hours."""
    return "+".join(f"{count}x{step / 3600:g}" for count, step in chain)


def hours_text(seconds: Sequence[int]) -> str:
    """`6 h and 24 h`."""
    *rest, last = (f"{s / 3600:g} h" for s in seconds)
    return f"{', '.join(rest)} and {last}" if rest else last


def find_chain(lead: int, steps: Sequence[int]) -> Chain | None:
    """Steps that add up to a lead time, as many of the longest as possible, and so on.

    Args:
        lead: seconds.
        steps: seconds, ascending.
    """
    if not steps or lead % math.gcd(*steps):
        return None
    *shorter, longest = steps
    for count in range(lead // longest, -1, -1):
        rest = lead - count * longest
        chain = find_chain(rest, shorter) if rest else ()
        if chain is not None:
            return ((count, longest), *chain) if count else chain
    return None


def _require_chain(lead: int, steps: Sequence[int]) -> Chain:
    chain = find_chain(lead, steps) if lead > 0 else None
    if chain is not None:
        return chain
    unit = math.gcd(*steps)
    below = next((t for t in range(lead - lead % unit, 0, -unit) if find_chain(t, steps)), None)
    above = next(
        t for t in itertools.count(max(lead - lead % unit, 0) + unit, unit) if find_chain(t, steps)
    )
    nearest = f"{above / 3600:g} h" if below is None else f"{hours_text((below, above))}"
    raise InputError(
        f"a lead time of {lead / 3600:g} h; time steps of {hours_text(steps)} do not add up to "
        f"it: the nearest they reach: {nearest}"
    )


def _require_hierarchy(steps: Sequence[int]) -> None:
    for shorter, longer in itertools.pairwise(steps):
        if longer % shorter:
            raise InputError(
                f"smooth blends between time steps that divide each other; "
                f"{hours_text((longer,))} is no multiple of {hours_text((shorter,))}: take greedy"
            )


def _end(offset: int, chain: Chain) -> Node:
    return Node(offset, chain[-1][1])


def _greedy(offset: int, steps: Sequence[int]) -> Node:
    """The node that the greedy chain to an offset ends at."""
    return _end(offset, _require_chain(offset, steps)) if offset else Node(0, 0)


def _blends(lead: int, steps: Sequence[int]) -> Iterator[Blend]:
    for shorter, longer in itertools.pairwise(steps):
        since = lead % longer
        if since:
            end = lead - since + longer
            yield Blend(since / longer, Node(end, longer), Node(end, shorter))


def _grow(parents: dict[Node, Node], node: Node, steps: Sequence[int]) -> list[Node]:
    """Add a node and what it stands on; returns the new ones, the earliest first."""
    new = []
    while node.offset and node not in parents:
        parents[node] = _greedy(node.offset - node.step, steps)
        new.append(node)
        node = parents[node]
    return new[::-1]


def _calls(target: Target, parents: Mapping[Node, Node]) -> int:
    """Nodes at and below a target; up to the last of its longest steps these are a line."""
    count, step = target.chain[0]
    beyond = set[Node]()
    for node in target.nodes:
        while node.offset > count * step:
            beyond.add(node)
            node = parents[node]
    return count + len(beyond)

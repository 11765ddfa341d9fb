"""The experts beside the networks, and the weights of all, from out-of-fold predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from molecules.evaluation.metrics import METRICS
from molecules.experts.expert import Expert, ExpertName, fit_expert, tell
from molecules.experts.forest import Forest
from molecules.experts.inputs import Inputs
from molecules.experts.stack import NO_LIMITS, combine, fit_weights, proper, signs_of_doubt
from molecules.tasks import Task, Tasks
from molecules.training.bounded import fit_with_bounds
from molecules.training.divisions import Division
from molecules.training.inputs import TableInputs
from molecules.training.networks import Networks
from molecules.training.preparation import Prepared

MOST_TASKS = 30  # with more, or more cells than these, there are networks only
MOST_CELLS = 150_000  # rows * tasks
_SHOWN = 5  # properties whose weights are told one by one

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stacked:
    """Networks and other experts with their weights.

    Attributes:
        names: of the experts, `networks` first; only those with some weight.
        beside: the others' names.
        others: fitted to all rows but the test fold's.
        weights: (expert, task).
        held: (row, task) what all say together of a molecule they had not seen, or NaN, on the
            scale that is learned.
        signs: (row, task, sign) of doubt there; None for networks alone.
        scores: (task, expert) main metric out of fold; the last column is that of all together.
        forest: with all its trees, to compare with; None if it is not among the experts.
    """

    names: tuple[str, ...]
    beside: tuple[ExpertName, ...]
    others: tuple[Expert, ...]
    weights: Array
    held: Array
    signs: Array | None
    scores: Array
    forest: Forest | None = None


def affordable(
    experts: Sequence[ExpertName], rows: int, tasks: int
) -> tuple[tuple[ExpertName, ...], str]:
    """The experts to fit beside the networks, and why there are fewer than asked for."""
    if tasks <= MOST_TASKS and rows * tasks <= MOST_CELLS:
        return tuple(experts), ""
    why = (
        f"networks only: {rows:,} molecules with {tasks} properties are many for "
        f"{' and '.join(experts)} (up to {MOST_TASKS} properties, and {MOST_CELLS:,} labels)"
    )
    return (), why if experts else ""


def stack(
    networks: Networks,
    ready: Prepared,
    divided: Sequence[Division],
    experts: Sequence[ExpertName],
    seed: int,
    limits: Array = NO_LIMITS,
) -> Stacked:
    """Fit the other experts to each division for the weights, then to all for good.

    Args:
        networks: trained on the divisions.
        ready: the table.
        divided: see `divisions`.
        experts: beside the networks.
        seed: of what they draw.
        limits: of what each may say, see `label_limits`.
    """
    networks = replace(networks, held=np.clip(networks.held, *limits))
    if not experts or not any(len(division.held) for division in divided):
        return _networks_alone(networks, ready)
    known = np.unique(np.concatenate([np.r_[d.learned, d.held] for d in divided]))
    inputs = TableInputs.of(ready, known)
    outside = [_out_of_fold(name, inputs, ready, divided, seed) for name in experts]
    told = [networks.held, *(np.clip(mean, *limits) for mean, _ in outside)]
    unsure = [None, *(doubt for _, doubt in outside)]
    truth = ready.tasks.learned(ready.counted)
    weights = fit_weights(np.stack(told), truth, ready.tasks)
    used = [0] + [i for i in range(1, len(told)) if weights[i].any()]
    predicted, weights = np.stack([told[i] for i in used]), weights[used]
    fitted = {
        name: _fitted(name, inputs, ready, known, seed)
        for i, name in enumerate(experts, start=1)
        if i in used or name == "forest"  # which is compared with, even if it does not count
    }
    others = tuple(_to_keep(fitted[experts[i - 1]]) for i in used[1:])
    forest = fitted.get("forest")
    held = combine(predicted, weights, ready.tasks)
    return Stacked(
        names=("networks", *(experts[i - 1] for i in used[1:])),
        beside=tuple(experts[i - 1] for i in used[1:]),
        others=others,
        weights=weights,
        held=held,
        signs=signs_of_doubt(predicted, weights, [unsure[i] for i in used]) if others else None,
        scores=_scores([*predicted, held], ready),
        forest=forest if isinstance(forest, Forest) else None,
    )


def weights_told(stacked: Stacked, tasks: Tasks) -> list[str]:
    """Which experts count how much, and their out-of-fold scores, in sentences."""
    alone = len(stacked.names) == 1 and len(tasks) > _SHOWN
    if alone or not np.isfinite(stacked.scores).any():
        return []
    lines = [_told(stacked, tasks.tasks[i], i) for i in range(min(len(tasks), _SHOWN))]
    if len(tasks) > _SHOWN:
        means = zip(stacked.names, stacked.weights.mean(axis=1), strict=True)
        shares = ", ".join(f"{name} {weight:.0%}" for name, weight in means)
        lines.append(f"Mean weights over all {len(tasks)} properties: {shares}.")
    return lines


def _told(stacked: Stacked, task: Task, i: int) -> str:
    *alone, whole = stacked.scores[i]
    parts = [
        f"{name} {weight:.0%}" + (f" ({score:.3g} alone)" if np.isfinite(score) else "")
        for name, weight, score in zip(stacked.names, stacked.weights[:, i], alone, strict=True)
    ]
    metric = METRICS[task.kind][0].name + (" of natural logarithms" if task.scale == "log" else "")
    why = "one class only" if task.kind == "binary" else "nothing measured"
    score = f"{whole:.3g}" if np.isfinite(whole) else f"not defined ({why})"
    return f"{task.name}: {', '.join(parts)}; {metric} {score} on molecules held out."


def _fitted(
    name: ExpertName,
    inputs: TableInputs,
    ready: Prepared,
    rows: NDArray[np.int64],
    seed: int,
    draft: bool = False,
) -> Expert:
    weights, threads = ready.weights[rows], torch.get_num_threads()

    def fit(known: Inputs, labels: Array) -> Expert:
        return fit_expert(name, known, labels, weights, ready.tasks, seed, threads, draft)

    return fit_with_bounds(fit, inputs[rows], ready, rows)


def _to_keep(expert: Expert) -> Expert:
    """As it goes into the model file."""
    return expert.cut() if isinstance(expert, Forest) else expert


def _out_of_fold(
    name: ExpertName, inputs: TableInputs, ready: Prepared, divided: Sequence[Division], seed: int
) -> tuple[Array, Array | None]:
    """What an expert tells of molecules that it held out, (row, task); NaN elsewhere."""
    mean, doubt = np.full((2, *ready.labels.shape), np.nan)
    for division in _distinct(divided):
        expert = _fitted(name, inputs, ready, division.learned, seed, draft=True)
        told, own = tell(expert, inputs[division.held])
        mean[division.held] = proper(told, ready.tasks)  # as a predictor has it
        doubt[division.held] = np.nan if own is None else own
    return mean, doubt if np.isfinite(doubt).any() else None


def _distinct(divided: Sequence[Division]) -> list[Division]:
    return list({division.held.tobytes(): division for division in divided}.values())


def _networks_alone(networks: Networks, ready: Prepared) -> Stacked:
    weights = np.ones((1, len(ready.tasks)))
    scores = _scores([networks.held, networks.held], ready)
    return Stacked(("networks",), (), (), weights, networks.held, None, scores)


def _scores(predicted: Sequence[Array], ready: Prepared) -> Array:
    """(task, prediction) main metric, on the scale that is learned; NaN where there is none."""
    truth = ready.tasks.learned(ready.exact)
    found = np.full((len(ready.tasks), len(predicted)), np.nan)
    for i, task in enumerate(ready.tasks.tasks):
        metric = METRICS[task.kind][0]
        for j, told in enumerate(predicted):
            both = np.isfinite(told[:, i]) & np.isfinite(truth[:, i])
            if both.sum() >= metric.min_rows:
                found[i, j] = metric.score(truth[both, i], told[both, i])
    return found

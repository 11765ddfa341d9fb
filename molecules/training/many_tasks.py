"""What a training of hundreds of properties tells, in a few lines."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from molecules.evaluation.baselines import FOREST, OURS, Comparison
from molecules.evaluation.coverage import Coverage
from molecules.evaluation.metrics import METRICS, figure
from molecules.files.recognize import listing
from molecules.prediction.calibration import LEVEL

_EXTREMES = 3  # properties told as the best and the worst
_OUTCOMES = ("beats", "cannot be told from", "does NOT beat", "no comparison")


def many_tasks(
    scores: Sequence[Comparison], verdicts: Sequence[str], coverage: Sequence[Coverage]
) -> list[str]:
    """Medians over properties, the extremes, how many have no score, and who wins.

    Args:
        scores: of all models and properties.
        verdicts: a sentence for each property with a forest; maybe none.
        coverage: of the intervals.
    """
    lines = []
    for metric in dict.fromkeys(kind[0].name for kind in METRICS.values()):
        lines += _of_metric([row for row in scores if row.score.metric == metric], metric)
    counts = Counter(next(o for o in _OUTCOMES if o in verdict) for verdict in verdicts)
    told = ", ".join(f"{outcome} {counts[outcome]}" for outcome in _OUTCOMES if counts[outcome])
    if verdicts:
        lines.append(
            f"Of {len(verdicts)} properties with a forest, from the fewest to the most labels: "
            f"our model {told}."
        )
    whole = [part for part in coverage if part.rows and (part.least, part.most) == (0, 1)]
    whole = [part for part in whole if not part.unbounded]
    if whole:
        share = np.average([part.share for part in whole], weights=[part.rows for part in whole])
        held = " and ".join(sorted({part.held.split()[0] for part in whole}))
        lines.append(f"{LEVEL:.0%} {held} hold {share:.0%} of all measured test values.")
    return lines


def _of_metric(scores: Sequence[Comparison], metric: str) -> list[str]:
    ours = {row.task: row.score for row in scores if row.model == OURS}
    valued = {task: score.value for task, score in ours.items() if np.isfinite(score.value)}
    if not ours:
        return []
    lines = []
    if valued:
        order = sorted(valued, key=lambda task: valued[task])
        low, high = (_named(tasks, valued) for tasks in (order[:_EXTREMES], order[-_EXTREMES:]))
        middle = float(np.median(list(valued.values())))
        lines.append(
            f"{metric} of {len(valued)} properties: median {figure(middle)}; lowest {low}; "
            f"highest {high}."
        )
        lines += _beside_forest(scores, valued, metric)
    without = [task for task in ours if task not in valued]
    if without:
        lines.append(
            f"{len(without)} properties have no {metric} (too few test molecules, or all alike): "
            f"{listing(without, _EXTREMES)}."
        )
    return lines


def _beside_forest(
    scores: Sequence[Comparison], valued: dict[str, float], metric: str
) -> list[str]:
    forest = {row.task: row.score.value for row in scores if row.model == FOREST}
    both = [task for task in valued if np.isfinite(forest.get(task, np.nan))]
    if not both:
        return []
    ours, theirs = (float(np.median([told[task] for task in both])) for told in (valued, forest))
    return [f"On the {len(both)} with a forest: median {figure(ours)}, forest {figure(theirs)}."]


def _named(tasks: Sequence[str], values: dict[str, float]) -> str:
    return ", ".join(f"{task} {figure(values[task])}" for task in tasks)

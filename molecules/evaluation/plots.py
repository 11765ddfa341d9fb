"""How predictions compare with measurements on the test fold, as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.metrics import Score, figure, scores
from molecules.tasks import Task, Tasks
from sciml.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

INK = "#1d2733"
ACCENT = "#1f6f8b"
GRID = "#dfe4e9"
MOST_PANELS = 12
MANY_POINTS = 300
STYLE: Any = {"font.size": 9, "axes.edgecolor": GRID, "text.color": INK, "axes.labelcolor": INK,
         "xtick.color": INK, "ytick.color": INK}  # fmt: skip


def plot_test(
    path: Path, tasks: Tasks, truth: Array, mean: Array, lower: Array, upper: Array
) -> None:
    """Draw one panel per task: measured against predicted, or the ROC curve.

    Args:
        path: .png, .svg or .pdf.
        tasks: names, kinds and units.
        truth: (row, task), NaN where unmeasured.
        mean, lower, upper: (row, task) predictions and their intervals.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    count = min(len(tasks), MOST_PANELS)
    columns = min(count, 4)
    rows = -(-count // columns)
    with rc_context(STYLE), atomic_path(path) as temporary:
        canvas = Figure(figsize=(4.2 * columns, 4.4 * rows), layout="constrained")
        panels = canvas.subplots(rows, columns, squeeze=False).ravel()
        for i, axes in enumerate(panels):
            if i >= count:
                axes.set_visible(False)
                continue
            seen = np.isfinite(truth[:, i]) & np.isfinite(mean[:, i])
            draw = _roc if tasks.tasks[i].kind == "binary" else _parity
            draw(axes, tasks.tasks[i], *(part[seen, i] for part in (truth, mean, lower, upper)))
            _dress(axes)
        canvas.savefig(temporary, dpi=160)


def _parity(
    axes: "Axes", task: Task, truth: Array, mean: Array, lower: Array, upper: Array
) -> None:
    unit = f" ({task.unit})" if task.unit else ""
    axes.set(xlabel=f"{task.name}, measured{unit}", ylabel=f"predicted{unit}")
    if not truth.size:
        axes.set_title(f"{task.name}: no measured test molecule")
        return
    low, high = min(truth.min(), mean.min()), max(truth.max(), mean.max())
    margin = 0.05 * (high - low or 1.0)
    limits = (low - margin, high + margin)
    axes.plot(limits, limits, color=INK, linewidth=0.8)
    _intervals(axes, truth, mean, lower, upper)
    axes.scatter(truth, mean, s=14, color=ACCENT, alpha=0.7, linewidths=0)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_title(_title(scores("regression", truth, mean), ("RMSE", "R2")), fontsize=9)


def _intervals(axes: "Axes", truth: Array, mean: Array, lower: Array, upper: Array) -> None:
    """A bar per molecule; a band where all intervals are alike, or bars would hide the points."""
    below, above = mean - lower, upper - mean
    if not np.isfinite([below, above]).all():
        return
    covered = np.mean((truth >= lower) & (truth <= upper))
    label = f"interval holds {100 * covered:.0f} % of {len(truth)}"
    alike = max(np.ptp(below), np.ptp(above)) <= 1e-6 * np.abs([below, above]).max()
    if alike or len(truth) > MANY_POINTS:
        line = np.array([mean.min() - 1e3, mean.max() + 1e3])
        ends = (line - np.median(above), line + np.median(below))
        axes.fill_between(line, *ends, color=ACCENT, alpha=0.1, linewidth=0, label=label)
    else:
        errors = np.array([below, above])
        axes.errorbar(truth, mean, errors, fmt="none", ecolor="#9fb6c3", lw=0.8, label=label)
    axes.legend(loc="upper left", frameon=False, fontsize=8)


def _roc(axes: "Axes", task: Task, truth: Array, mean: Array, lower: Array, upper: Array) -> None:
    from sklearn.metrics import roc_curve

    found = scores("binary", truth, mean)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    if np.isnan(found[0].value):
        axes.set_title(f"{task.name}: {found[0].reason}", fontsize=9)
        return
    false_positives, true_positives, _ = roc_curve(truth, mean)
    axes.plot(false_positives, true_positives, color=ACCENT, linewidth=1.8)
    share = f"{truth.sum():.0f} of {len(truth)} positive"
    axes.text(0.98, 0.04, f"{task.name}\n{share}", ha="right", va="bottom")
    axes.set_title(_title(found, ("ROC-AUC", "PR-AUC")), fontsize=9)


def _title(found: list[Score], wanted: tuple[str, ...]) -> str:
    shown = [score for score in found if score.metric in wanted and np.isfinite(score.value)]
    return ",  ".join(f"{s.metric} {figure(s.value)}{_interval(s)}" for s in shown)


def _interval(score: Score) -> str:
    """Empty where there is none."""
    if np.isnan(score.lower):
        return ""
    return f" [{figure(score.lower)}, {figure(score.upper)}]"


def _dress(axes: Any) -> None:
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

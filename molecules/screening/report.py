"""Hits as one HTML page that needs nothing else, and as CSV."""

from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molecules.screening.profile import Profile, profile
from molecules.screening.screening import Hit, Screen
from molecules.tasks import Task
from sciml.files import atomic_path

PLOT = (640, 150)  # user units of the histogram
BARS = 64
FAR = 0.3  # a lower similarity to the training set makes a prediction a guess

Edges = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Context:
    """What a reader must know to judge the hits.

    Attributes:
        task: what was predicted.
        minimize: whether small values are good.
        model, library: their names, as the user gave them.
        facts: about the model, label -> text: training rows, test scores, ...
        coverage: share of true values that the intervals are meant to hold.
        label_range: smallest and largest measured value of the training table.
        min_similarity: less similar molecules were passed over.
    """

    task: Task
    minimize: bool
    model: str
    library: str
    facts: dict[str, str]
    coverage: float | None = None
    label_range: tuple[float, float] | None = None
    min_similarity: float = 0.0


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram, in the user units of the plot."""

    x: float
    width: float
    height: float
    title: str


def write_report(screen: Screen, context: Context, html: Path, csv: Path) -> None:
    """Write the hits as HTML and CSV; either appears only when it is complete.

    Args:
        screen: what was found.
        context: for the page's header.
        html, csv: the files.
    """
    profiles = [profile(hit.smiles) for hit in screen.hits]
    with atomic_path(csv) as path:
        _table(screen.hits, profiles, context.task.name).to_csv(path, index=False)
    with atomic_path(html) as path:
        path.write_text(_page(screen, context, profiles), encoding="utf-8")


def _table(hits: list[Hit], profiles: list[Profile], task: str) -> pd.DataFrame:
    rows = [
        {
            "rank": rank,
            "name": hit.name,
            "smiles": hit.smiles,
            f"{task}_pred": hit.value,
            f"{task}_lower": hit.lower,
            f"{task}_upper": hit.upper,
            "library_row": hit.row,
            "copies": hit.copies,
            "similarity_to_train": hit.similarity,
            **{k: v for k, v in asdict(found).items() if k not in ("alerts", "svg")},
            "alerts": "; ".join(found.alerts),
        }
        for rank, (hit, found) in enumerate(zip(hits, profiles, strict=True), start=1)
    ]
    table = pd.DataFrame(rows)
    return table.round(dict.fromkeys(table.select_dtypes("float"), 4))


def _page(screen: Screen, context: Context, profiles: list[Profile]) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["svg"] = Markup
    template = resources.files("molecules.screening") / "templates" / "hits.html"
    edges, heights = screen.histogram.occupied(BARS)
    low = min(min(hit.value, _finite(hit.lower, hit.value)) for hit in screen.hits)
    high = max(max(hit.value, _finite(hit.upper, hit.value)) for hit in screen.hits)
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        context=context,
        rows=list(zip(screen.hits, profiles, strict=True)),
        warnings=_warnings(screen.hits, context),
        far=FAR,
        counts=screen.counts,
        reasons=screen.reasons.most_common(8),
        other_reasons=screen.reasons.total() - sum(n for _, n in screen.reasons.most_common(8)),
        bars=_bars(edges, heights),
        axis=_ticks(edges),
        cutoff=_x(screen.hits[-1].value, edges),
        plot=PLOT,
        span=(low, high if high > low else low + 1),
    )


def _warnings(hits: list[Hit], context: Context) -> list[str]:
    """What makes the hits as a whole doubtful."""
    warnings = []
    far = sum(hit.similarity < FAR for hit in hits)
    if far:
        warnings.append(
            f"{far} of {len(hits)} hits resemble no training molecule (similarity below {FAR}): "
            "the model guesses there. Add --min-similarity to pass over such molecules."
        )
    low, high = context.label_range or (-np.inf, np.inf)
    outside = sum(not low <= hit.value <= high for hit in hits)
    if outside and context.task.kind == "regression":
        warnings.append(
            f"{outside} of {len(hits)} predictions lie outside the range of all measured values, "
            f"{low:.3g} to {high:.3g}."
        )
    return warnings


def _bars(edges: Edges, counts: Counts) -> list[Bar]:
    x = PLOT[0] * (edges - edges[0]) / (edges[-1] - edges[0])
    heights = PLOT[1] * counts / counts.max()
    return [
        Bar(x[i], x[i + 1] - x[i], heights[i], f"{edges[i]:.3g} to {edges[i + 1]:.3g}: {count:,}")
        for i, count in enumerate(counts)
        if count
    ]


def _ticks(edges: Edges) -> list[tuple[float, str]]:
    """Positions and labels at round values."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(7).tick_values(edges[0], edges[-1])
    return [(_x(v, edges), f"{v:.6g}") for v in values if edges[0] <= v <= edges[-1]]


def _x(value: float, edges: Edges) -> float:
    return float(PLOT[0] * (value - edges[0]) / (edges[-1] - edges[0]))


def _finite(value: float, otherwise: float) -> float:
    return value if np.isfinite(value) else otherwise

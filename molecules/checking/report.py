"""An examination as text for the terminal, and as one HTML page that needs nothing else."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from molecules.checking.doctor import SEVERITIES, Examination
from molecules.checking.findings import Case, Finding
from molecules.tasks import Task
from sciml.files import write_text
from sciml.page import environment
from sciml.wording import count

MARKS = {"warning": ("!", "bold yellow"), "note": ("i", "cyan"), "ok": ("✓", "green")}
HEADINGS = {"warning": "To act on", "note": "To know", "ok": "In order"}
SHOWN_CASES = 2
PLOT = (300, 90)  # user units of a histogram
BARS = 30
TAIL = 0.01  # of the values, that may be left out at either end
FENCE = 3.0  # interquartile ranges beyond the quartiles: Tukey's outer fences
FOLDED = 10  # cases of a finding that stand open on the page
MOST_PLOTS = 12


def show_examination(found: Examination, console: Console) -> None:
    """Findings by what they ask of the reader, the most urgent first."""
    told = ", ".join(found.tasks.names[:6]) if found.tasks else "no column to learn chosen"
    rows = f": {count(found.rows, 'row')}, molecules in {found.smiles_column!r}; {told}"
    console.print(Text.assemble((found.source, "bold"), rows))
    grid = Grid.grid(padding=(0, 1))
    for severity in SEVERITIES:
        for finding in found.of(severity):
            mark, style = MARKS[severity]
            grid.add_row(Text(mark, style), Text(_line(finding)))
            for case in finding.cases[: SHOWN_CASES if severity == "warning" else 0]:
                grid.add_row("", Text(_told(case), "dim"))
    console.print(grid)
    console.print(summary(found), highlight=False)


def summary(found: Examination) -> str:
    """How many findings ask for something."""
    return f"{count(len(found.of('warning')), 'warning')}, {count(len(found.of('note')), 'note')}"


def write_page(found: Examination, path: Path) -> None:
    """Write the page, with structures drawn; it appears when it is complete."""
    groups = [
        (severity, HEADINGS[severity], [_shown(finding) for finding in found.of(severity)])
        for severity in SEVERITIES
    ]
    template = environment("molecules.checking").get_template("check.html")
    page = template.render(
        found=found,
        groups=[group for group in groups if group[2]],
        summary=summary(found),
        histograms=_histograms(found),
        plot=PLOT,
        folded=FOLDED,
    )
    write_text(path, page)


@dataclass(frozen=True)
class Histogram:
    """The values of one column, as bars in the user units of a plot.

    Attributes:
        title: column, and unit.
        text: what the bars stand for.
        bars: (x, width, height) of each.
        low, high: labels of the axis.
    """

    title: str
    text: str
    bars: tuple[tuple[float, float, float], ...]
    low: str
    high: str


def histogram(task: Task, values: NDArray[np.float64]) -> Histogram:
    """Bars of the measured values but far outliers; two bars for yes/no."""
    values = values[np.isfinite(values)]
    if task.kind == "binary":
        counts, low, high = np.array([(values == 0).sum(), (values == 1).sum()]), "no", "yes"
        text = f"{counts[1]:,} yes, {counts[0]:,} no"
    else:
        inside = values[_within_fences(values)]
        counts, edges = np.histogram(inside, BARS)
        low, high = f"{edges[0]:.4g}", f"{edges[-1]:.4g}"
        text = f"{len(values):,} values, median {np.median(values):.4g}, SD {values.std():.3g}"
        if outside := len(values) - len(inside):
            text += f"; {outside:,} of them outside the picture, "
            text += f"{values.min():.4g} to {values.max():.4g} in all"
    width = PLOT[0] / len(counts)
    heights = PLOT[1] * counts / max(1, counts.max())
    bars = tuple((i * width, width, float(height)) for i, height in enumerate(heights))
    unit = f" ({task.unit})" if task.unit and task.unit not in task.name else ""
    return Histogram(f"{task.name}{unit}", text, bars, low, high)


def _within_fences(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Values within the fences, and all but the outer hundredth of a long tail.

    All of them where the quartiles coincide, and the fences with them.
    """
    low, high = np.quantile(values, (0.25, 0.75))
    reach = FENCE * (high - low) or np.inf
    least = min(low - reach, np.quantile(values, TAIL, method="higher"))
    most = max(high + reach, np.quantile(values, 1 - TAIL, method="lower"))
    return (values >= least) & (values <= most)


@dataclass(frozen=True)
class _Shown:
    finding: Finding
    cases: list[tuple[str, list[str]]]  # text, drawings


def _histograms(found: Examination) -> list[Histogram]:
    if found.tasks is None:
        return []
    columns = zip(found.tasks.tasks[:MOST_PLOTS], found.values.T, strict=False)
    return [histogram(task, column) for task, column in columns if np.isfinite(column).any()]


def _shown(finding: Finding) -> _Shown:
    from molecules.drawing import draw

    return _Shown(
        finding,
        [(_told(case, drawn=True), [draw(text) for text in case.smiles]) for case in finding.cases],
    )


def _line(finding: Finding) -> str:
    return finding.text + (f": {finding.advice}" if finding.advice else "")


def _told(case: Case, drawn: bool = False) -> str:
    rows = ", ".join(str(row + 1) for row in case.rows[:6])
    more = ", ..." if len(case.rows) > 6 else ""
    where = f"row {rows}" if len(case.rows) == 1 else f"rows {rows}{more}"
    molecules = "" if drawn or not case.smiles else f"  {'  '.join(case.smiles)}"
    return f"{where}: {case.text}{molecules}"

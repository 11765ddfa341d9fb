"""Predictions as a grid of structures for notebooks."""

from html import escape

import numpy as np

from molecules.drawing import draw
from molecules.prediction.prediction import Prediction
from molecules.tasks import Task

MOST_SHOWN = 24
LARGEST_DRAWN = 200  # atoms; a larger structure is a blot
STYLE = """<style scoped>
.molecules { display: grid; gap: 8px;
  grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); }
.molecules div { border: 1px solid #dfe4e9; border-radius: 6px; padding: 8px; overflow: hidden;
  background: #fff; color: #1d2733; font: 13px/1.4 system-ui, sans-serif; }
.molecules svg { width: 100%; height: auto; display: block; }
.molecules code { font-size: 11px; color: #5b6875; background: none; overflow-wrap: anywhere; }
.molecules .failed { color: #8a4b08; background: #fdf1e0; }
</style>"""


def grid(prediction: Prediction) -> str:
    """HTML of the first molecules, each with structure, values and intervals."""
    shown = range(min(len(prediction), MOST_SHOWN))
    cells = "".join(_cell(prediction, row) for row in shown)
    rest = len(prediction) - len(shown)
    more = f"<p>{rest:,} more rows; .frame() has them all.</p>" if rest else ""
    return f'{STYLE}<div class="molecules">{cells}</div>{more}'


def _cell(prediction: Prediction, row: int) -> str:
    smiles = prediction.smiles[row] or ""
    code = f"<code>{escape(smiles)}</code>"
    if prediction.status[row] != "ok":
        return f'<div class="failed">row {row}: {escape(prediction.reason[row])}<br>{code}</div>'
    lines = [
        _value(prediction, row, column, task) for column, task in enumerate(prediction.tasks.tasks)
    ]
    sets = prediction.class_sets()
    lines += [
        f"<b>{escape(name)} {escape(chosen[row])}</b> of {escape(', '.join(sets[name][row] or []))}"
        for name, chosen in prediction.most_probable().items()
    ]
    if prediction.similarity is not None:
        lines.append(f"similarity to train {prediction.similarity[row]:.2f}")
    drawing = draw(smiles) if len(smiles) < 4 * LARGEST_DRAWN else ""
    return f"<div>{drawing}{'<br>'.join(lines)}<br>{code}</div>"


def _value(prediction: Prediction, row: int, column: int, task: Task) -> str:
    value = f"<b>{escape(task.name)} {prediction.mean[row, column]:.3g}</b> {escape(task.unit)}"
    if task.of:
        return value
    if task.kind == "binary":
        return f"{value} {escape(prediction.yes_no_sets(column)[row])}"
    ends = prediction.lower[row, column], prediction.upper[row, column]
    return f"{value} ({ends[0]:.3g} to {ends[1]:.3g})" if np.isfinite(ends).all() else value

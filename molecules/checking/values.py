"""Values of a column by themselves: units, outliers, balance of classes."""

import re

import numpy as np
from numpy.typing import NDArray

from molecules.checking.findings import Finding
from molecules.checking.structures import EXAMPLES, Structures
from molecules.files.recognize import looks_computed
from molecules.tasks import DECADES, FEWEST, Task, spread_out, strays
from sciml.wording import count

Values = NDArray[np.float64]

FAR_OUT = 5.0  # robust standard deviations
RULES = 0.1  # share of all squared distances from the median
RARE, FEW = 0.1, 20  # share and number of the rarer class

# Names, and the range that measured values of that name lie in.
PLAUSIBLE = (
    (r"^p(ic|ec|ac|xc|gi|ed)50|^pk[id]?$|^pchembl", (1.0, 13.0), "a negative decimal logarithm"),
    (r"^log(s|sol)|logsolubility", (-15.0, 3.0), "log10 of mol/L"),
    (r"^(exp)?log(p|d)", (-8.0, 12.0), "a logarithm of a partition"),
    (r"percent|%|^ppb", (-5.0, 105.0), "a percentage"),
)
CONCENTRATION = re.compile(r"^(ic|ec|ac|xc|gi|ed|cc)50|^k[id]$|^mic$|concentration", re.IGNORECASE)


def check_values(structures: Structures, task: Task, values: Values) -> list[Finding]:
    """Everything that the values of one column say without the molecules."""
    measured = np.isfinite(values) & structures.valid
    values = np.where(measured, values, np.nan)
    found = [_name(task)] if looks_computed(task.of or task.name) else []
    if measured.sum() < 2:
        few = f"{task.name}: fewer than two molecules with a value"
        return [*found, Finding("values", "warning", few)]
    if task.kind == "binary":
        return [*found, _balance(task, values[measured])]
    return [
        *found,
        *_nearly_yes_no(structures, task, values),
        *_units(structures, task, values),
        *_scale(task, values[measured]),
        *_outliers(structures, task, values),
    ]


def _name(task: Task) -> Finding:
    text = f"{task.name}: named like something computed, not measured"
    return Finding("columns", "warning", text, "make sure that this is the column to learn")


def _nearly_yes_no(structures: Structures, task: Task, values: Values) -> list[Finding]:
    """A column of 0 and 1 that a few other numbers turn into a quantity."""
    odd, measured = strays(values), int(np.isfinite(values).sum())
    if not odd.size:
        return []
    text = (
        f"{task.name}: {measured - odd.size:,} of {measured:,} values are 0 or 1, "
        f"{odd.size:,} not, which makes it a quantity"
    )
    cases = tuple(structures.case([i], f"{values[i]:g}") for i in odd[:EXAMPLES])
    return [Finding("values", "warning", text, "correct them, or `train` refuses to guess", cases)]


def _units(structures: Structures, task: Task, values: Values) -> list[Finding]:
    for pattern, (low, high), what in PLAUSIBLE:
        if not re.search(pattern, re.sub(r"[\s_\-]", "", task.name.lower())):
            continue
        odd = np.flatnonzero((values < low) | (values > high))
        if odd.size:
            cases = tuple(structures.case([i], f"{values[i]:g}") for i in odd[:EXAMPLES])
            text = (
                f"{task.name}: {count(len(odd), 'value')} outside {low:g} to {high:g}, where "
                f"{what} lies"
            )
            return [Finding("units", "warning", text, "look for another unit or a slip", cases)]
        break
    return []


def _scale(task: Task, values: Values) -> list[Finding]:
    """A positive quantity whose logarithm is the thing to learn."""
    positive = values[values > 0]
    if len(positive) < 0.98 * len(values):
        return []
    spread = float(np.log10(np.quantile(positive, 0.99) / np.quantile(positive, 0.01)))
    raw = CONCENTRATION.search(task.name.strip())
    if spread < 1 or not (raw or spread_out(positive) or spread > DECADES):
        return []
    text = f"{task.name}: positive values over {spread:.1f} decades"
    if raw:
        text += ", named like a concentration"
        advice = "learn its negative decimal logarithm in mol/L (pIC50 and the like)"
        return [Finding("units", "warning", text, advice)]
    advice = "learn its logarithm, or a few large values rule the error"
    return [Finding("units", "warning", text, advice)]


def ruling(task: Task, values: Values) -> list[str]:
    """A line if a few values far out rule the error of a quantity: where, and what to do.

    Args:
        task: the quantity.
        values: (row,) in its unit, NaN where unmeasured.
    """
    if task.kind == "binary" or np.isfinite(values).sum() < FEWEST:
        return []
    learned = np.log(values) if task.scale == "log" else values
    distance, centre = robust_distance(learned)
    square = np.square(np.nan_to_num(learned - centre))
    rule = np.flatnonzero((distance > FAR_OUT) & (square > RULES * square.sum()))
    if not rule.size:
        return []
    worst = rule[np.argmax(distance[rule])]
    return [
        f"{task.name}: {values[worst]:g} in row {worst + 1} lies {distance[worst]:.3g} robust "
        f"standard deviations from the median, and {count(len(rule), 'value')} so far out will "
        "rule the error: correct what is a slip, or leave the cell blank"
    ]


def robust_distance(values: Values) -> tuple[Values, float]:
    """(row,) from the median, and the median; 0 where unmeasured or more than half are alike.

    In units of 1.4826 times the median absolute deviation.
    """
    centre = float(np.nanmedian(values))
    width = 1.4826 * np.nanmedian(np.abs(values - centre))
    if width == 0:
        return np.zeros_like(values), centre
    return np.nan_to_num(np.abs(values - centre) / width), centre


def _outliers(structures: Structures, task: Task, values: Values) -> list[Finding]:
    """Values far from the median."""
    distance, centre = robust_distance(values)
    if not distance.any():
        return []
    far = np.flatnonzero(distance > FAR_OUT)
    if not far.size:
        return [Finding("outliers", "ok", f"{task.name}: no value beyond {FAR_OUT:g} robust SD")]
    worst = far[np.argsort(-distance[far], kind="stable")]
    cases = tuple(
        structures.case(
            [i], f"{values[i]:g}, {distance[i]:.1f} robust SD from the median {centre:g}"
        )
        for i in worst[:EXAMPLES]
    )
    text = f"{task.name}: {count(len(far), 'value')} beyond {FAR_OUT:g} robust standard deviations"
    advice = "check them; --objective.regression huber weighs them less"
    return [Finding("outliers", "warning", text, advice, cases)]


def _balance(task: Task, values: Values) -> Finding:
    positives = int(values.sum())
    rarer = min(positives, len(values) - positives)
    share = positives / len(values)
    text = f"{task.name}: {positives:,} of {len(values):,} positive ({share:.1%})"
    if rarer < FEW:
        advice = "a test fold will hold almost none of the rarer class; measure more of it"
        return Finding("balance", "warning", text, advice)
    if rarer < RARE * len(values):
        advice = "judge by PR-AUC beside ROC-AUC; --objective.balance true weighs both alike"
        return Finding("balance", "note", text, advice)
    return Finding("balance", "ok", text)

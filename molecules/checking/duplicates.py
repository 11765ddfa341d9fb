"""Molecules measured more than once, and the limit that their scatter sets to any model."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molecules.checking.findings import Case, Finding
from molecules.checking.structures import EXAMPLES, Structures
from molecules.tasks import Task
from sciml.wording import count

Values = NDArray[np.float64]
Groups = list[NDArray[np.int64]]
FEWEST = 5  # molecules measured repeatedly whose scatter tells something of all
COPIES = 0.5  # a larger share of equal replicates says that values were copied
LARGE = 1.0  # standard deviations of the column between replicates that conflict
THOUSAND = 0.02  # decades around a factor of a thousand
LOGARITHM = re.compile(
    r"(?<![a-z])(log(?!ic)|ln(?![a-z])|p(ic|ec|ac|xc|gi|ed)50|pk[aid]?(?![a-z])|pchembl)",
    re.IGNORECASE,
)
DECADES, SCATTER = 15.0, 3.0  # largest size and standard deviation of logarithms of any name


@dataclass(frozen=True)
class Ceiling:
    """What replicates say of the best score that any model can reach.

    Attributes:
        noise: standard deviation of one measurement, pooled over replicates; it is also
            the RMSE of a perfect model.
        r2: 1 - noise^2 / variance of the column (Brown, Muchmore & Hajduk 2009, Drug
            Discov. Today 14, 420).
        groups, rows: molecules with replicates, and their rows.
    """

    noise: float
    r2: float
    groups: int
    rows: int


def repeated(structures: Structures, measured: NDArray[np.bool_]) -> Groups:
    """Rows of each molecule that stands in several measured rows."""
    rows = np.flatnonzero(structures.valid & measured)
    order = rows[np.argsort(structures.identity[rows], kind="stable")]
    names = structures.identity[order]
    starts = np.flatnonzero(names[1:] != names[:-1]) + 1
    return [np.sort(part) for part in np.split(order, starts) if len(part) > 1]


def ceiling(values: Values, groups: Groups) -> Ceiling:
    """The noise of a measured quantity, from its replicates.

    noise^2 = sum over groups of sum (y - mean)^2 / sum (n - 1).

    Args:
        values: (row,) NaN where unmeasured.
        groups: from `repeated`.
    """
    squares = sum(float(((values[rows] - values[rows].mean()) ** 2).sum()) for rows in groups)
    freedom = sum(len(rows) - 1 for rows in groups)
    noise = float(np.sqrt(squares / freedom)) if freedom else np.nan
    r2 = 1 - noise**2 / float(np.nanvar(values))
    return Ceiling(noise, r2, len(groups), sum(map(len, groups)))


def check_duplicates(structures: Structures, task: Task, values: Values) -> list[Finding]:
    """Replicates of one column: copies, conflicts, the noise ceiling."""
    groups = repeated(structures, np.isfinite(values))
    if not groups:
        return [Finding("duplicates", "ok", f"{task.name}: no molecule is measured twice")]
    if task.kind == "binary":
        return [_of_classes(structures, task, values, groups)]
    return [*_of_quantity(structures, task, values, groups)]


def check_copies(structures: Structures) -> list[Finding]:
    """Molecules that stand in several rows, whatever is measured of them."""
    groups = repeated(structures, structures.valid)
    if not groups:
        return [Finding("duplicates", "ok", "every row holds another molecule (by InChIKey)")]
    rows = sum(map(len, groups))
    text = f"{count(len(groups), 'molecule')} in {rows:,} rows, by InChIKey"
    cases = tuple(
        structures.case(group, f"{len(group)} rows")
        for group in sorted(groups, key=len, reverse=True)[:EXAMPLES]
    )
    advice = "splits keep those of one canonical SMILES together"
    return [Finding("duplicates", "note", text, advice, cases)]


def _of_quantity(
    structures: Structures, task: Task, values: Values, groups: Groups
) -> list[Finding]:
    limit = ceiling(values, groups)
    spans = np.array([np.ptp(values[rows]) for rows in groups])
    conflicts = spans > LARGE * np.nanstd(values)
    equal = float((spans == 0).mean())
    text = (
        f"{task.name}: {count(limit.groups, 'molecule')} measured repeatedly, in {limit.rows:,} "
        f"rows; by their scatter one value is uncertain by {limit.noise:.3g}{_unit(task)}: even "
        f"a perfect model has an RMSE near that, and an R2 near {limit.r2:.2f}"
    )
    if equal == 1:
        text = (
            f"{task.name}: {count(limit.groups, 'molecule')} in {limit.rows:,} rows, always with "
            "the same value: copies, which say nothing of the noise"
        )
    elif limit.groups < FEWEST:
        text = (
            f"{task.name}: {count(limit.groups, 'molecule')} measured repeatedly, in "
            f"{limit.rows:,} rows: too few to tell how uncertain a value is"
        )
    elif equal > COPIES:
        text += f"; {equal:.0%} agree exactly, as copies do, which hides noise"
    worst = [groups[i] for i in np.argsort(-spans)[:EXAMPLES] if spans[i] > 0]
    cases = tuple(structures.case(rows, _listed(values[rows])) for rows in worst)
    found = [Finding("duplicates", "note", text, "", cases)]
    if conflicts.any():
        text = (
            f"{task.name}: {count(int(conflicts.sum()), 'molecule')} with values further apart "
            f"than the column's standard deviation, {np.nanstd(values):.3g}{_unit(task)}"
        )
        found.append(Finding("duplicates", "warning", text, "look at these measurements", cases))
    return [*found, *_thousandfold(structures, task, values, groups)]


def _of_classes(structures: Structures, task: Task, values: Values, groups: Groups) -> Finding:
    split = [rows for rows in groups if np.ptp(values[rows]) > 0]
    rows = sum(map(len, groups))
    majority = sum(max(values[g].sum(), len(g) - values[g].sum()) for g in groups)
    text = f"{task.name}: {count(len(groups), 'molecule')} in {rows:,} rows"
    if not split:
        return Finding("duplicates", "note", f"{text}, always of one class")
    text += (
        f", {len(split):,} of them in both classes: on repeated molecules no model can be right "
        f"more often than {majority / rows:.0%}"
    )
    cases = tuple(structures.case(group, _listed(values[group])) for group in split[:EXAMPLES])
    return Finding("duplicates", "warning", text, "decide which measurement counts", cases)


def _thousandfold(
    structures: Structures, task: Task, values: Values, groups: Groups
) -> list[Finding]:
    """Replicates a factor of 10^3, 10^6 or 10^9 apart: nM beside µM, mM or M."""
    named = LOGARITHM.search(task.name) is not None
    logarithm = named or _like_logarithm(values)
    quantity = not named and float(np.nanmin(values)) >= 0
    cases: list[Case] = []
    for rows in groups:
        low, high = values[rows].min(), values[rows].max()
        decades = [high - low] if logarithm else []
        decades += [np.log10(high / low)] if quantity and low > 0 else []
        if any(abs(d - k) < THOUSAND for d in decades for k in (3, 6, 9)):
            cases.append(structures.case(rows, _listed(values[rows])))
    if not cases:
        return []
    text = (
        f"{task.name}: {count(len(cases), 'molecule')} with replicates a power of a thousand "
        "apart: units that were mixed up"
    )
    advice = "bring nM, µM and mol/L to one unit"
    return [Finding("units", "warning", text, advice, tuple(cases[:EXAMPLES]))]


def _like_logarithm(values: Values) -> bool:
    return bool(np.nanmax(np.abs(values)) <= DECADES and np.nanstd(values) <= SCATTER)


def _listed(values: Values) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:6])
    return shown + (", ..." if len(values) > 6 else "")


def _unit(task: Task) -> str:
    return f" {task.unit}" if task.unit else ""

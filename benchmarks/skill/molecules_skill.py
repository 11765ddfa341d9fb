"""Skill on public tables: this project's default beside a forest, LightGBM and chemprop.

    python benchmarks/skill/molecules_skill.py --data MOLECULES               # all, for hours
    python benchmarks/skill/molecules_skill.py --data MOLECULES --only 'ESOL:*' '*:forest' \\
        --seeds 0 --budget 600
    python benchmarks/skill/molecules_skill.py --data MOLECULES --only        # the report alone

Every model learns the same stored folds of the 23 tables of `molecules_data`, in a process
of its own on one thread, and predicts the test fold. Each cell (table, split, seed, model)
is kept as it is made, so that a run goes on where it was stopped. The report in
`results/skill_molecules.{md,json,csv}` is made of the cells that there are, and keeps what it
said of tables and splits without them. chemprop and LightGBM are looked for in the environment
that `benchmarks/peers.sh` makes.
"""

import argparse
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from molecules_earlier import Earlier
from molecules_making import make
from molecules_overlap import known
from molecules_plan import MODELS, SHARES, Plan, Store
from molecules_report import markdown
from molecules_results import OURS, Comparison, counts
from molecules_splits import SEEDS

from sciml.files import atomic_path, write_text

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"


def collect(
    plan: Plan, pretraining: Sequence[Path], earlier: Earlier | None = None
) -> dict[str, Any]:
    """Scores of every finished cell and what they say, as plain data.

    Args:
        plan: all cells.
        pretraining: files whose molecules are looked for among the tested ones.
        earlier: a report to go on with.
    """
    earlier = earlier or Earlier()
    kept = {model: plan.store.count(model) for model in plan.models}
    seen = known(pretraining, plan.store.folder / "pretraining") if pretraining else None
    shown = [e for e in plan.entries() if plan.store.holds(e.source.name, e.split)]
    found = [Comparison(plan, entry, sorted(plan.labels, reverse=True), seen) for entry in shown]
    here = [row for comparison in found for row in comparison.rows()]
    entries = earlier.with_entries([comparison.told() for comparison in found])
    rows = earlier.with_rows(here, entries)
    order = {(e.source.name, e.split): place for place, e in enumerate(plan.entries())}
    for told in (entries, rows):
        told.sort(key=lambda one: order[one["table"], one["split"]])
    others = [model for model in plan.models if model != OURS]
    unused = {m: kept[m] - sum(row["model"] == m for row in here) for m in plan.models}
    return {
        "models": list(plan.models),
        "cells": {model: _counted(plan, model, rows, unused[model]) for model in plan.models},
        "counts": {", ".join(chosen): counts(entries, chosen) for chosen in _peers(others)},
        "pretraining": sorted({*earlier.pretraining, *(file.name for file in pretraining)}),
        "seeds": SEEDS,
        "threads": sorted({row["threads"] for row in rows}),
        "dates": sorted({row["date"] for row in rows}),
        "machines": sorted({row["machine"] for row in rows}),
        "versions": _versions(found, earlier.versions or {}),
        "entries": entries,
        "rows": rows,
    }


def _peers(others: Sequence[str]) -> list[tuple[str, ...]]:
    """Each of the other models, and all that are not this project's together."""
    foreign = tuple(model for model in others if not model.startswith(OURS))
    return [*((model,) for model in others), *([foreign] if len(foreign) > 1 else [])]


def _versions(
    found: Sequence[Comparison], earlier: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, dict[str, list[str]]]:
    """Model -> package -> the versions that its cells were made with."""
    told = {m: {name: set(v) for name, v in packages.items()} for m, packages in earlier.items()}
    for model, record in (made for comparison in found for made in comparison.records()):
        for package, version in record["versions"].items():
            told.setdefault(model, {}).setdefault(package, set()).add(version)
    return {m: {name: sorted(v) for name, v in packages.items()} for m, packages in told.items()}


def _counted(plan: Plan, model: str, rows: Sequence[dict[str, Any]], unused: int) -> dict[str, int]:
    """Cells of a model with all labels: those there are, all, and those of other settings."""
    own = [row for row in rows if row["model"] == model]
    return {
        "made": sum(row["labels"] == 1 for row in own),
        "asked": sum(SEEDS[entry.split] for entry in plan.entries()),
        "other": max(unused, 0),  # some may have been made meanwhile
        "codes": len({row["code"] for row in own}),
    }


def write(told: dict[str, Any], folder: Path) -> None:
    """The report for readers, for programs, and one row a cell."""
    write_text(folder / "skill_molecules.md", markdown(told))
    with atomic_path(folder / "skill_molecules.csv") as path:
        pd.DataFrame(told["rows"]).to_csv(path, index=False)
    kept = {name: value for name, value in told.items() if name != "rows"}
    with atomic_path(folder / "skill_molecules.json") as path:
        path.write_text(json.dumps(_finite(kept), indent=1, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    """The same with null for what is no number, which JSON does not know."""
    match value:
        case dict():
            return {name: _finite(part) for name, part in value.items()}
        case list() | tuple():
            return [_finite(part) for part in value]
        case float() if not math.isfinite(value):
            return None
    return value


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of moleculenet/, admet/")
    parser.add_argument("--cells", type=Path, default=HERE / ".molecules", help="what is kept")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".peers")
    parser.add_argument("--models", nargs="+", default=[*MODELS], metavar="NAME")
    parser.add_argument("--only", nargs="*", default=["*"], metavar="TABLE:MODEL")
    parser.add_argument("--splits", nargs="+", default=[*SEEDS], choices=[*SEEDS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[*range(max(SEEDS.values()))])
    parser.add_argument("--labels", type=float, nargs="+", default=[*SHARES], help="shares")
    parser.add_argument("--budget", type=float, default=float("inf"), help="CPU seconds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--pretraining", type=Path, nargs="*", default=[], metavar="FILE")
    return parser.parse_args()


def main() -> None:
    """Make cells, then report on all that there are."""
    options = parse()
    os.environ["XDG_CACHE_HOME"] = str(options.cells.resolve() / "cache")
    store = Store(options.data, options.cells.resolve())
    chosen = (options.labels, options.seeds, options.only, options.splits)
    make(Plan(store, options.models, *chosen), options.budget, options.peers, options.threads)
    earlier = Earlier.read(options.results)
    told = collect(Plan(store, options.models), options.pretraining, earlier)
    write(told, options.results)


if __name__ == "__main__":
    main()

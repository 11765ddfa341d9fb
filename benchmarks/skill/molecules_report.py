"""The report of the molecular skill benchmark: Markdown of what `molecules_results` says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Record = Mapping[str, Any]
MARK = {"better": " ▲", "worse": " ▼", "same": "", "": ""}

HEADING = """\
# Skill on public tables

Mean score over seeds of the test molecules, with a 95 % bootstrap interval over molecules; and
how much better ours is (positive is better, in units of the metric), paired on the same
molecules and seeds: ▲ significantly better, ▼ significantly worse at 5 %, without a correction
for the number of comparisons. All models of a row learned the same stored folds. Errors (RMSE,
MAE) are in the unit of the table, or log10 of it where its name says so.

- `forest`: 500 trees on counts of Morgan environments and RDKit's 2-D descriptors, learned on
  training and validation; `lightgbm`: the same features, stopped early on validation.
- `chemprop`: its command with the defaults, one model, best epoch on validation.
- `ours`: the default of `molecules train`, without options.

Written by `benchmarks/skill/molecules_skill.py`; one row a cell is in `skill_molecules.csv`.

"""


def markdown(told: Record) -> str:
    """The whole report.

    Args:
        told: see `molecules_skill.collect`.
    """
    entries = told["entries"]
    splits = dict.fromkeys(entry["split"] for entry in entries)
    parts = [HEADING, _made(told), _counted(told)]
    for split in splits:
        chosen = [entry for entry in entries if entry["split"] == split]
        parts += [f"\n## {_title(split)}\n\n", _scores(chosen, told["models"])]
    parts += ["\n## Cost\n\n", _costs(told["rows"], told["models"])]
    if any(entry["few_labels"] for entry in entries):
        parts += ["\n## Few labels\n\n", _few_labels(entries, told["models"])]
    return "".join([*parts, "\n## Overlap\n\n", _overlap(entries, told)])


def _title(split: str) -> str:
    return {"tdc": "TDC's own test sets"}.get(split, f"Split {split}")


def _made(told: Record) -> str:
    """How many cells there are, of how many, and who made them where."""
    lines = [
        f"- {model}: {count['made']} of {count['asked']} cells"
        + (f", {count['other']} of other configurations not shown" if count["other"] else "")
        + (f"; made by {count['codes']} states of the code" if count["codes"] > 1 else "")
        for model, count in told["cells"].items()
    ]
    dates = " to ".join(dict.fromkeys(told["dates"][:1] + told["dates"][-1:]))
    threads = ", ".join(map(str, told["threads"]))
    where = f"Made {dates} on {'; '.join(told['machines'])}, threads: {threads}."
    return "\n".join([*lines, "", where, ""])


def _counted(told: Record) -> str:
    """The sentences to read first."""
    lines = [
        f"- Ours is better on average than {_all(name)} on {count['better_on_average']} of "
        f"{count['compared']} ({_share(count)}), significantly better on "
        f"{count['significantly_better']}, significantly worse on {count['significantly_worse']}."
        for name, count in told["counts"].items()
        if count["compared"]
    ]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _all(names: str) -> str:
    return f"all of {names}" if "," in names else names


def _share(count: Record) -> str:
    return f"{count['better_on_average'] / count['compared']:.0%}"


def _scores(entries: Sequence[Record], models: Sequence[str]) -> str:
    others = [model for model in models if model != "ours"]
    heads = [
        "table",
        "metric",
        "test molecules, all seeds",
        *models,
        *(f"over {model}" for model in others),
    ]
    rows = [
        [
            entry["table"] + (" (log10)" if entry["log10"] else ""),
            entry["metric"],
            f"{entry['test_molecules']:,}",
            *(_interval(entry["models"].get(model)) for model in models),
            *(_gain(entry["gains"].get(model)) for model in others),
        ]
        for entry in entries
    ]
    return _table(heads, rows)


def _interval(score: Record | None) -> str:
    if score is None:
        return ""
    seeds = len(score["seeds"])
    return f"{score['value']:.3f} ({score['lower']:.3f}-{score['upper']:.3f}) ×{seeds}"


def _gain(gained: Record | None) -> str:
    if gained is None or not gained["seeds"]:
        return ""
    return f"{gained['value']:+.3f}{MARK[gained['verdict']]}"


def _costs(rows: Sequence[Record], models: Sequence[str]) -> str:
    """Medians over cells with all labels; trees pay for their features."""
    frame = pd.DataFrame(rows)
    body = []
    for model in models:
        own = frame[(frame["model"] == model) & (frame["labels"] == 1)]
        if len(own):
            each = 1e3 * own["predict_seconds"] / own["test_rows"]
            cells = [f"{own['train_seconds'].median():.1f}", f"{own['train_seconds'].max():.0f}"]
            body.append([model, f"{len(own)}", *cells, f"{each.median():.1f}"])
    heads = ["model", "cells", "CPU s of training, median", "most", "CPU ms a prediction, median"]
    note = "With the features that each needs; ours without the network from scratch."
    return _table(heads, body) + f"\n{note}\n"


def _few_labels(entries: Sequence[Record], models: Sequence[str]) -> str:
    """Models with a share of the labels, and ours beside the others with as many or with all."""
    others = [model for model in models if model != "ours"]
    found = [(entry, *few) for entry in entries for few in entry["few_labels"].items()]
    told = [_few_counted(found, "over_as_few", other, "as few labels") for other in others]
    told += [_few_counted(found, "over_all", other, "all labels") for other in others]
    heads = ["table", "metric", "labels", *models, *(f"over {m}" for m in others)]
    heads += [f"over {other} with all" for other in others]
    rows = [
        [
            f"{entry['table']}, {entry['split']}",
            entry["metric"],
            f"{float(share):.0%}",
            *(f"{few['models'][m]['value']:.3f}" if m in few["models"] else "" for m in models),
            *(_gain(few[kind].get(m)) for kind in ("over_as_few", "over_all") for m in others),
        ]
        for entry, share, few in found
    ]
    return "\n".join(line for line in told if line) + f"\n\n{_table(heads, rows)}"


def _few_counted(
    found: Sequence[tuple[Record, str, Record]], kind: str, other: str, labels: str
) -> str:
    """`- Ours with 10% of the labels is better on average than forest with all on 1 of 9.`"""
    lines = []
    for share in dict.fromkeys(share for _, share, _ in found):
        gains = [few[kind][other] for _, own, few in found if own == share and other in few[kind]]
        if gains:
            ahead = sum(gained["value"] > 0 for gained in gains)
            worse = sum(gained["verdict"] == "worse" for gained in gains)
            lines.append(
                f"- Ours with {float(share):.0%} of the labels is better on average than {other} "
                f"with {labels} on {ahead} of {len(gains)}, significantly worse on {worse}."
            )
    return "\n".join(lines)


def _overlap(entries: Iterable[Record], told: Record) -> str:
    """How many test molecules were met before, and the scores without them."""
    pretrained = bool(told["pretraining"])
    models = told["models"] if pretrained else []
    rows = []
    for entry in entries:
        overlap, name = entry["overlap"], f"{entry['table']}, {entry['split']}"
        seen = [f"{overlap['in_pretraining']:,}"] if pretrained else []
        scores = [_without(entry, model) for model in models]
        rows.append([name, f"{overlap['rows']:,}", f"{overlap['in_training']:,}", *seen, *scores])
    heads = ["table", "test rows", "molecules also in training", *["seen"] * pretrained]
    note = (
        f"`seen`: test rows whose InChIKey's first block occurs in {', '.join(told['pretraining'])}"
        "; scores without them, in parentheses with them. Pre-training met structures, no label.\n"
    )
    table = _table([*heads, *(f"{model}, without" for model in models)], rows)
    return f"{note if pretrained else 'No pre-training file was given.'}\n\n{table}"


def _without(entry: Record, model: str) -> str:
    value = entry["overlap"]["without"].get(model, np.nan)
    return f"{value:.3f} ({entry['models'][model]['value']:.3f})" if np.isfinite(value) else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

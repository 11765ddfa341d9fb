"""Are many sparse properties better learned in one network than each in its own?

    python benchmarks/skill/molecules_multitask.py /path/to/molecules --cells cells

ToxCast (617 assays) and MUV (17) are divided once (scaffold_balanced, stored). A network of all
assays learns for some CPU seconds, once for each way of weighing them, and is judged on a few
assays from the fewest to the most labels. Each of these is also learned by a network of its
own, with the same start, rates and batches, which reads its molecules as often as the network
of all assays reads its own, but for at least `LEAST_SECONDS`. Nothing is chosen by a
validation: all learn training and validation fold at once. Each cell is kept as it is made.
Writes results/skill_multitask.md.
"""

import argparse
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from molecules_training import learn
from numpy.typing import NDArray

from molecules.evaluation.metrics import ROC_AUC
from molecules.features.data import MoleculeData
from molecules.tasks import Tasks
from molecules.training.divisions import Division
from molecules.training.experiment import ExperimentConfig
from molecules.training.networks import make_model, with_shipped_weights
from molecules.training.objectives import PropertyLoss
from molecules.training.preparation import Prepared, open_table, prepare
from sciml.config import load_config, named_config
from sciml.files import atomic_path

RESULTS = Path(__file__).parents[1] / "results"
LEAST_SECONDS = 8.0
WEIGHING = {
    "all, labels alike": {"evenness": 0.0},
    "all, between": {"evenness": 0.5},
    "all, assays alike": {"evenness": 1.0},
    "all, uncertainty": {"uncertainty": True},
    "all, labels alike, 3 times as long": {"evenness": 0.0},
    "all, between, 3 times as long": {"evenness": 0.5},
}
SINGLE = "one network each"


@dataclass(frozen=True)
class Source:
    """A table.

    Attributes:
        file: of it.
        judged: how many of its assays are judged.
        seconds: of CPU time that all assays are learned for.
        least: actives and inactives in the test fold of an assay that is judged.
    """

    file: str
    judged: int
    seconds: float
    least: int = 5


SOURCES = {
    "ToxCast": Source("toxcast_data.csv.gz", 8, 80),
    "MUV": Source("muv.csv.gz", 6, 300, least=2),
}


@cache
def prepared(table: str, folder: Path, cells: Path, seed: int) -> tuple[Prepared, ExperimentConfig]:
    """The table in its stored folds, with all assays that have two classes."""
    folds = cells / f"{table}-{seed}.folds"
    stored = [f"data.split_file={folds}"] if folds.exists() else []
    options = [
        "data.split=scaffold_balanced",
        f"data.seed={seed}",
        f"training.seed={seed}",
        f"data.cache={cells / 'cache'}",
    ]
    path = named_config("molecules", "multitask")
    config = with_shipped_weights(load_config(ExperimentConfig, path, [*options, *stored]))
    ready = prepare(open_table(folder / SOURCES[table].file), ["*"], config.data)
    if not stored:
        with atomic_path(folds) as temporary:
            rows = {fold: found.tolist() for fold, found in ready.folds.items()}
            temporary.write_text(json.dumps(rows))
    return ready, config


def judged(ready: Prepared, source: Source) -> list[int]:
    """Assays with enough of both classes in the test fold, from the fewest to the most labels."""
    truth = ready.exact[ready.folds["test"]]
    both = ((truth == 1).sum(0) >= source.least) & ((truth == 0).sum(0) >= source.least)
    order = np.argsort(np.isfinite(ready.exact[ready.known]).sum(0), kind="stable")
    able = [int(task) for task in order if both[task]]
    return [
        able[i]
        for i in np.linspace(0, len(able) - 1, min(source.judged, len(able))).round().astype(int)
    ]


def only(ready: Prepared, task: int) -> Prepared:
    """The table of one assay, and the rows that it has labels of."""
    labels, exact = ready.labels[:, [task]], ready.exact[:, [task]]
    measured = np.isfinite(labels[:, 0])
    folds = {fold: rows[measured[rows]] for fold, rows in ready.folds.items()}
    data = replace(ready.data, labels=labels[ready.featurized.rows])
    tasks = Tasks(tasks=(ready.tasks.tasks[task],))
    return replace(ready, labels=labels, exact=exact, folds=folds, data=data, tasks=tasks)


def trained(
    ready: Prepared, config: ExperimentConfig, seconds: float, test: NDArray[np.int64]
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Learn all but the test fold; (test row, task) probabilities, and what it took."""
    known = ready.known
    model = make_model(ready, config, Division(known, known[:0]), 0, config.transfer)
    loss = PropertyLoss(config.objective, ready.tasks, ready.labels[known])
    spent = learn(model, loss, ready.rows(known), config.training, seconds)
    told = predicted(model, ready.rows(test))
    return told, {"cpu_seconds": spent.cpu_seconds, "epochs": spent.epochs}


@torch.inference_mode()
def predicted(model: Any, data: MoleculeData) -> NDArray[np.float64]:
    """(row, task) probabilities."""
    blocks = [np.arange(i, min(i + 256, len(data))) for i in range(0, len(data), 256)]
    return np.concatenate([model.predict(data.__getitems__(rows)).numpy() for rows in blocks])


def cells_of(table: str, seed: int, name: str, options: argparse.Namespace) -> None:
    """Train one contestant, unless that is done, and keep the scores of the judged assays."""
    path = options.cells / f"{table}-{seed}-{name}.json".replace(", ", "_").replace(" ", "_")
    if path.exists():
        return
    ready, config = prepared(table, options.folder, options.cells, seed)
    source, test = SOURCES[table], ready.folds["test"]
    chosen, rows = judged(ready, source), []
    if name != SINGLE:
        objective = config.objective.model_copy(update={"evenness": 0.0, **WEIGHING[name]})
        config = config.model_copy(update={"objective": objective})
        longer = 3 if "3 times" in name else 1
        told, spent = trained(ready, config, longer * source.seconds * options.scale, test)
    for task in chosen:
        truth = ready.exact[test, task]
        seen = np.isfinite(truth)
        if name == SINGLE:
            alone = only(ready, task)
            share = len(alone.known) / len(ready.known)
            seconds = max(LEAST_SECONDS, share * source.seconds) * options.scale
            own, spent = trained(alone, config, seconds, test)
            answer = own[:, 0]
        else:
            answer = told[:, task]
        known = ready.exact[ready.known, task]
        rows.append(
            {
                "table": table,
                "seed": seed,
                "contestant": name,
                "assay": ready.tasks.names[task],
                "assays": len(ready.tasks),
                "labels": int(np.isfinite(known).sum()),
                "actives": int(np.nansum(known)),
                "ROC-AUC": ROC_AUC.score(truth[seen], answer[seen]),
                **spent,
            }
        )
    print(name, table, np.mean([row["ROC-AUC"] for row in rows]), flush=True)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(rows))


def report(cells: pd.DataFrame) -> str:
    """ROC-AUC of each judged assay and contestant, and what it cost."""
    lines = [
        "ROC-AUC on the test fold (scaffold_balanced, 80/10/10), mean over seeds. All networks",
        "start from the shipped base, with the same rates and batches of 64, on one thread.",
        "",
    ]
    for table, part in cells.groupby("table", sort=False):
        names = [name for name in [*WEIGHING, SINGLE] if name in set(part["contestant"])]
        budget = SOURCES[str(table)].seconds
        assays = part["assays"].iloc[0]
        own = part[part["contestant"] == SINGLE]
        alone = ""
        if len(own):
            spent = own["cpu_seconds"]
            alone = f" One network each: {spent.mean():.0f} seconds an assay, {spent.sum():.0f} "
            alone += f"for the {len(own)} judged, {passes(part, True)} passes."
        lines += [
            f"## {table}: {assays} assays, {part['seed'].nunique()} seed(s)",
            "",
            f"All in one: {budget:.0f} CPU seconds, {budget / assays:.2f} an assay, or three "
            f"times as many; {passes(part, False)} passes over the molecules.{alone}",
            "",
            f"| assay | labels | active | {' | '.join(names)} |",
            f"|---|---:|---:|{'---:|' * len(names)}",
        ]
        scores = part.pivot_table(
            index=["assay", "labels", "actives"], columns="contestant", values="ROC-AUC"
        )[names].sort_index(level="labels")
        for (assay, labels, actives), row in scores.iterrows():
            lines.append(f"| {assay} | {labels} | {actives} | {cellwise(row)} |")
        lines += [f"| **mean** | | | {cellwise(scores.mean())} |", ""]
        if SINGLE in names:
            better = [f"{(scores[n] > scores[SINGLE]).sum()} of {len(scores)}" for n in names[:-1]]
            told = ", ".join(f"{name}: {won}" for name, won in zip(names[:-1], better, strict=True))
            lines += [f"Better than a network of its own: {told}.", ""]
    return "\n".join(lines)


def passes(part: pd.DataFrame, single: bool) -> str:
    """Epochs from the fewest to the most."""
    epochs = part.loc[(part["contestant"] == SINGLE) == single, "epochs"]
    ends = sorted({f"{epochs.min():.0f}", f"{epochs.max():.0f}"}, key=float)
    return " to ".join(ends)


def cellwise(row: pd.Series) -> str:
    """`0.712 | 0.698`."""
    return " | ".join(f"{value:.3f}" for value in row)


def main() -> None:
    """Train what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of MoleculeNet's tables")
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=list(SOURCES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=[*WEIGHING, SINGLE])
    parser.add_argument("--scale", type=float, default=1.0, help="of all CPU seconds, for a trial")
    options = parser.parse_args()
    options.cells.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed in options.seeds:
        for table in options.tables:
            for name in options.only:
                cells_of(table, seed, name, options)
    kept = sorted(options.cells.glob("*.json"))
    rows = pd.DataFrame([row for path in kept for row in json.loads(path.read_text())])
    with atomic_path(RESULTS / "skill_multitask.md") as path:
        path.write_text(report(rows))


if __name__ == "__main__":
    main()

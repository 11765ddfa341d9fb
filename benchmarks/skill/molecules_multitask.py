"""Are many sparse properties better learned in one network than each in its own?

    python benchmarks/skill/molecules_multitask.py /path/to/molecules --cells cells

ToxCast (617 assays) and MUV (17) are divided once (scaffold_balanced, stored). A network of all
assays learns for some CPU seconds, once for each way of weighing them, and is judged on some
assays from the fewest to the most labels. Each of these is also learned by a network of its
own, with the same rates and batches, which reads its molecules as often as the network of all
assays reads its own, but for at least `LEAST_SECONDS`: once from the shipped base, and once from
the encoder of the network of all assays. Nothing is chosen by a validation: all learn training
and validation fold at once. Each cell is kept as it is made. Writes results/skill_multitask.md.
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
from molecules.models.model import PropertyModel
from molecules.tasks import Tasks
from molecules.training.divisions import Division
from molecules.training.experiment import ExperimentConfig
from molecules.training.networks import make_model, with_shipped_weights
from molecules.training.objectives import PropertyLoss
from molecules.training.preparation import Prepared, open_table, prepare
from sciml.config import load_config, named_config
from sciml.files import atomic_path

RESULTS = Path(__file__).parents[1] / "results"
State = dict[str, torch.Tensor]
LEAST_SECONDS = 8.0
WEIGHING = {
    "all, labels alike": {"evenness": 0.0},
    "all, between": {"evenness": 0.5},
    "all, assays alike": {"evenness": 1.0},
    "all, learned weights": {"uncertainty": True},
}
SINGLE = "one network each"
AFTER = "all, then one network each"  # from the encoder of the first way of weighing
CONTESTANTS = (*WEIGHING, SINGLE, AFTER)


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
    least: int = 10


SOURCES = {
    "ToxCast": Source("toxcast_data.csv.gz", 23, 120),
    "MUV": Source("muv.csv.gz", 8, 300, least=2),
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
    ready: Prepared, config: ExperimentConfig, seconds: float, start: State | None = None
) -> tuple[PropertyModel, dict[str, Any]]:
    """A model that has learned all but the test fold, and what it took.

    Args:
        ready: the table.
        config: of the training.
        seconds: of CPU time.
        start: weights of the encoder; None for the base's.
    """
    known = ready.known
    model = make_model(ready, config, Division(known, known[:0]), 0, config.transfer)
    if start is not None:
        model.encoder.load_state_dict(start)
    loss = PropertyLoss(config.objective, ready.tasks, ready.labels[known])
    spent = learn(model, loss, ready.rows(known), config.training, seconds)
    return model, {"cpu_seconds": spent.cpu_seconds, "epochs": spent.epochs}


@torch.inference_mode()
def predicted(model: PropertyModel, data: MoleculeData) -> NDArray[np.float64]:
    """(row, task) probabilities."""
    blocks = [np.arange(i, min(i + 256, len(data))) for i in range(0, len(data), 256)]
    return np.concatenate([model.predict(data.__getitems__(rows)).numpy() for rows in blocks])


def cells_of(table: str, seed: int, name: str, options: argparse.Namespace) -> None:
    """Scores of one contestant on the judged assays, but for those that there are."""
    ready, config = prepared(table, options.folder, options.cells, seed)
    source = SOURCES[table]
    for task in judged(ready, source):
        assay = ready.tasks.names[task]
        path = cell_path(options.cells, table, seed, f"{name}-{assay}.json")
        if path.exists():
            continue
        if name in WEIGHING:
            model, spent = all_assays(table, seed, name, options)
            column = task
        else:
            start = None
            if name == AFTER:
                whole, _ = all_assays(table, seed, next(iter(WEIGHING)), options)
                start = whole.encoder.state_dict()
            alone = only(ready, task)
            share = len(alone.known) / len(ready.known)
            seconds = max(LEAST_SECONDS, share * source.seconds) * options.scale
            model, spent = trained(alone, config, seconds, start)
            column = 0
        known, test = ready.exact[ready.known, task], ready.folds["test"]
        tested = test[np.isfinite(ready.exact[test, task])]
        answer = predicted(model, ready.rows(tested))[:, column]
        row = {
            "table": table,
            "seed": seed,
            "contestant": name,
            "assay": assay,
            "assays": len(ready.tasks),
            "labels": int(np.isfinite(known).sum()),
            "actives": int(np.nansum(known)),
            "ROC-AUC": ROC_AUC.score(ready.exact[tested, task], answer),
            **spent,
        }
        print(f"{table}, {assay}, {name}: {row['ROC-AUC']:.3f}", flush=True)
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(row))


def all_assays(
    table: str, seed: int, name: str, options: argparse.Namespace
) -> tuple[PropertyModel, dict[str, Any]]:
    """The network of all assays, weighed in one way; kept as it is made."""
    ready, config = prepared(table, options.folder, options.cells, seed)
    update = {"evenness": 0.0, **WEIGHING[name]}
    objective = config.objective.model_copy(update=update)
    config = config.model_copy(update={"objective": objective})
    path = cell_path(options.cells, table, seed, f"{name}.pt")
    if path.exists():
        kept = torch.load(path)
        known = ready.known
        model = make_model(ready, config, Division(known, known[:0]), 0, config.transfer)
        model.load_state_dict(kept["model"])
        return model.eval(), kept["spent"]
    model, spent = trained(ready, config, SOURCES[table].seconds * options.scale)
    with atomic_path(path) as temporary:
        torch.save({"model": model.state_dict(), "spent": spent}, temporary)
    return model, spent


def cell_path(cells: Path, table: str, seed: int, name: str) -> Path:
    """Where something is kept that was made."""
    return cells / f"{table}-{seed}-{name}".replace(", ", "_").replace(" ", "_")


def report(cells: pd.DataFrame) -> str:
    """ROC-AUC of each judged assay and contestant, and what it cost."""
    lines = [
        "ROC-AUC on the test fold (scaffold_balanced, 80/10/10), mean over seeds. All networks",
        "have the shipped base's layers and learn with the same rates and batches of 64, on one",
        "thread. Intervals: 95 %, of the mean over assays drawn again 10,000 times.",
        "",
    ]
    for table, part in cells.groupby("table", sort=False):
        names = [name for name in CONTESTANTS if name in set(part["contestant"])]
        lines += [
            f"## {table}: {part['assays'].iloc[0]} assays, {part['seed'].nunique()} seed(s)",
            "",
            f"All in one: {SOURCES[str(table)].seconds:.0f} CPU seconds.",
            *(took(part, name) for name in names if name not in WEIGHING),
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
            others = [name for name in names if name != SINGLE]
            lines += [f"- {beside(scores[name], scores[SINGLE], name)}" for name in others]
            lines.append("")
    return "\n".join(lines)


def took(part: pd.DataFrame, name: str) -> str:
    """`One network each: 12 to 100 CPU seconds an assay, 5 to 31 passes over its molecules.`"""
    own = part[part["contestant"] == name]
    (fastest, slowest), (least, most) = (
        (own[column].min(), own[column].max()) for column in ("cpu_seconds", "epochs")
    )
    return (
        f"{name[0].upper()}{name[1:]}: {fastest:.0f} to {slowest:.0f} CPU seconds an assay, "
        f"{least:.0f} to {most:.0f} passes over its molecules."
    )


def beside(scores: pd.Series, alone: pd.Series, name: str) -> str:
    """How much better than a network of its own, over the assays."""
    gained = (scores - alone).dropna().to_numpy()
    draws = np.random.default_rng(0).choice(gained, (10_000, len(gained))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return (
        f"{name}: better than a network of its own on {(gained > 0).sum()} of {len(gained)}, "
        f"by {gained.mean():+.3f} in the mean ({low:+.3f} to {high:+.3f})."
    )


def cellwise(row: pd.Series) -> str:
    """`0.712 | 0.698`."""
    return " | ".join("" if np.isnan(value) else f"{value:.3f}" for value in row)


def main() -> None:
    """Train what is missing, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of MoleculeNet's tables")
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=list(SOURCES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", default=[*CONTESTANTS])
    parser.add_argument("--scale", type=float, default=1.0, help="of all CPU seconds, for a trial")
    options = parser.parse_args()
    options.cells.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed in options.seeds:
        for table in options.tables:
            for name in options.only:
                cells_of(table, seed, name, options)
    kept = sorted(options.cells.glob("*.json"))
    rows = pd.DataFrame([json.loads(path.read_text()) for path in kept])
    with atomic_path(RESULTS / "skill_multitask.md") as path:
        path.write_text(report(rows))


if __name__ == "__main__":
    main()

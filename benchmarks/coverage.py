"""Do 90 % intervals hold 90 %? Repeated splits of three public tables, test folds only.

    python benchmarks/coverage.py /path/to/moleculenet --splits 8

Writes results/coverage.csv and results/coverage.md: the share of measured values within
their intervals on random splits, and on scaffold splits by similarity to the training set.
"""

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from molecules.evaluation.coverage import coverage_by_similarity, within
from molecules.training.experiment import ExperimentConfig, fit_predictor, reads_fingerprints
from molecules.training.preparation import Prepared, open_table, prepare
from sciml.config import load_config, named_config

TABLES = {
    "ESOL": ("delaney-processed.csv", "measured log solubility in mols per litre", 10),
    "FreeSolv": ("SAMPL.csv", "expt", 14),
    "Lipophilicity": ("Lipophilicity.csv", "exp", 5),
}
CHEAP = [
    "transfer=null",
    "folds=5",
    "measure_gain=false",
    "model.backbone.kind=graph_network",
    "model.backbone.dim=32",
    "model.backbone.steps=2",
    "training.batch_size=64",
    "training.optimizer.lr=2e-3",
    "training.accelerator=cpu",
]
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Train on every split and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--splits", type=int, default=8)
    parser.add_argument("--kinds", nargs="+", default=["random", "scaffold_balanced"])
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    arguments = parser.parse_args()
    rows = []
    for split in arguments.kinds:
        for seed in range(arguments.splits):
            for name in arguments.tables:
                rows += covered(arguments.folder, name, split, seed)
                pd.DataFrame(rows).to_csv(RESULTS / "coverage.csv", index=False)
    (RESULTS / "coverage.md").write_text(report(pd.DataFrame(rows)), encoding="utf-8")


def covered(folder: Path, name: str, split: str, seed: int) -> list[dict[str, object]]:
    """Coverage on the test fold of one split, in all and by similarity."""
    file, target, epochs = TABLES[name]
    overrides = [*CHEAP, f"training.epochs={epochs}", f"training.seed={seed}"]
    chosen = [f"data.split={split}", f"data.seed={seed}"]
    config = load_config(
        ExperimentConfig, named_config("molecules", "small"), [*overrides, *chosen]
    )
    counts = reads_fingerprints(config)
    ready = prepare(open_table(folder / file), [target], config.data, with_fingerprints=counts)
    with tempfile.TemporaryDirectory() as run:
        predictor = fit_predictor(ready, config, Path(run))
    rows = ready.folds["test"]
    told = predictor.predict([ready.smiles[row] for row in rows])
    assert told.similarity is not None
    truth = ready.labels[rows, 0]
    lower, upper = told.lower[:, 0], told.upper[:, 0]
    held = within(truth, lower, upper)
    parts = coverage_by_similarity(name, held, upper - lower, told.similarity)
    extra = {"split": split, "seed": seed, "rmse": rmse(told.mean[:, 0], truth)}
    return [{**extra, **asdict(part), "validation": valid_rows(ready)} for part in parts]


def rmse(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.nanmean((predicted - truth) ** 2)))


def valid_rows(ready: Prepared) -> int:
    """How many molecules the intervals were learned from."""
    return len(ready.known)


def report(rows: pd.DataFrame) -> str:
    """A table of the shares over all splits together."""
    rows["held"] = (rows["share"] * rows["rows"]).round()
    rows["similarity"] = [f"{a:g}-{b:g}" for a, b in zip(rows["least"], rows["most"], strict=True)]
    keys = ["split", "task", "similarity"]
    total = rows.groupby(keys, sort=False)[["rows", "held"]].sum()
    width = rows.groupby(keys, sort=False)["width"].median()
    splits = rows.groupby(keys, sort=False)["seed"].nunique()
    lines = [
        "# Coverage of 90 % intervals",
        "",
        "Test folds of repeated splits, `small` with small networks from scratch: "
        f"`{' '.join(CHEAP)}`; written by `benchmarks/coverage.py`.",
        "",
        "| split | table | similarity to train | splits | molecules | held | median width |",
        "|---|---|---|---|---|---|---|",
    ]
    for key in total.index:
        share = total.loc[key, "held"] / total.loc[key, "rows"]
        lines.append(
            f"| {' | '.join(key)} | {splits[key]} | {total.loc[key, 'rows']} | {share:.1%} "
            f"| {width[key]:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

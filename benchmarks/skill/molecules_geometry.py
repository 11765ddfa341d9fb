"""Where does geometry matter? A network of bonds beside networks that see conformers.

    python benchmarks/skill/molecules_geometry.py /path/to/molecules --cells cells

Every contestant learns the same stored folds with one network for the same CPU seconds on one
thread, all but the test fold at once, and nothing is chosen by a validation. Energies are
learned as sums over atoms (`pooling: extensive`), and once as anything else is. Each cell is
kept as it is made. Writes results/skill_geometry.md.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from molecules_training import Spent, learn
from rdkit import Chem, rdBase

from molecules.evaluation.baselines import FOREST
from molecules.experts.forest import Forest
from molecules.files.table import Table, iter_library, read_table
from molecules.models.model import ENCODER, EncoderModel
from molecules.prediction.reading import sees_conformers
from molecules.pretraining.experiment import PretrainConfig
from molecules.pretraining.library import Library, Wanted, make_library
from molecules.pretraining.objective import Pretraining
from molecules.training.divisions import Division
from molecules.training.experiment import ExperimentConfig
from molecules.training.inputs import TableInputs
from molecules.training.networks import make_model, with_shipped_weights
from molecules.training.objectives import PropertyLoss
from molecules.training.preparation import Prepared, prepare
from sciml.config import load_config, named_config
from sciml.files import atomic_path, write_text
from sciml.model_file import save_tensors

RESULTS = Path(__file__).parents[1] / "results"
QM7_ROWS = 5490  # behind these the file's labels do not belong to its molecules
UNLABELLED = {"qm9_smiles": 4000, "zinc250k_smiles": 1500}  # molecules to denoise
PRETRAINING_SECONDS = 180.0
SEES = ["model.geometry=both"]
GRAPH, CONFORMERS, DENOISED = "graph, base", "conformers, fresh", "conformers, denoised"
PLAIN = "graph, base, no sum over atoms"


def qm7(folder: Path) -> Table:
    """Atomization energies of small molecules (Rupp et al. 2012), as SMILES."""
    table = read_table(folder / "moleculenet" / "qm7.csv.gz")
    return replace(table, frame=table.frame.head(QM7_ROWS))


def gdb1k(folder: Path) -> Table:
    """A thousand such molecules with the geometries that the energies are of."""
    file = folder / "conformers" / "gdb1k.sdf.gz"
    table = read_table(file)
    energies = iter(pd.read_csv(folder / "conformers" / "gdb1k.sdf.csv")["atomization_energy"])
    with gzip.open(file) as stream, rdBase.BlockLogs():
        records = Chem.ForwardSDMolSupplier(stream, sanitize=False, removeHs=False)
        whole = [Chem.SanitizeMol(record, catchErrors=True) == 0 for record in records]
    frame = table.frame.assign(u0_atom=[str(next(energies)) if use else "" for use in whole])
    return replace(table, frame=frame)


def freesolv(folder: Path) -> Table:
    """Hydration free energies, with geometries."""
    return read_table(folder / "conformers" / "freesolv_3d.sdf.gz")


def esol(folder: Path) -> Table:
    """Solubilities."""
    return read_table(folder / "moleculenet" / "delaney-processed.csv")


@dataclass(frozen=True)
class Source:
    """A table: how it is read, what is learned, for how long."""

    read: Callable[[Path], Table]
    target: str
    unit: str
    seconds: float
    energy: bool = False
    splits: tuple[str, ...] = ("random",)


BOTH = ("random", "scaffold_balanced")
SOURCES = {
    "QM7": Source(qm7, "u0_atom", "kcal/mol", 60, energy=True),
    "GDB-1k, own geometries": Source(gdb1k, "u0_atom", "kcal/mol", 20, energy=True),
    "FreeSolv, own geometries": Source(freesolv, "expt", "kcal/mol", 20, splits=BOTH),
    "ESOL": Source(
        esol, "measured log solubility in mols per litre", "log10 mol/L", 20, splits=BOTH
    ),
}


def options_of(name: str, source: Source, denoised: Path) -> tuple[str, list[str]]:
    """Configuration of a contestant, and what it changes."""
    summed = ["model.pooling=extensive"] if source.energy and name != PLAIN else []
    if name.startswith("graph"):
        return "fast", [*summed, *(["model.dropout=0.0"] if summed else [])]
    if name == CONFORMERS:
        return "energies" if source.energy else "small_transformer", [*SEES, *summed]
    start = [f"transfer.checkpoint={denoised}", "training.optimizer.lr=1e-3"]
    return "finetune", [*SEES, *summed, *start]


def contestants(source: Source) -> list[str]:
    """Networks in the order in which they are trained, and the forest."""
    return [GRAPH, CONFORMERS, DENOISED, *([PLAIN] if source.energy else []), FOREST]


def cell(table: str, split: str, seed: int, name: str, options: argparse.Namespace) -> None:
    """Train a contestant on one division, unless that is done, and keep its errors."""
    path = options.cells / f"{table}-{split}-{seed}-{name}.json".replace(", ", "_")
    if path.exists():
        return
    source = SOURCES[table]
    ready, config = ready_for(table, split, seed, name, options)
    test, began = ready.folds["test"], time.process_time()
    spent: dict[str, Any] = {}
    if name == FOREST:
        predicted = forest(ready, seed)
    else:
        predicted, learned = network(ready, config, source.seconds * options.scale)
        spent = {"steps": learned.steps, "epochs": learned.epochs}
    error = predicted - ready.exact[test, 0]
    row = {
        "table": table,
        "split": split,
        "seed": seed,
        "contestant": name,
        "unit": source.unit,
        "MAE": float(np.nanmean(np.abs(error))),
        "RMSE": float(np.sqrt(np.nanmean(error**2))),
        "molecules": len(test),
        "cpu_seconds": time.process_time() - began,
        **spent,
    }
    print(row, flush=True)
    write_text(path, json.dumps(row))


def ready_for(
    table: str, split: str, seed: int, name: str, options: argparse.Namespace
) -> tuple[Prepared, ExperimentConfig]:
    """The table in its stored folds, as a contestant sees it."""
    config_name, overrides = options_of(
        name, SOURCES[table], options.cells / "denoised.safetensors"
    )
    seeds = [f"data.seed={seed}", f"training.seed={seed}", f"data.split={split}"]
    cache = [f"data.cache={options.cells / 'cache'}", "training.accelerator=cpu"]
    folds = options.cells / f"{table}-{split}-{seed}.folds"
    stored = [f"data.split_file={folds}"] if folds.exists() else []
    config = load_config(
        ExperimentConfig,
        named_config("molecules", config_name),
        [*overrides, *seeds, *cache, *stored],
    )
    config = with_shipped_weights(config)
    source = SOURCES[table]
    sees = sees_conformers(config.model)
    counts = name == FOREST
    ready = prepare(source.read(options.folder), [source.target], config.data, sees, counts)
    if not stored:
        with atomic_path(folds) as temporary:
            rows = {fold: found.tolist() for fold, found in ready.folds.items()}
            temporary.write_text(json.dumps(rows), encoding="utf-8")
    return ready, config


def network(
    ready: Prepared, config: ExperimentConfig, seconds: float
) -> tuple[np.ndarray[Any, Any], Spent]:
    """Train on all but the test fold; predictions of that."""
    known, data = ready.known, ready.rows(ready.folds["test"])
    model = make_model(ready, config, Division(known, known[:0]), 0, config.transfer)
    loss = PropertyLoss(config.objective, ready.tasks, ready.labels[known])
    spent = learn(model, loss, ready.rows(known), config.training, seconds)
    with torch.inference_mode():
        told = model.predict(data.__getitems__(np.arange(len(data))))
    return told[:, 0].double().numpy(), spent


def forest(ready: Prepared, seed: int) -> np.ndarray[Any, Any]:
    """Learned from all but the test fold, as `molecules train` compares with; predictions."""
    known, test = ready.known, ready.folds["test"]
    labels, weights = ready.labels[known], ready.weights[known]
    inputs = TableInputs.of(ready, np.concatenate([known, test]))
    grown = Forest.fit(inputs[known], labels, weights, ready.tasks, seed)
    return grown.predict(inputs[test])[:, 0]


def denoise(options: argparse.Namespace) -> None:
    """Pre-train the transformer once: hidden atoms, and the noise of conformers."""
    path = options.cells / "denoised.safetensors"
    if path.exists():
        return
    config = load_config(PretrainConfig, named_config("molecules", "pretrain"), [])
    library = unlabelled(options)
    torch.manual_seed(0)
    model = EncoderModel(config.model)
    encoder = model.encoder
    objective = Pretraining(config.objective, encoder.backbone.out_dim, encoder.dim)
    spent = learn(model, objective, library, config.training, PRETRAINING_SECONDS * options.scale)
    told = {"molecules": len(library), "steps": spent.steps, "loss": spent.loss}
    print(told, flush=True)
    save_tensors(path, model.state_dict(), ENCODER, config.model, told)


def unlabelled(options: argparse.Namespace) -> Library:
    """Molecules with conformers, and no labels."""
    smiles: list[str] = []
    for name, count in UNLABELLED.items():
        parts = iter_library(options.folder / "pretrain" / f"{name}.parquet")
        found = [text for part in parts for text in part.smiles]
        chosen = np.random.default_rng(0).permutation(len(found))[:count]
        smiles += [found[row] for row in np.sort(chosen)]
    return make_library(smiles, options.cells / "cache", 100, False, Wanted(0))


def report(cells: pd.DataFrame) -> str:
    """Mean errors on the test folds, and their range over seeds."""
    lines = [
        "Errors on the test folds (80/10/10; networks learn the training and the validation fold),",
        "mean and range over seeds, of one network each after the same CPU seconds on one thread.",
        f"`conformers, denoised` starts from {PRETRAINING_SECONDS:.0f} CPU seconds more, spent",
        f"once on conformers of {sum(UNLABELLED.values()):,} molecules of QM9 and ZINC, without",
        "labels.",
        "Conformers are made from SMILES by ETKDG and MMFF, but where the file's own are named;",
        "the seconds that takes, and those of the shipped base, are not counted.",
        "",
        "| table, split | contestant | seeds | MAE | RMSE | unit | CPU s | epochs |",
        "|---|---|---:|---|---|---|---:|---:|",
    ]
    order = list(SOURCES)
    for (table, split), part in sorted(
        cells.groupby(["table", "split"]), key=lambda entry: order.index(entry[0][0])
    ):
        for name in contestants(SOURCES[table]):
            rows = part[part["contestant"] == name]
            if len(rows):
                errors = " | ".join(ranged(rows[metric]) for metric in ("MAE", "RMSE"))
                epochs = rows["epochs"].mean()
                lines.append(
                    f"| {table}, {split} | {name} | {len(rows)} | {errors} | "
                    f"{rows['unit'].iloc[0]} | {rows['cpu_seconds'].mean():.0f} | "
                    f"{'' if np.isnan(epochs) else f'{epochs:.0f}'} |"
                )
    lines += ["", against(cells, DENOISED, GRAPH), "", against(cells, DENOISED, CONFORMERS)]
    return "\n".join(lines) + "\n"


def against(cells: pd.DataFrame, one: str, other: str) -> str:
    """On which tables one contestant errs less than another on the mean over seeds, and more."""
    means = cells.pivot_table(index=["table", "split"], columns="contestant", values="MAE")
    told: dict[bool, list[str]] = {True: [], False: []}
    for (table, split), row in means.reindex(columns=[one, other]).dropna().iterrows():
        figures = f"{table}, {split} ({row[one]:.3g} and {row[other]:.3g})"
        told[bool(row[one] < row[other])].append(figures)
    less, more = ("; ".join(told[which]) or "none" for which in (True, False))
    return f"`{one}` has a lower MAE than `{other}` on: {less}. Not on: {more}."


def ranged(values: pd.Series) -> str:
    """`1.2 (1.1-1.3)`."""
    if len(values) == 1:
        return f"{values.iloc[0]:.3g}"
    return f"{values.mean():.3g} ({values.min():.3g}-{values.max():.3g})"


def main() -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=list(SOURCES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", help="contestants; default all")
    parser.add_argument("--scale", type=float, default=1.0, help="of all CPU seconds, for a trial")
    options = parser.parse_args()
    options.cells.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    denoise(options)
    for seed in options.seeds:
        for table in options.tables:
            for split in SOURCES[table].splits:
                for name in options.only or contestants(SOURCES[table]):
                    if name in contestants(SOURCES[table]):
                        cell(table, split, seed, name, options)
    cells = pd.DataFrame([json.loads(p.read_text()) for p in sorted(options.cells.glob("*.json"))])
    with atomic_path(RESULTS / "skill_geometry.md") as path:
        path.write_text(report(cells.reindex(columns=[*cells, *{"epochs"} - set(cells)])))


if __name__ == "__main__":
    main()

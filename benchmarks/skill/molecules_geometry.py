"""Where does geometry matter? Networks that see bonds beside networks that see conformers.

    python benchmarks/skill/molecules_geometry.py /path/to/molecules --cells cells

Every contestant learns the same random folds with one network. Conformers are ETKDG and
MMFF's, made from SMILES; pre-training by denoising takes those of QM9's molecules. Each
cell is kept as it is done. Writes results/skill_geometry.md.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from molecules.pretraining.experiment import PretrainConfig, pretrain
from molecules.training.experiment import ExperimentConfig, fit_predictor
from molecules.training.preparation import open_table, prepare
from sciml.config import load_config, named_config
from sciml.files import atomic_path

RESULTS = Path(__file__).parents[1] / "results"
TABLES = {
    "QM7": ("moleculenet/qm7.csv.gz", "u0_atom", "kcal/mol"),
    "FreeSolv": ("moleculenet/SAMPL.csv", "expt", "kcal/mol"),
    "ESOL": (
        "moleculenet/delaney-processed.csv",
        "measured log solubility in mols per litre",
        "log10 mol/L",
    ),
}
GRAPH = [
    "transfer=null",
    "folds=1",
    "experts=[]",
    "measure_gain=false",
    "model.dropout=0",
    "training.max_steps=null",
    "training.optimizer.rates={}",
]
SEES = ["model.geometry=both"]
TRANSFORMER = ["model.backbone.dim=64"]
CONTESTANTS: dict[str, tuple[str, list[str]]] = {
    "graph network, bonds": ("small", GRAPH),
    "transformer, bonds": ("small_transformer", TRANSFORMER),
    "transformer, conformers": ("small_transformer", [*TRANSFORMER, *SEES]),
    "transformer, conformers, denoised": ("small_transformer", [*TRANSFORMER, *SEES]),
}
PRETRAINED = "denoised"


def main() -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--unlabelled", type=int, default=20_000, help="molecules to denoise")
    arguments = parser.parse_args()
    for seed in range(arguments.seeds):
        for table in arguments.tables:
            for name in CONTESTANTS:
                cell(name, table, seed, arguments)
    cells = [json.loads(path.read_text()) for path in sorted(arguments.cells.glob("*.json"))]
    (RESULTS / "skill_geometry.md").write_text(report(pd.DataFrame(cells)), encoding="utf-8")


def cell(name: str, table: str, seed: int, arguments: argparse.Namespace) -> None:
    """Train one contestant on one division, unless that is done."""
    path = arguments.cells / f"{table}-{name.replace(', ', '-').replace(' ', '_')}-{seed}.json"
    if path.exists():
        return
    config_name, overrides = CONTESTANTS[name]
    if PRETRAINED in name:
        overrides = [*overrides, *from_denoising(arguments)]
    file, target, unit = TABLES[table]
    config = load_config(
        ExperimentConfig,
        named_config("molecules", config_name),
        [
            *overrides,
            f"data.seed={seed}",
            f"training.seed={seed}",
            f"training.epochs={arguments.epochs}",
            f"data.cache={arguments.cells / 'cache'}",
        ],
    )
    sees = "transformer, conformers" in name
    ready = prepare(open_table(arguments.folder / file), [target], config.data, sees)
    run = arguments.cells / path.stem
    run.mkdir(parents=True, exist_ok=True)
    predictor = fit_predictor(ready, config, run)
    test = ready.folds["test"]
    told = predictor.predict([ready.smiles[row] for row in test], domain=False).mean[:, 0]
    error = told - ready.exact[test, 0]
    row: dict[str, Any] = {
        "table": table,
        "contestant": name,
        "seed": seed,
        "unit": unit,
        "MAE": float(np.nanmean(np.abs(error))),
        "RMSE": float(np.sqrt(np.nanmean(error**2))),
        "epochs": arguments.epochs,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(row), encoding="utf-8")


def from_denoising(arguments: argparse.Namespace) -> list[str]:
    """Pre-train once on conformers of QM9's molecules; what makes a training start there."""
    run = arguments.cells / "denoising"
    model = run / "model.safetensors"
    if not model.exists():
        config = load_config(
            PretrainConfig,
            named_config("molecules", "pretrain"),
            [
                *TRANSFORMER,
                f"data.rows={arguments.unlabelled}",
                f"data.cache={arguments.cells / 'cache'}",
            ],
        )
        source = arguments.folder / "pretrain" / "qm9_smiles.parquet"
        pretrain([source], config, run, resume=run.exists())
    anew = 'transfer.anew=["head.*", "encoder.readout.*"]'
    return [f"transfer.checkpoint={model}", anew]


def report(cells: pd.DataFrame) -> str:
    """Mean errors on the test folds, and their range over seeds."""
    lines = [
        "Errors on the test folds of random divisions (80/10/10), mean and range over seeds, of",
        "one network each. Conformers: ETKDG and MMFF, from SMILES; `denoised`: pre-trained on",
        "those of QM9's molecules without labels (masked atoms, and noise told).",
        "",
        "| table | contestant | seeds | MAE | RMSE | unit |",
        "|---|---|---:|---|---|---|",
    ]
    for (table, name), rows in cells.groupby(["table", "contestant"], sort=False):
        errors = [
            f"{rows[m].mean():.3g} ({rows[m].min():.3g}-{rows[m].max():.3g})"
            for m in ("MAE", "RMSE")
        ]
        unit = rows["unit"].iloc[0]
        lines.append(f"| {table} | {name} | {len(rows)} | {errors[0]} | {errors[1]} | {unit} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

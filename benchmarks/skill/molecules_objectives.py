"""What each objective of pre-training adds, for the same CPU seconds.

    python benchmarks/skill/molecules_objectives.py /path/to/molecules               # 150 s each
    python benchmarks/skill/molecules_objectives.py /path/to/molecules --only contrast
    python benchmarks/skill/molecules_objectives.py /path/to/molecules --only 'the shipped base'

Encoders of the shipped base's size learn from the same molecules of ChEMBL, ZINC 250k and QM9,
one set of objectives each. What their vectors are worth, frozen, is asked of support vector
machines on seven tables that the skill benchmark does not use, out of five folds by framework.
The shipped base, RDKit's descriptors and a forest stand beside them.
Results are added to those in `results/skill_objectives.json`, which
`results/skill_objectives.md` shows.
"""

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from molecules_features import molecular_features
from molecules_training import Spent, learn
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from molecules.evaluation.splits import cross_folds
from molecules.features.descriptors import descriptors
from molecules.features.features import featurize
from molecules.files.table import iter_library
from molecules.models.model import EncoderModel
from molecules.prediction.embedder import Embedder
from molecules.prediction.reading import ReadingConfig
from molecules.pretraining.experiment import PretrainConfig
from molecules.pretraining.generators import in_tokens, make_generator
from molecules.pretraining.library import Library, Wanted, make_library
from molecules.pretraining.objective import Pretraining
from molecules.pretraining.winsorize import Winsorizer
from sciml.config import load_config, named_config

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
MOLECULES, CONFORMERS = 20_480, 8_192
SOURCES = ("chembl_smiles", "zinc250k_smiles", "qm9_smiles")
BASE = {"descriptors": 1.0, "environments": 0.1}
OBJECTIVES: dict[str, dict[str, float]] = {
    "fresh weights": {},
    "masked atoms and bonds": {"masked_atoms": 1.0},
    "distances": {"distances": 1.0},
    "contrast": {"contrast": 1.0},
    "selfies": {"selfies": 1.0},
    "environments": {"environments": 0.1},
    "descriptors": {"descriptors": 1.0},
    "descriptors, environments": BASE,
    "the two, masked": BASE | {"masked_atoms": 0.1},
    "the two, distances": BASE | {"distances": 0.1},
    "the two, contrast": BASE | {"contrast": 0.1},
    "the two, selfies": BASE | {"selfies": 0.1},
}
READ, FOREST = "RDKit's descriptors", "these and Morgan counts, a forest"
SHIPPED = "the shipped base"
FROZEN = {READ: 0.0, FOREST: 0.0, SHIPPED: 4440.0}  # CPU seconds of training, as its card says
TREES, SHARE = 500, {True: 1 / 3, False: "sqrt"}  # as `forest` of the skill benchmark
MOST = 1200  # molecules of a table
Table = tuple[list[str], NDArray[np.float64], bool]
Result = dict[str, Any]


def tables(folder: Path) -> dict[str, Table]:
    """SMILES, labels, and whether these are quantities."""
    found = {"log BB": _read(folder / "admet" / "B3DB_regression.tsv.gz", "SMILES", "logBB")}
    for name in ("ppb_reg", "logd_reg", "water_sol_reg", "ames_cls", "bbb_cls"):
        path = folder / "admet" / f"pharmabench_{name}.csv.gz"
        found[name] = _read(path, "Smiles_unify", "value", name.endswith("_reg"))
    malaria = folder / "screening" / "malaria-processed.csv.gz"
    return found | {"malaria": _read(malaria, "smiles", "activity")}


def _read(path: Path, smiles: str, label: str, quantity: bool = True) -> Table:
    frame = pd.read_csv(path, sep="\t" if ".tsv" in path.name else ",")[[smiles, label]].dropna()
    frame = frame.sample(min(MOST, len(frame)), random_state=0)
    rows = featurize(frame[smiles].tolist()).rows
    frame = frame.iloc[rows]
    return frame[smiles].tolist(), frame[label].to_numpy(float), quantity


def worth(vectors: NDArray[np.floating], table: Table, forest: bool = False) -> float:
    """R² or ROC-AUC of support vector machines, or a forest, on vectors; out of fold."""
    smiles, labels, quantity = table
    told = np.zeros(len(labels))
    make = _forest if forest else _machine
    for fold in cross_folds("scaffold_balanced", smiles, 5, 0):
        known = np.setdiff1d(np.arange(len(labels)), fold)
        mean, spread = (labels[known].mean(), labels[known].std()) if quantity else (0.0, 1.0)
        fitted = make(quantity, vectors.shape[1])
        fitted.fit(vectors[known], (labels[known] - mean) / spread)
        score = fitted.predict if quantity else partial(_sureness, fitted)
        told[fold] = score(vectors[fold]) * spread + mean
    return float((r2_score if quantity else roc_auc_score)(labels, told))


def _machine(quantity: bool, channels: int) -> Any:
    gamma = 0.3 / channels
    machine = SVR(C=3, epsilon=0.1, gamma=gamma) if quantity else SVC(C=2, gamma=gamma)
    return make_pipeline(StandardScaler(), machine)


def _forest(quantity: bool, channels: int) -> Any:
    made = RandomForestRegressor if quantity else RandomForestClassifier
    return made(TREES, max_features=SHARE[quantity], n_jobs=1, random_state=0)


def _sureness(fitted: Any, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """That a label is 1, on any scale."""
    if hasattr(fitted, "decision_function"):
        return np.asarray(fitted.decision_function(vectors))
    return np.asarray(fitted.predict_proba(vectors)[:, 1])


def contest(name: str, options: argparse.Namespace, library: Library) -> Result:
    """Pre-train with some objectives, and score the frozen encoder."""
    weights = {"masked_atoms": 0.0} | OBJECTIVES[name]
    overrides = [f"objective.{key}={value}" for key, value in weights.items()]
    config = load_config(PretrainConfig, named_config("molecules", "base"), overrides)
    if not OBJECTIVES[name]:
        torch.manual_seed(0)
        model, spent = EncoderModel(config.model), Spent(0, 0.0, 0.0, 0.0)
    else:
        model, spent = pretrained(config, library, options.seconds)
    embedder = Embedder(ReadingConfig(model=config.model), [model.encoder])
    found = {
        table: worth(embedder.embed(known[0]).vectors, known)
        for table, known in tables(options.folder).items()
    }
    seconds = options.seconds if OBJECTIVES[name] else 0.0
    return {"name": name, "seconds": seconds, **vars(spent), "scores": found}


def pretrained(
    config: PretrainConfig, library: Library, seconds: float
) -> tuple[EncoderModel, Spent]:
    """An encoder after so many CPU seconds, reading of batches included."""
    torch.manual_seed(0)
    model = EncoderModel(config.model)
    if config.objective.selfies:
        library, vocabulary, _ = in_tokens(library, config.decoder)
        model = make_generator(
            library, vocabulary, config.model, config.decoder, config.data.max_atoms
        )
    sample = [part.targets.descriptors for part in library.parts if part.targets is not None]
    winsorizer = Winsorizer.fit(np.concatenate(sample))
    encoder = model.encoder
    objective = Pretraining(config.objective, encoder.backbone.out_dim, encoder.dim, winsorizer)
    spent = learn(model, objective, library, config.training, seconds)
    return model, spent


def frozen(name: str, options: argparse.Namespace) -> Result:
    """What needs no training here: the shipped base, or computed features in its place."""
    found = {}
    for table, known in tables(options.folder).items():
        if name == SHIPPED:
            vectors = Embedder.load("base").embed(known[0]).vectors
        elif name == FOREST:
            vectors = molecular_features(known[0])
        else:
            values = np.nan_to_num(descriptors(known[0], 1).astype(np.float64))
            vectors = np.sign(values) * np.log1p(np.abs(values))
        found[table] = worth(vectors, known, name == FOREST)
    return {"name": name, "seconds": FROZEN[name], "steps": 0, "epochs": 0.0, "scores": found}


def unlabelled(options: argparse.Namespace) -> Library:
    """Molecules with all that an objective may ask for."""
    smiles: list[str] = []
    for name in SOURCES:
        for part in iter_library(options.folder / "pretrain" / f"{name}.parquet"):
            smiles += part.smiles
    order = np.random.default_rng(0).permutation(len(smiles))[:MOLECULES]
    chosen = [smiles[row] for row in order]
    return make_library(
        chosen, options.cache, 100, True, Wanted(0, CONFORMERS), options.processes, texts=True
    )


HEADING = f"""\
What objectives of pre-training are worth for the same CPU seconds of one thread: the shipped base's
network (1.18 M parameters) learned from {MOLECULES:,} molecules of ChEMBL, ZINC 250k and QM9, of
which {CONFORMERS:,} have a conformer, and its frozen vectors went to support vector machines, five
folds by framework, up to {MOST:,} molecules a table. R² or ROC-AUC (`_cls`), and their mean. `the
two` are descriptors and environments, which the shipped base learned. One seed. Time for
descriptors (5 ms a molecule) and conformers (90 ms) is not counted. Objectives that read a molecule
a second time leave half of the steps, and all share one clipped gradient: what this shows holds for
minutes, not for weeks of training. The shipped base learned from 18 times as many molecules; the
forest ({TREES} trees) is that of the skill benchmark.

"""


def table_of(results: Sequence[Result]) -> str:
    """The results in Markdown, the best mean last within a budget."""
    names = list(results[0]["scores"])
    lines = [
        f"| objectives | CPU s | steps | {' | '.join(names)} | mean |",
        "|---|---:|---:|" + "---:|" * (len(names) + 1),
    ]
    for r in sorted(results, key=lambda r: (r["seconds"], _mean(r))):
        scores = " | ".join(f"{r['scores'][name]:.3f}" for name in names)
        lines.append(
            f"| {r['name']} | {r['seconds']:.0f} | {r['steps']:,} | {scores} | {_mean(r):.3f} |"
        )
    return "\n".join(lines) + "\n"


def _mean(result: Result) -> float:
    return float(np.mean(list(result["scores"].values())))


def keep(result: Result) -> None:
    """Add a result to the file, in place of an earlier one of the same name and seconds."""
    path = RESULTS / "skill_objectives.json"
    results: list[Result] = json.loads(path.read_text()) if path.exists() else []
    same = ("name", "seconds")
    results = [r for r in results if any(r[key] != result[key] for key in same)] + [result]
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    (RESULTS / "skill_objectives.md").write_text(HEADING + table_of(results))


def main() -> None:
    """Train, score and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the molecule data")
    parser.add_argument("--only", nargs="+", default=[*FROZEN, *OBJECTIVES], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=150.0, help="of CPU time")
    parser.add_argument("--cache", type=Path, default=HERE / ".data" / "objectives")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    library = unlabelled(options) if set(options.only) - set(FROZEN) else None
    for name in options.only:
        made = (
            contest(name, options, library)
            if library and name not in FROZEN
            else frozen(name, options)
        )
        keep(made)
        print(table_of([made]).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()

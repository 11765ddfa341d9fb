"""What `--precision bfloat16` saves of a screen, and what it changes.

    python benchmarks/precision.py MODEL LIBRARY

On the same random molecules, in one process on one thread and in turns: parsing by RDKit, and
predictions in both precisions; CPU seconds, the best of three. Then how far the predictions
differ, and how many of the best hundred are the same. Writes results/precision.json and .md.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from turns import rates

from molecules.files.table import iter_library
from molecules.prediction.predictor import PropertyPredictor
from sciml.machine import has_bfloat16

RESULTS = Path(__file__).parent / "results"
SAMPLE = 8192
BEST = 100


def measured(model: Path, library: str) -> dict[str, Any]:
    """Molecules per CPU second, and the differences."""
    smiles = next(iter_library(library, SAMPLE)).smiles
    exact = PropertyPredictor.load(model)
    near = PropertyPredictor.load(model, precision="bfloat16")
    told: dict[str, Any] = {}

    def predict(name: str, predictor: PropertyPredictor) -> None:
        told[name] = predictor.predict(smiles).mean[:, 0]

    stages = {
        "float32": lambda: predict("float32", exact),
        "bfloat16": lambda: predict("bfloat16", near),
    }
    found = rates(smiles, stages)
    return found | agreement(told["float32"], told["bfloat16"])


def agreement(exact: np.ndarray, near: np.ndarray) -> dict[str, float]:
    """How alike two predictions of the same molecules are."""
    known = np.isfinite(exact)
    a, b = exact[known], near[known]
    best = [set(np.argsort(-values, kind="stable")[:BEST].tolist()) for values in (a, b)]
    return {
        "RMS difference, in standard deviations of the predictions": float(
            np.sqrt(np.mean((a - b) ** 2)) / a.std()
        ),
        "Spearman": float(spearmanr(a, b)[0]),
        f"of the best {BEST}, the same": len(best[0] & best[1]),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("library")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = measured(options.model, options.library)
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "python": platform.python_version(),
        "torch": torch.__version__, "machine": platform.machine(), "cores": os.cpu_count(),
        "bfloat16 in hardware": has_bfloat16(), "library": Path(options.library).name,
    }  # fmt: skip
    (RESULTS / "precision.json").write_text(json.dumps(facts | rows, indent=1) + "\n")
    ratio = rows["bfloat16"] / rows["float32"]
    lines = [", ".join(f"{key} {value}" for key, value in facts.items()), "", "| what | |"]
    lines += ["|---|---:|"] + [f"| {name} | {value:,.5g} |" for name, value in rows.items()]
    lines += [f"| bfloat16 over float32 | {ratio:.2f} |"]
    (RESULTS / "precision.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

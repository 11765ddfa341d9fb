"""How many molecules a CPU second the shipped base embeds, beside RDKit's parser.

    python benchmarks/embed.py chembl_smiles.parquet

On the same random molecules, in one process on one thread and in turns: parsing by RDKit, and
SMILES to vectors in both precisions; CPU seconds, the best of three. Then how far the vectors
differ. Writes results/embed.json and .md.
"""

import argparse
import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from turns import PARSER, rates

from molecules.prediction.embedder import Embedder
from sciml.machine import has_bfloat16

RESULTS = Path(__file__).parent / "results"
SAMPLE = 4096


def sample(library: Path) -> list[str]:
    """Random SMILES of a Parquet file."""
    table = pq.read_table(library)  # type: ignore[no-untyped-call]
    rows = np.random.default_rng(0).permutation(len(table))[:SAMPLE]
    return [str(text) for text in table.column(0).take(rows).to_pylist()]


def measured(smiles: list[str]) -> dict[str, float]:
    """Molecules per CPU second, and the difference."""
    exact, near = Embedder.load("base"), Embedder.load("base", precision="bfloat16")
    told: dict[str, np.ndarray] = {}

    def embed(name: str, embedder: Embedder) -> None:
        told[name] = embedder.embed(smiles).vectors

    stages = {
        "float32": lambda: embed("float32", exact),
        "bfloat16": lambda: embed("bfloat16", near),
    }
    found = rates(smiles, stages)
    a, b = told["float32"], told["bfloat16"]
    away = float(np.sqrt(np.nanmean((a - b) ** 2)) / np.sqrt(np.nanvar(a, axis=0).mean()))
    return found | {"RMS difference, in standard deviations of the vectors": away}


def figure(value: float) -> str:
    """Whole molecules; of small numbers three digits."""
    return f"{value:,.0f}" if value > 1 else f"{value:.3g}"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = measured(sample(options.library))
    facts: dict[str, Any] = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "python": platform.python_version(),
        "torch": torch.__version__, "machine": platform.machine(), "cores": os.cpu_count(),
        "bfloat16 in hardware": has_bfloat16(), "library": options.library.name,
        "molecules": SAMPLE,
    }  # fmt: skip
    (RESULTS / "embed.json").write_text(json.dumps(facts | rows, indent=1) + "\n")
    lines = [", ".join(f"{key} {value}" for key, value in facts.items()), ""]
    lines += ["| molecules a CPU second | |", "|---|---:|"]
    lines += [f"| {name} | {figure(value)} |" for name, value in rows.items()]
    lines += [f"| float32 over RDKit | {rows['float32'] / rows[PARSER]:.3f} |"]
    (RESULTS / "embed.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

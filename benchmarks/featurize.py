"""From SMILES to graphs: CPU time beside RDKit's own parser, and beside cuik-molmaker.

    python benchmarks/featurize.py LIBRARY [--rows 5000] [--peers benchmarks/.peers]

Each contestant lives in its own environment with the RDKit it is tied to, and is compared
with that RDKit's `MolFromSmiles` on the same random molecules. They take turns (see
workers/protocol.py), on one thread each; a ratio is that of the smallest CPU seconds.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from speed import HERE, Contestant, worker

from molecules.files.table import read_table

WORKS = ("parse", "featurize")


def sample(library: str, rows: int, path: Path) -> None:
    """Write random molecules of a table, one a line."""
    smiles = [text for text in read_table(library).smiles if text]
    chosen = np.random.default_rng(0).permutation(len(smiles))[:rows]
    path.write_text("\n".join(smiles[row] for row in chosen), encoding="utf-8")


def compare(molecules: Path, peers: Path, rounds: int) -> list[dict[str, object]]:
    """All contestants in turns."""
    found = [Contestant.start("ours", Path(sys.executable), arguments("featurize_ours", molecules))]
    python = peers / "cuik" / "bin" / "python"
    if python.exists():
        arguments_there = arguments("featurize_cuik", molecules)
        found.append(Contestant.start("cuik-molmaker", python, arguments_there))
    else:
        print(f"cuik-molmaker left out, no {python}", file=sys.stderr)
    for _ in range(rounds):
        for work in WORKS:
            for contestant in found:
                contestant.step(work)
    for contestant in found:
        contestant.process.communicate()
    return [row(contestant) for contestant in found]


def arguments(name: str, molecules: Path) -> list[str]:
    """A worker and the file it reads."""
    return [worker(name), str(molecules)]


def row(contestant: Contestant) -> dict[str, object]:
    """One line of the table."""
    samples = int(str(contestant.description["samples"]))
    parse, featurize = (min(contestant.seconds[work][1:]) for work in WORKS)
    return {
        "featurizer": contestant.description["model"],
        "us to parse": 1e6 * parse / samples,
        "us to featurize": 1e6 * featurize / samples,
        "ratio": featurize / parse,
    }


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("library")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--peers", type=Path, default=HERE / ".peers")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        molecules = Path(folder) / "molecules.smi"
        sample(options.library, options.rows, molecules)
        rows = compare(molecules, options.peers, options.rounds)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, {options.rows:,} molecules, {machine}"
    lines = ["| featurizer | us to parse | us to featurize | ratio |", "|---|---:|---:|---:|"]
    lines += [
        f"| {r['featurizer']} | {r['us to parse']:.0f} | {r['us to featurize']:.0f} "
        f"| {r['ratio']:.2f} |"
        for r in rows
    ]
    table = "\n".join([stamp, "", *lines, ""])
    (options.out / "featurize.json").write_text(json.dumps({"run": stamp, "rows": rows}, indent=1))
    (options.out / "featurize.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()

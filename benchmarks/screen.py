"""A screen of a large library: molecules a second beside RDKit's own parser, and memory.

    python benchmarks/screen.py MODEL LIBRARY... [--workers 2]

First, in one process and in turns: RDKit's `MolFromSmiles`, the featurizer from SMILES,
the featurizer from its store, and a prediction, on the same random molecules of the first
file; CPU seconds, the best of three. Then `molecules screen` on all files, with its CPU
seconds and the peak of resident memory of the main process and of all together, by tenths
of the run.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil

HERE = Path(__file__).parent
SAMPLE = 8192
ROUNDS = 3
WATCH_SECONDS = 1.0


def rates(model: Path, library: str) -> dict[str, float]:
    """Molecules per CPU second of each stage."""
    import torch
    from rdkit import Chem, rdBase

    from molecules.features.store import stored_featurize
    from molecules.files.table import iter_library
    from molecules.prediction.predictor import PropertyPredictor

    torch.set_num_threads(1)
    smiles = next(iter_library(library, SAMPLE)).smiles
    predictor = PropertyPredictor.load(model)

    def parse() -> None:
        with rdBase.BlockLogs():
            for text in smiles:
                Chem.MolFromSmiles(text)

    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        stages: dict[str, Callable[[], object]] = {
            "RDKit MolFromSmiles": parse,
            "featurize": lambda: stored_featurize(smiles),
            "featurize, from store": lambda: stored_featurize(smiles, folder=cache),
            "predict": lambda: predictor.predict(smiles),
            "predict, from store": lambda: predictor.predict(smiles, cache=cache),
        }
        seconds: dict[str, list[float]] = {name: [] for name in stages}
        stages["featurize, from store"]()
        for _ in range(ROUNDS):
            for name, work in stages.items():
                began = time.process_time()
                work()
                seconds[name].append(time.process_time() - began)
        size = sum(path.stat().st_size for path in cache.iterdir()) / len(smiles)
    found = {name: len(smiles) / min(times) for name, times in seconds.items()}
    return {**found, "bytes per molecule in the store": size}


def watch(command: list[str]) -> tuple[list[tuple[float, float, float]], str, float]:
    """Run a command: (seconds, MB of the main process, MB of all) a second, output, CPU s."""
    began = time.monotonic()
    samples: list[tuple[float, float, float]] = []
    cpu: dict[int, float] = {}
    with tempfile.TemporaryFile("w+") as output:
        main = psutil.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while main.poll() is None:
            time.sleep(WATCH_SECONDS)
            try:
                family = [main, *main.children(recursive=True)]
                memory = [process.memory_info().rss / 1e6 for process in family]
                cpu |= {p.pid: sum(p.cpu_times()[:2]) for p in family}
                samples.append((time.monotonic() - began, memory[0], sum(memory)))
            except psutil.Error:  # one ended while it was looked at
                continue
        output.seek(0)
        text = output.read()
    if main.returncode:
        raise RuntimeError(text[-2000:])
    return samples, text, sum(cpu.values())


def plain(value: object) -> str:
    """A cell of the table."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("library", nargs="+")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    found: dict[str, object] = {**rates(options.model, options.library[0])}
    with tempfile.TemporaryDirectory() as folder:
        page, number = f"{folder}/hits.html", str(options.workers)
        program = [sys.executable, "-m", "molecules.cli", "screen", str(options.model)]
        command = [*program, *options.library, "--workers", number, "--out", page]
        samples, text, cpu = watch(command)
    total = re.search(r"^([\d,]+) rows", text, re.MULTILINE)
    assert total, text
    rows, wall = int(total[1].replace(",", "")), samples[-1][0]
    tenth = [s for s in samples if s[0] < 0.2 * wall]
    found |= {
        "rows": rows,
        "workers": options.workers,
        "wall seconds": wall,
        "CPU seconds": cpu,
        "molecules per CPU second": rows / cpu,
        "share of RDKit's parse rate": rows / cpu / float(str(found["RDKit MolFromSmiles"])),
        "peak MB, main process, first fifth": max(s[1] for s in tenth),
        "peak MB, main process": max(s[1] for s in samples),
        "peak MB, all processes, first fifth": max(s[2] for s in tenth),
        "peak MB, all processes": max(s[2] for s in samples),
        "account": text.strip().splitlines()[-2],
    }
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, " + (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    )
    lines = [f"| {name} | {plain(value)} |" for name, value in found.items()]
    table = "\n".join([stamp, "", "| what | |", "|---|---:|", *lines, ""])
    options.out.mkdir(exist_ok=True)
    (options.out / "screen.json").write_text(json.dumps({"run": stamp, **found}, indent=1))
    (options.out / "screen.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()

"""Making the cells of the molecular skill benchmark, each in a process of its own."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import molecules_cells
import numpy as np
from molecules_cells import Cell
from molecules_job import Job, cpu_seconds, write_job
from molecules_peers import ENVIRONMENT, TREES
from molecules_plan import Entry, Plan, settings_of

import molecules

HERE = Path(__file__).parent
ROOT = Path(molecules.__file__).parents[1]


def make(plan: Plan, budget: float, peers: Path, threads: int) -> None:
    """Make the cells that are not kept yet, until the CPU seconds are spent."""
    began = cpu_seconds()
    for entry, cell in plan.cells():
        if molecules_cells.is_kept(plan.store.cells, cell):
            continue
        if cpu_seconds() - began >= budget:
            print(f"the {budget:g} CPU seconds are spent; some cells are not made")
            return
        python = python_of(cell.model, peers)
        if python.exists():
            make_cell(plan, entry, cell, python, threads)
        else:
            print(f"{cell.path} left out, no {python}", file=sys.stderr)


def make_cell(plan: Plan, entry: Entry, cell: Cell, python: Path, threads: int) -> None:
    """Train and predict, and keep what came of it; a process that failed is said."""
    table = plan.table(entry.source)
    folds = plan.store.folds(table, cell.split, cell.seed, cell.labels)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        withhold = not cell.model.startswith("ours")
        job = job_of(plan, entry, cell, threads)
        write_job(folder, job, table.smiles, table.labels, folds, withhold)
        done = subprocess.run(
            [str(python), str(HERE / "molecules_worker.py"), str(folder)],
            env=environment(threads, python == own_python()),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{cell.path} failed: {done.stderr[-2000:]}", file=sys.stderr)
            return
        answer = json.loads((folder / "answer.json").read_text())
        predicted = np.load(folder / "predicted.npy")
    sizes = {name: len(rows) for name, rows in folds.items()}
    record = {"rows": sizes, "settings": job.settings} | answer | stamp(threads)
    molecules_cells.keep(plan.store.cells, cell, predicted, record)
    seconds = answer["train_seconds"] + answer["predict_seconds"]
    print(f"{cell.path}: {seconds:.1f} CPU s, {time.monotonic() - began:.1f} s", flush=True)


def job_of(plan: Plan, entry: Entry, cell: Cell, threads: int) -> Job:
    """What the process of a cell is to do."""
    table = plan.table(entry.source)
    return Job(
        cell.model,
        settings_of(cell.model),
        list(table.tasks.names),
        [task.kind for task in table.tasks.tasks],
        cell.seed,
        threads,
        str(plan.store.features(table)) if cell.model in TREES else "",
    )


def own_python() -> Path:
    """The interpreter of this project."""
    return Path(sys.executable)


def python_of(model: str, peers: Path) -> Path:
    """The interpreter of a model's environment."""
    name = ENVIRONMENT.get(model)
    return peers / name / "bin" / "python" if name else own_python()


def environment(threads: int, own: bool) -> dict[str, str]:
    """Environment variables of a contestant's process; other environments see no code of ours."""
    libraries = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if own:
        kept["PYTHONPATH"] = str(ROOT)
    return kept | dict.fromkeys(libraries, str(threads)) | {"OMP_WAIT_POLICY": "PASSIVE"}


def stamp(threads: int) -> dict[str, Any]:
    """When and where."""
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    return {"date": date, "machine": machine, "threads": threads, "commit": commit}

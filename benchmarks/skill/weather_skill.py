"""Skill for a fixed number of CPU seconds: this project's small models beside their peers.

    python benchmarks/skill/weather_skill.py  # all, 300 s on one thread
    python benchmarks/skill/weather_skill.py --only ours:small convolution --budget 60 --seeds 0 1

Every contestant learns the same simulated atmosphere (`weather_data`) with the same
training (`weather_training`) until its process has used up the budget, and is scored on two
stretches it has not seen, one to choose by and one to report (`weather_scores`). Peers are
looked for in the virtual environments that `benchmarks/peers.sh` makes; one that is not
there is said to be missing. Results are added to those in `results/skill_weather.json`,
which `results/skill_weather.md` shows.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from weather_data import require

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
PEERS = {  # contestant: environment; the plain convolution needs none
    "convolution": None,
    "sfno": "torch_harmonics",
    "pangu": "physicsnemo",
    "graphcast": "physicsnemo",
    "aurora": "aurora",
}
OURS = ("ours:small", "ours:small_graph")
Result = dict[str, Any]


def run(name: str, python: Path, options: argparse.Namespace, seed: int) -> Result | None:
    """One contestant with one seed, in a process of its own; None where it did not start."""
    threads = str(options.threads)
    environment = os.environ | {f"{lib}_NUM_THREADS": threads for lib in ("OMP", "MKL", "OPENBLAS")}
    environment["OMP_WAIT_POLICY"] = "PASSIVE"  # waiting threads would use up the budget
    environment["PYTHONPATH"] = str(HERE.parents[1])
    command = [str(python), str(HERE / "weather_worker.py"), str(options.data), name]
    command += [str(options.budget), str(seed), *options.set, f"--threads={threads}"]
    command += ["--recipe", options.recipe]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} left out: {done.stderr[-2000:]}", file=sys.stderr)
        return None
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    stamp = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine}
    return json.loads(done.stdout) | stamp | {"label": options.label or name}


def interpreter(name: str, peers: Path) -> Path:
    """The Python that a contestant runs in."""
    environment = PEERS.get(name)
    return peers / environment / "bin" / "python" if environment else Path(sys.executable)


def table(results: list[Result]) -> str:
    """The results in Markdown, best 24-h score first within a budget."""
    lines = [
        "| contestant | CPU s × threads | seed | parameters | steps | valid 24, 72, 120 h "
        "| test 24 h | 72 h | 120 h | variance | waves 9-15, 16-21 | stable |",
        "|---|---|---:|---:|---:|---|---:|---:|---:|---|---|---|",
    ]
    for r in sorted(results, key=_order):
        test = r["test"]
        low, high = test["variance"]
        fine = ", ".join(_bounded(test["spectrum"][band]) for band in ("9-15", "16-21"))
        valid = ", ".join(_bounded(score, 3) for score in _means(r["valid"]))
        scores = " | ".join(_bounded(score, 3) for score in _means(test))
        lines.append(
            f"| {r['label']} | {r['budget']:g} × {r['threads']} | {r['seed']} "
            f"| {r['parameters']:,} | {r['steps']:,} | {valid} | {scores} "
            f"| {_bounded(low)}-{_bounded(high)} | {fine} | {'yes' if test['stable'] else 'no'} |"
        )
    return "\n".join(lines)


def _bounded(ratio: float, digits: int = 2) -> str:
    """A ratio, as far as it says something."""
    return f"{ratio:.{digits}f}" if ratio < 1000 else "> 1000"


def _order(r: Result) -> tuple[float, ...]:
    return (r["threads"], r["budget"], r["test"]["24h"]["mean"])


def _means(scores: dict[str, dict[str, float]]) -> list[float]:
    return [scores[lead]["mean"] for lead in ("24h", "72h", "120h")]


def keep(result: Result) -> None:
    """Add a result to the file, in place of an earlier one of the same run."""
    path = RESULTS / "skill_weather.json"
    results: list[Result] = json.loads(path.read_text()) if path.exists() else []
    same = ("label", "seed", "budget", "threads")
    results = [r for r in results if any(r[key] != result[key] for key in same)] + [result]
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    (RESULTS / "skill_weather.md").write_text(HEADING + table(results) + "\n")


HEADING = """\
RMSE over persistence's, mean over 54 fields, of forecasts from states that no model has seen:
10 starts on the stretch that settings were chosen by (`valid`), 16 on the one reported (`test`).
Held-Suarez atmosphere at T21 with mountains, 780 training states 6 h apart. Variance (smallest
and largest among fields) and zonal power are those 15 days ahead over the simulation's;
`stable`: variance and power of waves 1-8 within a factor of two, of shorter waves of four. What
follows a configuration's name was changed in it; `no diffusion` is `model.diffusion=null`. Dates,
machines, versions and recipes are in `skill_weather.json`: a busy machine's CPU second holds fewer
steps, and the rows of `ours:small` ran on a busier one than most. 1,800 CPU seconds are 15 minutes
of two threads, spent on one. Every peer had 300 s at two rates, 1e-3 and 3e-3, and 1,800 s at the
better of them on `valid` (the convolution, which no rate keeps stable, at 1e-3). All compute in
float32.

"""


def main() -> None:
    """Train, score and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[*OURS, *PEERS], metavar="NAME")
    parser.add_argument("--budget", type=float, default=300.0, help="CPU seconds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", nargs="+", default=[], help="changes to our configuration")
    parser.add_argument("--recipe", default="{}", help="changes to the training, as JSON")
    parser.add_argument("--label", help="name in the table")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".peers")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE.parents[1]))
    require(options.data)
    for name in options.only:
        python = interpreter(name, options.peers)
        if not python.exists():
            print(f"{name} left out, no {python}", file=sys.stderr)
            continue
        for seed in options.seeds:
            if (result := run(name, python, options, seed)) is not None:
                keep(result)
                print(table([result]).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()

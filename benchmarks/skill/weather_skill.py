"""Skill for a fixed number of CPU seconds: this project's small models beside their peers.

    python benchmarks/skill/weather_skill.py  # all, 300 s on one thread
    python benchmarks/skill/weather_skill.py --only ours:small convolution --budget 60 --seeds 0 1

Every contestant learns the same simulated atmosphere (`weather_data`) with the same
training (`weather_training`) until its process has used up the budget, and is scored on a
stretch it has not seen (`weather_scores`). Peers are looked for in the virtual environments
that `benchmarks/peers.sh` makes; one that is not there is said to be missing. Results are
added to those in `results/skill_weather.json`, which `results/skill_weather.md` shows.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

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
Result = dict[str, object]


def run(name: str, python: Path, options: argparse.Namespace, seed: int) -> Result | None:
    """One contestant with one seed, in a process of its own; None where it did not start."""
    threads = str(options.threads)
    environment = os.environ | {f"{lib}_NUM_THREADS": threads for lib in ("OMP", "MKL", "OPENBLAS")}
    environment["OMP_WAIT_POLICY"] = "PASSIVE"  # waiting threads would use up the budget
    environment["PYTHONPATH"] = str(HERE.parents[1])
    command = [str(python), str(HERE / "weather_worker.py"), str(options.data), name]
    command += [str(options.budget), str(seed), *options.set, f"--threads={threads}"]
    command += ["--recipe", options.recipe, *(["--valid"] if options.valid else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} left out: {done.stderr[-2000:]}", file=sys.stderr)
        return None
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    stamp = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine}
    return json.loads(done.stdout) | stamp | {"label": options.label or name}


def table(results: list[Result]) -> str:
    """The results in Markdown, best 24-h score first within a budget."""
    lines = [
        "| contestant | CPU s × threads | on | seed | parameters | steps | 24 h | 72 h | 120 h "
        "| variance at 15 d | power at wavenumbers 9-15, 16-21 | stable |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---|---|---|",
    ]
    order = ("stretch", "budget", "threads")
    for r in sorted(results, key=lambda r: (*(r[k] for k in order), r["24h"]["mean"], r["seed"])):
        low, high = r["variance"]
        fine = ", ".join(f"{r['spectrum'][band]:.2f}" for band in ("9-15", "16-21"))
        scores = " | ".join(f"{r[lead]['mean']:.3f}" for lead in ("24h", "72h", "120h"))
        lines.append(
            f"| {r['label']} | {r['budget']:g} x {r['threads']} | {r['stretch']} | {r['seed']} "
            f"| {r['parameters']:,} | {r['steps']:,} | {scores} | {low:.2f}-{high:.2f} | {fine} "
            f"| {'yes' if r['stable'] else 'no'} |"
        )
    return "\n".join(lines)


def keep(result: Result) -> None:
    """Add a result to the file, in place of an earlier one of the same run."""
    path = RESULTS / "skill_weather.json"
    results: list[Result] = json.loads(path.read_text()) if path.exists() else []
    same = ("label", "seed", "budget", "threads", "stretch")
    results = [r for r in results if any(r[key] != result[key] for key in same)] + [result]
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    (RESULTS / "skill_weather.md").write_text(HEADING + table(results) + "\n")


HEADING = """\
RMSE over persistence's, mean over 54 fields, on 16 starts of an unseen stretch (10 on the one
for choosing, `valid`); Held-Suarez atmosphere at T21 with mountains, 780 training states 6 h
apart. Variance and zonal power after 15 days are over those of the simulation, smallest and
largest among fields. `stable`: variance and waves 1-8 within a factor of two, shorter ones of
four. A name after a configuration says what was changed in it. Machine, versions, recipe and
more are in `skill_weather.json`.

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
    parser.add_argument("--valid", action="store_true", help="score on the stretch for choosing")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".peers")
    options = parser.parse_args()
    if not (options.data / "atmosphere.json").exists():
        sys.path.insert(0, str(HERE.parents[1]))
        from weather_data import make

        make(options.data)
    for name in options.only:
        environment = PEERS.get(name)
        python = Path(sys.executable)
        if environment:
            python = options.peers / environment / "bin" / "python"
        if not python.exists():
            print(f"{name} left out, no {python}", file=sys.stderr)
            continue
        for seed in options.seeds:
            if (result := run(name, python, options, seed)) is not None:
                keep(result)
                print(table([result]).splitlines()[-1], flush=True)


if __name__ == "__main__":
    main()

"""Train step and inference of each of the four cells, beside a peer, in one run.

    python benchmarks/speed.py                       # all, with the peers that are installed
    python benchmarks/speed.py --only molecules-graph --rounds 20

Contestants take turns step by step (see workers/protocol.py); a figure is the median of
the CPU seconds of a step, on one thread each, and a ratio that of two medians of one run.
Peers are looked for in virtual environments `<peers>/<name>` (see README.md); one that
is not there is said to be missing.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent

CELLS: dict[str, list[tuple[str, str]]] = {  # cell: (environment, worker) of its peers
    "weather-transformer": [("physicsnemo", "physicsnemo_pangu"), ("aurora", "aurora_small")],
    "weather-graph": [("physicsnemo", "physicsnemo_graphcast")],
    "molecules-transformer": [],
    "molecules-graph": [("chemprop", "chemprop_dmpnn")],
}


@dataclass
class Contestant:
    """One worker process, and the seconds that its steps took."""

    name: str
    process: subprocess.Popen[str]
    description: dict[str, object] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float = 0.0

    @classmethod
    def start(cls, name: str, python: Path, arguments: list[str]) -> "Contestant":
        """Start a worker and wait until its model is built."""
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
        process = subprocess.Popen(
            [str(python), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | threads,
        )
        contestant = cls(name, process)
        contestant.description = contestant.read()
        return contestant

    def read(self) -> dict[str, object]:
        """The worker's next answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            raise RuntimeError(f"{self.name} ended: {self.process.stderr.read()[-2000:]}")
        return json.loads(line)

    def step(self, work: str) -> None:
        """One step, timed by the worker."""
        assert self.process.stdin is not None
        print(work, file=self.process.stdin, flush=True)
        answer = self.read()
        self.seconds.setdefault(work, []).append(float(str(answer["cpu"])))
        self.peak_mb = float(str(answer["peak_mb"]))

    def median(self, work: str) -> float:
        """Median CPU seconds of a step, the first one left out."""
        return statistics.median(self.seconds[work][1:])


def compare(cell: str, peers: Path, rounds: int) -> list[dict[str, object]]:
    """All contestants of a cell in turns: rows of work, contestant, seconds and ratio."""
    contestants = [Contestant.start("ours", Path(sys.executable), [worker("ours"), cell])]
    for environment, name in CELLS[cell]:
        python = peers / environment / "bin" / "python"
        if not python.exists():
            print(f"{cell}: {name} left out, no {python}", file=sys.stderr)
            continue
        try:
            contestants.append(Contestant.start(name, python, [worker(name)]))
        except RuntimeError as error:
            print(f"{cell}: {name} left out, {error}", file=sys.stderr)
    for work in ("train", "infer"):
        for _ in range(rounds):
            for contestant in contestants:
                contestant.step(work)
    rows = [row(cell, work, c, contestants[0]) for work in ("train", "infer") for c in contestants]
    for contestant in contestants:
        contestant.process.communicate()
    return rows


def row(cell: str, work: str, contestant: Contestant, ours: Contestant) -> dict[str, object]:
    """One line of the table. `ratio` is the peer's seconds a sample over ours."""
    own = contestant.median(work) / int(str(contestant.description["samples"]))
    reference = ours.median(work) / int(str(ours.description["samples"]))
    return {
        "cell": cell,
        "work": work,
        "contestant": contestant.name,
        "seconds_per_sample": own,
        "ratio": own / reference,
        "peak_mb": contestant.peak_mb,
        **contestant.description,
    }


def worker(name: str) -> str:
    """Path of a worker's script."""
    return str(HERE / "workers" / f"{name}.py")


def table(rows: list[dict[str, object]]) -> str:
    """The rows in Markdown."""
    lines = [
        "| cell | work | contestant | parameters | ms per sample | time / ours | peak MB |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['cell']} | {r['work']} | {r['contestant']}: {r['model']} | {r['parameters']:,} "
        f"| {1e3 * float(str(r['seconds_per_sample'])):.3g} | {float(str(r['ratio'])):.2f} "
        f"| {float(str(r['peak_mb'])):.0f} |"
        for r in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", choices=list(CELLS), action="append")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--peers", type=Path, default=HERE / ".peers")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    rows = [
        r for cell in options.only or CELLS for r in compare(cell, options.peers, options.rounds)
    ]
    machine = (
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, one thread each"
    )
    stamp = f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {machine}"
    options.out.mkdir(exist_ok=True)
    (options.out / "speed.json").write_text(json.dumps({"run": stamp, "rows": rows}, indent=1))
    (options.out / "speed.md").write_text(f"{stamp}\n\n{table(rows)}\n")
    print(table(rows))


if __name__ == "__main__":
    main()

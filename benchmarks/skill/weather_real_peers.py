"""Short real series: this project's models beside their peers, for equal CPU seconds.

    python benchmarks/skill/weather_real_peers.py /path/to/weather                # all, 300 s
    python benchmarks/skill/weather_real_peers.py /path/to/weather --only msl:sfno --lr 3e-3

The series are those of `weather_real`. Every contestant sees the same two states and static
fields, learns with the training of `weather_training` as our configuration says (roll-outs,
batch, weight decay; a peer at the learning rate of `--lr`), and keeps those of its weights that
did best on the days of validation, five looks in all, which cost it nothing. Global models are
left out over Europe. Results are added to those in `results/skill_real_peers.json`, which
`results/skill_real_peers.md` shows.
"""

import argparse
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from weather_ours import recipe_of
from weather_series import experiment, require
from weather_skill import PEERS, RESULTS, interpreter, run

HERE = Path(__file__).parent
Result = dict[str, Any]
CONTESTS = {
    "msl": ("ours:short_series", *PEERS),
    "europe": ("ours:europe", "convolution", "pangu", "aurora"),
}
HEADING = """\
RMSE in SI units on days after those of training and validation: the last tenth of ten weeks of
ERA5's mean sea level pressure at 2.5 degrees, and ERA-Interim over Europe in 2008 (trained on 2000
to 2006). Every contestant had the same CPU seconds of one thread, inputs (two states, orography,
latitude), samples, loss, roll-outs, batch and weight decay, and kept the weights that did best in
validation; `kept at` says after which share of the budget. SFNO and GraphCastNet know whole globes
only. All compute in float32. The linear model and persistence are those of `skill_real.md`, which
also shows our configurations as `weather train` runs them, with land-sea mask and season.

"""


def main() -> None:
    """Train, score and keep."""
    everyone = [f"{series}:{name}" for series, names in CONTESTS.items() for name in names]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of the real series")
    parser.add_argument("--only", nargs="+", default=everyone, metavar="SERIES:NAME")
    parser.add_argument("--budget", type=float, default=300.0, help="CPU seconds")
    parser.add_argument("--lr", type=float, default=1e-3, help="peak rate of peers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--peers", type=Path, default=HERE.parent / ".peers")
    options = parser.parse_args()
    for contestant in options.only:
        series, name = contestant.split(":", 1)
        folder = options.data / series
        require(folder, options.folder, series)
        if (result := contest(series, name, folder, options)) is not None:
            keep(result)
            print(table([result]).splitlines()[-1], flush=True)


def contest(series: str, name: str, folder: Path, options: Namespace) -> Result | None:
    """One contestant on one series; None where it did not start."""
    python = interpreter(name, options.peers)
    if not python.exists():
        print(f"{name} left out, no {python}", file=sys.stderr)
        return None
    recipe = {} if name.startswith("ours:") else peer_recipe(series, options.lr)
    how = {"data": folder, "budget": options.budget, "recipe": json.dumps(recipe)}
    result = run(name, python, Namespace(**how, threads=1, set=[], label=None), options.seed)
    facts = json.loads((folder / "atmosphere.json").read_text())
    return result and result | {"series": series, "yardsticks": facts["yardsticks"]}


def peer_recipe(series: str, lr: float) -> Result:
    """What our configuration says, but for the learning rate."""
    ours = recipe_of(experiment(series), every=1)
    kept = ("batch", "weight_decay", "horizon")
    return {name: getattr(ours, name) for name in kept} | {"lr": lr}


def table(results: list[Result]) -> str:
    """The results in Markdown, best first within a series, field and lead time."""
    lines = [
        "| series | field | hours | contestant | CPU s | rate | parameters | steps | kept at "
        "| RMSE | over linear model | over persistence |",
        "|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *(line for _, line in sorted(rows(results)))])


def rows(results: list[Result]) -> list[tuple[tuple[Any, ...], str]]:
    """A key to sort by and a line, for every result, lead time and field."""
    found = []
    for r in results:
        for hours, fields in r["test"].items():
            for field, error in fields.items():
                linear, still = (
                    r["yardsticks"][hours][name][field] for name in ("linear", "persistence")
                )
                found.append(
                    (
                        (r["series"], field, int(hours), r["budget"], error),
                        f"| {r['series']} | {field} | {hours} | {r['label']} | {r['budget']:g} "
                        f"| {r['recipe']['lr']:g} | {r['parameters']:,} | {r['steps']:,} "
                        f"| {r['valid']['share']:.0%} | {error:.{0 if error > 100 else 2}f} "
                        f"| {error / linear:.2f} | {error / still:.2f} |",
                    )
                )
    return found


def keep(result: Result) -> None:
    """Add a result to the file, in place of an earlier one of the same run."""
    path = RESULTS / "skill_real_peers.json"
    results: list[Result] = json.loads(path.read_text()) if path.exists() else []
    results = [r for r in results if _run(r) != _run(result)] + [result]
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    (RESULTS / "skill_real_peers.md").write_text(HEADING + table(results) + "\n")


def _run(r: Result) -> tuple[Any, ...]:
    return (r["series"], r["label"], r["seed"], r["budget"], r["recipe"]["lr"])


if __name__ == "__main__":
    main()

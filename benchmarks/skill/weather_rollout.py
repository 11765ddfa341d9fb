"""What fine-tuning by roll-outs gains over single steps alone, for the same CPU seconds.

    python benchmarks/skill/weather_rollout.py  # 200 s of single steps, then 100 s of roll-outs

`small` learns single steps of the atmosphere of `weather_data`. Its weights are then fine-tuned as
the configuration `finetune_rollout` says, with roll-outs that grow to eight steps. Beside both
stands `small` that learned single steps, in the same schedule, for as long as these two trainings
took together. Scores are those of `weather_skill`; results are added to those in
`results/skill_rollout.json`, which `results/skill_rollout.md` shows.
"""

import argparse
import json
import os
import platform
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn
from weather_data import Atmosphere, opened
from weather_ours import ours, time_step
from weather_scores import score
from weather_skill import table
from weather_training import Recipe, Spent, train
from weather_worker import STRETCHES

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
Result = dict[str, Any]


def single_steps(data: Atmosphere, seed: int, budget: float) -> tuple[nn.Module, Recipe, Spent]:
    """`small`, trained without roll-outs."""
    torch.manual_seed(seed)
    model, step, recipe = ours("small", [], data)
    recipe = replace(recipe, horizon=((0.0, 1),))
    return model, recipe, train(model, step, data, recipe, budget, seed)


def fine_tuned(
    model: nn.Module, data: Atmosphere, seed: int, budget: float
) -> tuple[nn.Module, Recipe, Spent]:
    """A model that goes on as `finetune_rollout`; changed in place."""
    _, _, recipe = ours("finetune_rollout", ["transfer=null"], data)
    spent = train(model, lambda past: time_step(model, past), data, recipe, budget, seed + 1)
    return model, recipe, spent


def scored(data: Atmosphere, made: tuple[nn.Module, Recipe, Spent], label: str) -> Result:
    """A row of the table."""
    model, recipe, spent = made
    model.eval()
    scores = {
        name: score(lambda past: time_step(model, past), data, period, recipe.history, 1, starts)
        for name, (period, starts) in STRETCHES.items()
    }
    parameters = sum(p.numel() for p in model.parameters())
    print(label, spent, flush=True)
    return {"label": label, "parameters": parameters, "steps": spent.steps, **scores}


def compared(data: Atmosphere, seed: int, first: float, second: float) -> list[Result]:
    """The three trainings."""
    base = single_steps(data, seed, first)
    rows = [scored(data, base, "single steps") | {"budget": first}]
    made = fine_tuned(base[0], data, seed, second)
    label = f"{first:g} s of single steps, then {second:g} s of roll-outs"
    rows.append(scored(data, made, label) | {"budget": first + second})
    longer = single_steps(data, seed, first + second)
    return [*rows, scored(data, longer, "single steps") | {"budget": first + second}]


HEADING = """\
What fine-tuning by roll-outs (`--config finetune_rollout`, up to eight steps of 6 h) adds to
`small` trained on single steps, beside single steps for the same CPU seconds. Columns as in
`skill_weather.md`. Made by `skill/weather_rollout.py`.

"""


def keep(found: list[Result]) -> None:
    """Add results to the file, in place of earlier ones of the same trainings."""
    path = RESULTS / "skill_rollout.json"
    results: list[Result] = json.loads(path.read_text()) if path.exists() else []
    same = ("label", "seed", "budget")
    new = {tuple(r[key] for key in same) for r in found}
    results = [r for r in results if tuple(r[key] for key in same) not in new] + found
    path.write_text("[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n")
    (RESULTS / "skill_rollout.md").write_text(HEADING + table(results) + "\n")


def main() -> None:
    """Train, score and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--first", type=float, default=200.0, help="CPU seconds of single steps")
    parser.add_argument("--second", type=float, default=100.0, help="CPU seconds of roll-outs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = opened(options.data)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    stamp = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine, "torch": torch.__version__,
        "seed": options.seed, "threads": 1,
    }  # fmt: skip
    keep([row | stamp for row in compared(data, options.seed, options.first, options.second)])
    print((RESULTS / "skill_rollout.md").read_text())


if __name__ == "__main__":
    main()

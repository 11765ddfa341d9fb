"""Trains and scores one contestant in this process; prints one line of JSON.

    python weather_worker.py FOLDER NAME BUDGET SEED [--recipe JSON] [KEY=VALUE ...]

NAME is a peer's (see `weather_peers.BUILD`), or `ours:CONFIG` for a configuration of this
project, which KEY=VALUE overrides.
"""

import argparse
import json
import platform
import resource
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
from weather_data import Atmosphere
from weather_scores import errors, score
from weather_training import Best, Recipe, Step, train

STARTS = {"valid": 10, "test": 16}  # of 15-day forecasts on a stretch
LOOKED_AT = 28  # time steps by which a real series' weights are chosen


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("budget", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--recipe", type=json.loads, default={}, help="changes, as JSON")
    options = parser.parse_intermixed_args()
    torch.set_num_threads(options.threads)
    answer, sys.stdout = sys.stdout, sys.stderr  # what libraries print must not mix in
    data = Atmosphere.load(options.folder)
    torch.manual_seed(options.seed)
    if options.name.startswith("ours:"):
        from weather_ours import ours

        config = options.name.removeprefix("ours:")
        model, step, recipe = ours(config, options.overrides, data)
    else:
        from weather_peers import BUILD, as_step

        model, recipe = BUILD[options.name](data), Recipe(history=data.history)
        step = as_step(model, data)
    recipe = replace(recipe, **options.recipe)
    best = Best(model, lambda: chosen_by(step, data, recipe)) if data.leads else None
    spent = train(model, step, data, recipe, options.budget, options.seed, best=best)
    model.eval()
    began = time.process_time()
    if best:
        found = errors(step, data, data.test, recipe.history, len(data.fields))
        scores = {"test": found, "valid": {"best": best.score, "share": best.share}}
    else:
        scores = {
            name: score(step, data, getattr(data, name), recipe.history, recipe.every, STARTS[name])
            for name in STARTS
        }
    result = {
        "name": options.name,
        "overrides": options.overrides,
        "seed": options.seed,
        "budget": options.budget,
        "threads": options.threads,
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "recipe": asdict(recipe),
        **asdict(spent),
        **scores,
        "score_seconds": time.process_time() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    print(json.dumps(result), file=answer, flush=True)


def chosen_by(step: Step, data: Atmosphere, recipe: Recipe) -> float:
    """Mean square of the last lead time's errors on `valid`, in usual changes between states."""
    most = LOOKED_AT * data.hours // data.leads[-1]
    found = errors(step, data, data.valid, recipe.history, most)[str(data.leads[-1])]
    change = data.change.flatten().tolist()
    return sum((found[n] / c) ** 2 for n, c in zip(data.names, change, strict=True)) / len(change)


if __name__ == "__main__":
    main()

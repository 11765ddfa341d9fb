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
from weather_data import TEST, VALID, Atmosphere
from weather_scores import score
from weather_training import Recipe, train

STRETCHES = {"valid": (VALID, 10), "test": (TEST, 16)}  # and starts on them


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

        model, recipe = BUILD[options.name](data), Recipe()
        step = as_step(model, data)
    recipe = replace(recipe, **options.recipe)
    spent = train(model, step, data, recipe, options.budget, options.seed)
    model.eval()
    began = time.process_time()
    scores = {
        name: score(step, data, period, recipe.history, recipe.every, starts)
        for name, (period, starts) in STRETCHES.items()
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


if __name__ == "__main__":
    main()

"""What pre-training saves: scores of small fine-tunings, from pre-trained weights and from none.

    python benchmarks/skill/weather_foundation.py                  # all, one thread
    python benchmarks/skill/weather_foundation.py --only downscaling --budget 60

On the simulated atmosphere of `weather_data`, without mean sea level pressure, a model is
pre-trained twice: on hidden parts of single states (`masked`) and on forecasts (`forecast`).
From both and from fresh weights (`none`) it then learns three tasks with the same CPU seconds
and with 1/16, 1/4 and all of the training states: to forecast, to downscale from half the
resolution, and to forecast a variable that it has not seen, mean sea level pressure. Scores
are on a stretch that no model has seen, also on the way. Results are added to those in
`results/skill_foundation.json`, which `results/skill_foundation.md` shows.
"""

import argparse
import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from weather_data import TRAIN, opened
from weather_tasks import NEW, TASKS, Series, Task, config, experiment, forecasting, reconstruction
from weather_training import rate

from sciml.model_file import save_model, save_tensors
from sciml.transfer import TransferConfig, transfer
from weather.forecasting.forecaster_config import KIND
from weather.models.reconstruction import KIND as PRETRAINED
from weather.training.pretraining import kept

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
FRACTIONS = {"1/16": 16, "1/4": 4, "all": 1}
WATCHED = (1 / 4, 1 / 2, 3 / 4, 1.0)  # shares of the budget after which it is scored
KINDS = {"masked": PRETRAINED, "forecast": KIND}
Result = dict[str, Any]


def learn(task: Task, budget: float, lr: float) -> list[Result]:
    """Train for `budget` CPU seconds, as `small` is trained; the scores on the way."""
    training = experiment().training
    modules = nn.ModuleList([task.model, task.objective])  # type: ignore[list-item]
    parameters = list(modules.parameters())
    decay = {True: training.optimizer.weight_decay, False: 0.0}
    groups = [
        {"params": [p for p in parameters if (p.ndim >= 2) == matrix], "weight_decay": value}
        for matrix, value in decay.items()
    ]
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.AdamW(groups, lr=lr, betas=training.optimizer.betas, fused=True)
    average = [p.detach().clone() for p in parameters]
    torch.manual_seed(0)
    used, count, watched = 0.0, 0, iter(WATCHED)
    scores: list[Result] = []
    due = next(watched)
    order: list[int] = []
    while due is not None:
        began = time.process_time()
        order = order or torch.randperm(len(task.samples)).tolist()
        for group in optimizer.param_groups:
            group["lr"] = lr * rate(min(1.0, used / budget), training.optimizer.warmup)
        task.model.train()
        loss, _ = task.objective(task.model, task.samples.__getitems__([order.pop()]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, training.gradient_clip or float("inf"))
        optimizer.step()
        count += 1
        keep = min(training.ema_decay or 0.0, (1 + count) / (10 + count))
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - keep)
        used += time.process_time() - began
        if used >= due * budget:
            scores.append(
                {"seconds": used, "steps": count, "score": averaged(task, parameters, average)}
            )
            due = next(watched, None)
    put(average, parameters)
    return scores


def averaged(task: Task, parameters: list[nn.Parameter], average: list[Tensor]) -> float:
    """The score with the average of the weights."""
    now = [p.detach().clone() for p in parameters]
    task.model.eval()
    put(average, parameters)
    score = task.score()
    put(now, parameters)
    return score


def put(values: list[Tensor], parameters: list[nn.Parameter]) -> None:
    """Give parameters these values."""
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)


def pretrained(series: Series, folder: Path, seconds: float, lr: float) -> dict[str, Path]:
    """Files of the two pre-trained models, made where they are not there."""
    made = config(series)
    paths = {kind: folder / f"{kind}_{seconds:g}s.safetensors" for kind in KINDS}
    folder.mkdir(parents=True, exist_ok=True)
    for kind, path in paths.items():
        if path.exists():
            continue
        task = (reconstruction if kind == "masked" else forecasting)(series, TRAIN)
        print(f"pre-training, {kind}: {learn(task, seconds, lr)}", flush=True)
        if kind == "masked":
            save_tensors(path, kept(task.model, made), PRETRAINED, made, {})
        else:
            save_model(path, task.model, KIND, made, {})
    return paths


def run(name: str, share: str, start: str, series: Series, options: argparse.Namespace) -> Result:
    """One fine-tuning, from the start `none` or from a pre-trained model."""
    stretch = slice(TRAIN.start, TRAIN.start + (TRAIN.stop - TRAIN.start) // FRACTIONS[share])
    task = TASKS[name](series, stretch)
    if start != "none":
        path = options.files[start]
        transfer(task.model, TransferConfig(checkpoint=path, anew=task.anew[start]), KINDS[start])
    curve = learn(task, options.budget, options.lr if start == "none" else options.tuning_lr)
    return {
        "task": name,
        "data": share,
        "states": stretch.stop - stretch.start,
        "start": start,
        "budget": options.budget,
        "pretraining": 0.0 if start == "none" else options.pretraining,
        "lr": options.lr if start == "none" else options.tuning_lr,
        "parameters": sum(p.numel() for p in task.model.parameters()),
        "curve": curve,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def main() -> None:
    """Pre-train, fine-tune, score and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[*TASKS], choices=[*TASKS], metavar="TASK")
    parser.add_argument("--shares", nargs="+", default=[*FRACTIONS], choices=[*FRACTIONS])
    parser.add_argument("--budget", type=float, default=60.0, help="CPU seconds of a fine-tuning")
    parser.add_argument("--pretraining", type=float, default=300.0, help="CPU seconds")
    parser.add_argument("--lr", type=float, default=3e-3, help="peak rate, from fresh weights")
    parser.add_argument("--tuning-lr", type=float, default=3e-3, help="from pre-trained ones")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = opened(options.data)
    old, new = Series.of(data, ("sp",)), Series.of(data, ("sp", NEW))
    folder = options.data / "foundation"
    options.files = pretrained(old, folder, options.pretraining, options.lr)
    for share in options.shares:
        for name in options.only:
            for start in ("none", *(k for k in KINDS if name != k)):
                series = new if name == "new variable" else old
                keep(run(name, share, start, series, options))
                print(name, share, start, load()[-1]["curve"], flush=True)


def load() -> list[Result]:
    """All results so far."""
    path = RESULTS / "skill_foundation.json"
    return json.loads(path.read_text()) if path.exists() else []


def keep(result: Result) -> None:
    """Add a result to the file, in place of an earlier one of the same run."""
    same = ("task", "data", "start", "budget", "pretraining")
    results = [r for r in load() if any(r[key] != result[key] for key in same)] + [result]
    text = "[\n" + ",\n".join(json.dumps(r) for r in results) + "\n]\n"
    (RESULTS / "skill_foundation.json").write_text(text)
    (RESULTS / "skill_foundation.md").write_text(HEADING + show(results) + "\n")


def show(results: list[Result]) -> str:
    """The results in Markdown."""
    lines = [
        "| task | data | start | pre-training | CPU s | steps | score "
        "| as good as none after | saves |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for r in sorted(results, key=_order):
        last = r["curve"][-1]
        lines.append(
            f"| {r['task']} | {r['data']} ({r['states']}) | {r['start']} "
            f"| {r['pretraining']:g} s | {r['budget']:g} | {last['steps']:,} "
            f"| {last['score']:.3f} | {' | '.join(saved(r, results))} |"
        )
    return "\n".join(lines)


def _order(r: Result) -> tuple[int, ...]:
    shares, starts = list(FRACTIONS), ["none", *KINDS]
    return list(TASKS).index(r["task"]), shares.index(r["data"]), starts.index(r["start"])


def saved(r: Result, results: list[Result]) -> tuple[str, str]:
    """CPU seconds after which it is as good as fresh weights are in the end on the same data,
    and the least share of the data from which it is as good as those on all."""
    alike = [o for o in results if all(o[k] == r[k] for k in ("task", "budget"))]
    final = {(o["start"], o["data"]): o["curve"][-1]["score"] for o in alike}
    if r["start"] == "none" or ("none", r["data"]) not in final:
        return "", ""
    goal = final["none", r["data"]]
    reached = [point["seconds"] for point in r["curve"] if point["score"] <= goal]
    goal = final.get(("none", "all"), 0.0)
    enough = [share for share in FRACTIONS if final.get((r["start"], share), 1e9) <= goal]
    return f"{reached[0]:.0f} s" if reached else "never", enough[0] if enough else "never"


HEADING = """\
Scores (less is better) of fine-tunings with equal CPU seconds on one thread, from fresh weights
(`none`), from pre-training on hidden parts of single states (`masked`), and from pre-training on
forecasts (`forecast`), on a stretch that no model has seen. `forecast`: RMSE over persistence's
24 h ahead, mean over 53 fields. `downscaling`: RMSE from half the resolution over that of
bicubic interpolation with the same means, mean over 53 fields. `new variable`: mean sea level
pressure, RMSE over persistence's. Pre-training saw all 780 states, without mean sea level
pressure, fine-tuning the first 1/16, 1/4 or all of them. `as good as none after`: CPU seconds
after which the score is that of fresh weights at the end, on the same data; scored at 1/4,
1/2, 3/4 and all of the budget. `saves`: the least data from which the start is as good as fresh
weights on all. All starts learn at the same rate, the one chosen for fresh weights.
Held-Suarez atmosphere at T21 with mountains, `small` at half its width, one seed.

"""


if __name__ == "__main__":
    main()

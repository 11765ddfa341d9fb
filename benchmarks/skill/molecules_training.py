"""A training of molecules that ends when its CPU seconds are spent: alike for every contestant."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import torch
from torch import nn

from molecules.molecule import MoleculeBatch
from sciml.learner import RateConfig
from sciml.objective import Objective
from sciml.training import BatchSource, TrainingConfig

WARMUP = 0.05  # share of the budget with a rising rate


@dataclass(frozen=True)
class Spent:
    """What a training took."""

    steps: int
    epochs: float
    cpu_seconds: float
    loss: float


def learn(
    model: nn.Module,
    objective: Objective,
    data: BatchSource,
    config: TrainingConfig,
    seconds: float,
) -> Spent:
    """Train in place for some seconds of this process's CPU time, reading of batches included.

    As `sciml.training.fit` does, with the same AdamW, rates by pattern, average and clipping,
    but the half cosine ends with the seconds. Nothing is chosen by a validation.

    Args:
        model: its average is left in it.
        objective: the loss; parameters of its own are trained along.
        data: to learn from.
        config: of the training; its epochs and steps do not count.
        seconds: of CPU time.
    """
    torch.manual_seed(config.seed)
    groups = list(_groups(nn.ModuleDict({"model": model, "objective": objective}), config))
    optimizer = torch.optim.AdamW(groups, betas=config.optimizer.betas, fused=True)
    parameters = [p for group in groups for p in group["params"]]
    average = [p.detach().clone() for p in parameters]
    batches = _batches(data, config)
    model.train()
    began, count, recent, share = time.process_time(), 0, 0.0, 0.0
    while share < 1:
        for group in optimizer.param_groups:
            group["lr"] = config.optimizer.lr * group["scale"] * _rate(share, group["after"])
        loss, _ = objective(model, next(batches))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, config.gradient_clip or float("inf"))
        optimizer.step()
        count += 1
        recent += (float(loss.detach()) - recent) / min(count, 100)
        keep = min(config.ema_decay or 0.0, (1 + count) / (10 + count))
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - keep)
        share = (time.process_time() - began) / seconds
    with torch.no_grad():
        for parameter, kept in zip(parameters, average, strict=True):
            parameter.copy_(kept)
    model.eval()
    epochs = count * config.batch_size / len(data)
    return Spent(count, epochs, time.process_time() - began, recent)


def _groups(modules: nn.ModuleDict, config: TrainingConfig) -> Iterator[dict[str, object]]:
    """Parameters that are trained alike, with the scale of their rate and when it begins."""
    rates = config.optimizer.rates
    found: dict[tuple[RateConfig, float], list[nn.Parameter]] = {}
    for name, parameter in modules.named_parameters():
        if parameter.requires_grad:
            name = name.removeprefix("model.")
            own = next((r for pattern, r in rates.items() if fnmatchcase(name, pattern)), None)
            decay = config.optimizer.weight_decay if parameter.ndim >= 2 else 0.0
            found.setdefault((own or RateConfig(), decay), []).append(parameter)
    for (rate, decay), parameters in found.items():
        yield {
            "params": parameters,
            "weight_decay": decay,
            "scale": rate.scale,
            "after": rate.after,
        }


def _rate(share: float, after: float) -> float:
    """Learning rate over its peak at a share of the budget."""
    if share < after:
        return 0.0
    share = (share - after) / (1 - after)
    return share / WARMUP + 1e-3 if share < WARMUP else float(_cosine(share))


def _cosine(share: float) -> float:
    return 0.5 * (1 + np.cos(np.pi * (share - WARMUP) / (1 - WARMUP)))


def _batches(data: BatchSource, config: TrainingConfig) -> Iterator[MoleculeBatch]:
    """Whole batches, epoch after epoch, each in an order of its own."""
    draw, size = np.random.default_rng(config.seed), min(config.batch_size, len(data))
    while True:
        order = draw.permutation(len(data))
        for first in range(0, len(order) - size + 1, size):
            yield data.__getitems__(order[first : first + size].tolist())

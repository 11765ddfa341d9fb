"""A training that ends when its CPU seconds are spent: the same for every contestant."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from weather_data import Atmosphere

Step = Callable[[Tensor], Tensor]
Loss = Callable[[Step, Atmosphere, list[int], int, "Recipe"], Tensor]


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        lr: peak rate of AdamW, after a linear warm-up, then a half cosine to zero.
        warmup: share of the budget with a rising rate.
        weight_decay: on matrices.
        batch: samples of a step.
        ema: decay of the average of the weights that is scored; None for the last weights.
        clip: longest gradient.
        horizon: time steps rolled out from each share of the budget on.
        history: past states that the model sees.
        every: states of a time step.
        betas: of AdamW.
    """

    lr: float = 1e-3
    warmup: float = 0.08
    weight_decay: float = 0.01
    batch: int = 1
    ema: float | None = 0.999
    clip: float = 1.0
    horizon: tuple[tuple[float, int], ...] = ((0.0, 1),)
    history: int = 1
    every: int = 1
    betas: tuple[float, float] = (0.9, 0.95)

    def steps(self, share: float) -> int:
        """Time steps rolled out at a share of the budget."""
        return [steps for start, steps in self.horizon if start <= share][-1]


@dataclass(frozen=True)
class Spent:
    """What a training took."""

    steps: int
    samples: int
    cpu_seconds: float
    loss: float


class Best:
    """The average of the weights that did best where nothing was learned.

    Looking costs none of the budget.

    Attributes:
        score: the lowest.
        share: of the budget, when that was.
        seconds: that all looks have taken.
    """

    def __init__(self, model: nn.Module, judge: Callable[[], float], looks: int = 5) -> None:
        self.score, self.share, self.seconds = math.inf, 0.0, 0.0
        self._model, self._judge, self._looks, self._done = model, judge, looks, 0
        self._kept: list[Tensor] = []

    def look(self, parameters: list[nn.Parameter], average: list[Tensor], share: float) -> None:
        """Judge where another part of the budget is spent."""
        if share * self._looks < self._done + 1:
            return
        self._done, began = self._done + 1, time.process_time()
        now = [p.detach().clone() for p in parameters]
        put(parameters, average)
        self._model.eval()
        with torch.inference_mode():
            score = self._judge()
        self._model.train()
        put(parameters, now)
        if score < self.score:
            self.score, self.share = score, share
            self._kept = [value.clone() for value in average]
        self.seconds += time.process_time() - began

    def restore(self, parameters: list[nn.Parameter]) -> None:
        """Set the weights to the best."""
        if self._kept:
            put(parameters, self._kept)


def put(parameters: list[nn.Parameter], values: list[Tensor]) -> None:
    """Copy into parameters."""
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)


def train(
    model: nn.Module,
    step: Step,
    data: Atmosphere,
    recipe: Recipe,
    budget: float,
    seed: int,
    loss_of: Loss | None = None,
    best: Best | None = None,
) -> Spent:
    """Train in place for `budget` seconds of this process's CPU time.

    Args:
        model: for its parameters.
        step: (batch, history, channel, lat, lon) physical to the next state
            (batch, channel, lat, lon).
        data: states.
        recipe: see `Recipe`.
        budget: seconds.
        seed: of the order of samples.
        loss_of: what is minimized; default `error`.
        best: keeps weights of before the end, where they did better.
    """
    loss_of = loss_of or error
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = _optimizer(parameters, recipe)
    average = [p.detach().clone() for p in parameters]
    draw = torch.Generator().manual_seed(seed)
    order: list[int] = []
    model.train()
    began, count, samples, recent = time.process_time(), 0, 0, 0.0
    period = data.train
    while (share := _spent(began, best) / budget) < 1:
        rollout = recipe.steps(share)
        states = range(period.start, period.stop - (recipe.history + rollout - 1) * recipe.every)
        if len(order) < recipe.batch:
            order = torch.randperm(period.stop - period.start, generator=draw).tolist()
        chosen = [order.pop() % len(states) for _ in range(recipe.batch)]
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * rate(share, recipe.warmup)
        loss = loss_of(step, data, chosen, rollout, recipe)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, recipe.clip)
        optimizer.step()
        count, samples = count + 1, samples + recipe.batch
        recent += (float(loss.detach()) - recent) / min(count, 100)
        if recipe.ema is not None:
            decay = min(recipe.ema, (1 + count) / (10 + count))
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - decay)
        if best:
            best.look(parameters, average, share)
    if recipe.ema is not None:
        put(parameters, average)
    if best:
        best.look(parameters, average, 1.0)
        best.restore(parameters)
    return Spent(count, samples, _spent(began, best), recent)


def _optimizer(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.AdamW:
    """AdamW, whose weight decay is for matrices."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    fused = not any(p.is_complex() for p in parameters)  # the fused step knows no complex ones
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=recipe.betas, fused=fused)


def _spent(began: float, best: Best | None) -> float:
    return time.process_time() - began - (best.seconds if best else 0.0)


def rate(share: float, warmup: float) -> float:
    """Learning rate over its peak."""
    if share < warmup:
        return share / warmup + 1e-3
    return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))


def error(step: Step, data: Atmosphere, first: list[int], rollout: int, recipe: Recipe) -> Tensor:
    """Mean square over area, channels and steps, in usual changes between states."""
    times = torch.tensor(first)[:, None]
    every = recipe.every
    past = data.fields[times + every * torch.arange(recipe.history)]
    total = data.fields.new_zeros(())
    for k in range(rollout):
        truth = data.fields[times[:, 0] + every * (recipe.history + k)]
        forecast = step(past)
        total = total + (((forecast - truth) / data.change).square() * data.area).mean()
        past = torch.cat([past, forecast[:, None]], dim=1)[:, 1:]
    return total / rollout

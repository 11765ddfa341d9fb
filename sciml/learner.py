"""One LightningModule for everything: calls the objective, logs its terms, nothing more."""

import math
from functools import partial
from typing import Any, Literal

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from pydantic import Field
from torch import Tensor, nn

from sciml.config import Config
from sciml.epoch_means import EpochMeans, require_finite
from sciml.objective import Growing, Objective
from sciml.patterns import matches, require_matches


class RateConfig(Config):
    """How some parameters are trained, other than the rest.

    Attributes:
        scale: of their learning rate.
        after: share of the training during which they stay as they are; then they warm up.
    """

    scale: float = Field(1.0, ge=0)
    after: float = Field(0.0, ge=0, lt=1)


class OptimizerConfig(Config):
    """AdamW with a linear warm-up, then a half cosine to zero or a constant rate.

    Attributes:
        lr: peak learning rate.
        rates: pattern of names (`encoder.*`) -> how these parameters are trained; the first
            pattern that matches counts. New layers first, then deep ones slowly, is what
            keeps fine-tuning from forgetting (Howard & Ruder 2018, sections 3.2 and 3.3).
        betas, weight_decay: AdamW's; decay acts on matrices, not on vectors.
        warmup: share of all steps with a rising rate.
        schedule: what follows the warm-up.
        final: last rate over peak rate, for the cosine.
    """

    lr: float = Field(1e-3, gt=0)
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.05, ge=0, lt=1)
    schedule: Literal["cosine", "constant"] = "cosine"
    final: float = Field(0.0, ge=0, le=1)
    rates: dict[str, RateConfig] = Field({})


class Learner(LightningModule):
    """Trains a model on an objective.

    All randomness (dropped branches, noise, masks) is drawn from a generator seeded
    anew for each step from `seed`, the step and the rank, so a run that was killed and
    resumed draws what it would have drawn.

    Args:
        model: what is trained and kept.
        objective: the loss; with parameters of its own it is trained along.
        optimizer: see `OptimizerConfig`.
        seed: see above.
    """

    def __init__(
        self, model: nn.Module, objective: Objective, optimizer: OptimizerConfig, seed: int = 0
    ) -> None:
        super().__init__()
        self.model, self.objective = model, objective
        self.config, self.seed = optimizer, seed
        self._means, self._held_out = EpochMeans(), EpochMeans()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed the step, and tell the objective how far the training is."""
        torch.manual_seed(_mix(self.seed, self.trainer.fit_loop.total_batch_idx, self.global_rank))
        self._tell(self.trainer.global_step / self.trainer.estimated_stepping_batches)

    def on_validation_epoch_start(self) -> None:
        """Seed the validation: the same noise and masks every time."""
        torch.manual_seed(_mix(self.seed, -1, self.global_rank))
        self._tell(1.0)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Loss of one batch; with the last one, log the means over the epoch."""
        loss, terms = self.objective(self.model, batch)
        self._means.add({"loss": loss, **terms}, len(batch))
        if self.trainer.is_last_batch:
            self._log("train", self._means)
        return loss * self._weight(batch_idx)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Loss on held-out data."""
        loss, terms = self.objective(self.model, batch)
        self._held_out.add({"loss": loss, **terms}, len(batch))

    def on_validation_epoch_end(self) -> None:
        """Log the means over held-out data."""
        self._log("valid", self._held_out)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the losses of an epoch that is under way.

        Raises:
            InputError: if they are no longer numbers; nothing is written then.
        """
        parts = self._means.of_all_processes()
        total = sum(part["loss"][0] for part in parts if part)
        require_finite("train/loss", total, self.current_epoch)
        checkpoint["epoch_means"] = parts

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with them; earlier versions wrote none, only at ends of epochs."""
        parts = checkpoint.get("epoch_means", [])
        self._means.go_on(parts[self.global_rank :: self.trainer.world_size])

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW, with the rate as a function of the step."""
        groups = self._groups()
        optimizer = torch.optim.AdamW(
            [
                {"params": params, "lr": self.config.lr * rate.scale, "weight_decay": decay}
                for (rate, decay), params in groups.items()
            ],
            lr=self.config.lr,
            betas=self.config.betas,
            fused=True,
        )
        total = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            [
                partial(rate_at, total=total, config=self.config, after=rate.after)
                for rate, _ in groups
            ],
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _groups(self) -> dict[tuple[RateConfig, float], list[nn.Parameter]]:
        """Rate and weight decay -> the parameters that are trained with these."""
        trained = {
            name.removeprefix("model."): parameter
            for name, parameter in self.named_parameters()
            if parameter.requires_grad
        }
        rates = self.config.rates
        what = "no parameter that is trained"
        require_matches(rates, trained, "training.optimizer.rates", what)
        groups: dict[tuple[RateConfig, float], list[nn.Parameter]] = {}
        for name, parameter in trained.items():
            matching = (rate for pattern, rate in rates.items() if matches(name, [pattern]))
            decay = self.config.weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((next(matching, RateConfig()), decay), []).append(parameter)
        return groups

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm of all gradients.

        Under mixed precision Lightning refuses to clip for a fused optimizer, in case that
        optimizer unscales gradients; in bfloat16 none are scaled.
        """
        if isinstance(self.trainer.precision_plugin, MixedPrecision) and gradient_clip_val:
            torch.nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def _weight(self, batch_idx: int) -> float:
        """Lightning divides by the batches of a whole step; the last of an epoch may have fewer."""
        whole = self.trainer.accumulate_grad_batches
        batches = int(self.trainer.num_training_batches)
        left = batches % whole
        return whole / left if left and batch_idx >= batches - left else 1.0

    def _tell(self, share: float) -> None:
        if isinstance(self.objective, Growing):
            self.objective.share = share

    def _log(self, split: str, means: EpochMeans) -> None:
        for name, mean in means.take().items():
            self.log(f"{split}/{name}", mean, on_step=False, on_epoch=True, batch_size=1)


def rate_at(step: int, total: int, config: OptimizerConfig, after: float = 0.0) -> float:
    """Learning rate over its peak at a step: linear warm-up, then cosine or constant.

    Args:
        step, total: steps done, and of the whole training.
        config: see `OptimizerConfig`.
        after: share of the training with a rate of zero.
    """
    start = round(after * total)
    if step < start:
        return 0.0
    step, total = step - start, total - start
    warmup = max(1, round(config.warmup * total)) if config.warmup else 0
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * done))


def _mix(*numbers: int) -> int:
    """One seed from several numbers; neighbouring ones give unrelated seeds."""
    seed = 0
    for number in numbers:
        seed = (seed ^ (number & 0xFFFFFFFF)) * 0x9E3779B97F4A7C15 % 2**63
        seed ^= seed >> 29
    return seed

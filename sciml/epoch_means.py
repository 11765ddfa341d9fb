"""Means over the samples of an epoch, which a checkpoint within that epoch can hold.

Samples count alike, whichever process they are in. Lightning's own means over processes do not
see to that: it rounds the mean number of samples of a process to a whole number.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, distributed

from sciml.errors import InputError

Sums = dict[str, tuple[float, int]]  # of each term: over samples, and how many these are


class EpochMeans:
    """Means of terms, each over the batches of this process that had it."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Tensor | float, int]] = {}

    def add(self, terms: Mapping[str, Tensor], samples: int) -> None:
        """Count in the terms of a batch of that many samples, in float32 at least."""
        for name, value in terms.items():
            total, before = self._sums.get(name, (0.0, 0))
            exact = torch.promote_types(value.dtype, torch.float32)
            self._sums[name] = total + value.detach().to(exact) * samples, before + samples

    def take(self) -> dict[str, float]:
        """Means over the samples of all processes, which all have to ask; then begin anew."""
        parts, self._sums = self.of_all_processes(), {}
        self.go_on(parts)
        sums, self._sums = self._sums, {}
        return {name: float(total / samples) for name, (total, samples) in sums.items()}

    def of_all_processes(self) -> list[Sums]:
        """What each process has counted; all have to ask."""
        own = {name: (float(total), samples) for name, (total, samples) in self._sums.items()}
        if not distributed.is_initialized():
            return [own]
        parts: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(parts, own)
        return parts

    def go_on(self, parts: Iterable[Sums]) -> None:
        """Begin with what was counted before."""
        for part in parts:
            for name, (total, samples) in part.items():
                old, before = self._sums.get(name, (0.0, 0))
                self._sums[name] = old + total, before + samples


def require_finite(name: str, value: float, epoch: int) -> None:
    """End a training whose loss is no longer a number.

    Args:
        name, value: of the loss.
        epoch: Lightning's number, from 0; it is told from 1.

    Raises:
        InputError: if `value` is not finite.
    """
    if not math.isfinite(value):
        raise InputError(
            f"{name} is {value} in epoch {epoch + 1}; lower training.optimizer.lr, or look for NaN "
            "and extreme values in the data"
        )

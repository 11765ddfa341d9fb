"""Trains a small model in float64, in one process or two; `test_processes` compares them.

Arguments: run, strategy, devices, resume (0 or 1), and the step in which the first process is
told to end.
"""

import os
import signal
import sys
from pathlib import Path

import torch
from test_training import Pairs, Source, StoredSource
from torch import Tensor, nn

from sciml.training import TrainingConfig, fit


class Squares:
    """Mean squared error."""

    def __init__(self, last: int) -> None:
        self.steps, self.last = 0, last

    def __call__(self, model: nn.Module, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
        self.steps += model.training
        if self.steps == self.last and os.environ.get("LOCAL_RANK", "0") == "0":
            os.kill(os.getpid(), signal.SIGTERM)
        return (model(batch.x.double()) - batch.y.double()).square().mean(), {}


if __name__ == "__main__":
    run, strategy, devices = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    resume, last = sys.argv[4] == "1", int(sys.argv[5])
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    model.register_buffer("sent", torch.zeros(1))  # to the others, with each forward pass
    config = TrainingConfig(
        epochs=3,
        batch_size=8,
        accelerator="cpu",
        strategy=strategy,
        devices=devices,
        gradient_clip=None,
    )
    fit(model, Squares(last), StoredSource(), Source(17), config, run, resume)
    torch.save(torch.cat([p.detach().flatten() for p in model.parameters()]), run / "weights.pt")

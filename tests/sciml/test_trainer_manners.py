"""Ctrl-C ends a training as it ends any program, and says how to go on."""

import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sciml.training import TrainingConfig, fit

CONFIG = TrainingConfig(epochs=3, batch_size=8, accelerator="cpu")


@dataclass(frozen=True)
class Inputs:
    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> "Inputs":
        return Inputs(self.x.to(device))


class Source:
    def __len__(self) -> int:
        return 32

    def __getitems__(self, indices: list[int]) -> Inputs:
        return Inputs(torch.tensor(indices, dtype=torch.float32).unsqueeze(1) / 32)


@dataclass
class Sines:
    """The squared error of a sine; the user ends it in one of its steps."""

    interrupted: int = 0
    steps: int = 0

    def __call__(self, model: nn.Module, batch: Inputs) -> tuple[Tensor, dict[str, Tensor]]:
        self.steps += 1
        if self.steps == self.interrupted:
            raise KeyboardInterrupt
        return (model(batch.x) - batch.x.sin()).square().mean(), {}


def make_model() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (1, "stopped; --resume goes on from the beginning"),
        (6, "stopped; --resume goes on after step 4 of 12, in epoch 2 of 3"),
    ],
)
def test_an_interrupt_says_how_to_go_on(
    step: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), Sines(step), Source(), None, CONFIG, tmp_path / "broken")
    assert words in " ".join(capsys.readouterr().err.split())
    assert signal.getsignal(signal.SIGINT) == before
    resumed, unbroken = make_model(), make_model()
    fit(resumed, Sines(), Source(), None, CONFIG, tmp_path / "broken", resume=True)
    fit(unbroken, Sines(), Source(), None, CONFIG, tmp_path / "unbroken")
    assert torch.equal(resumed.weight, unbroken.weight)

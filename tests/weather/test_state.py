"""The central type."""

from typing import Any

import pytest
import torch
from torch import Tensor

from weather.grid import LatLonGrid
from weather.state import State
from weather.variables import Variables


def test_a_state_on_another_device_can_be_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a GPU, a copy that is not waited for holds anything at first."""
    asked: list[bool] = []
    move = Tensor.to

    def to(tensor: Tensor, *places: Any, non_blocking: bool = False) -> Tensor:
        asked.append(non_blocking)
        return move(tensor, *places, non_blocking=non_blocking)

    state = State(
        surface=torch.zeros(1, 1, 1, 2, 4),
        upper=torch.zeros(1, 1, 1, 1, 2, 4),
        time=torch.zeros(1, 1, dtype=torch.int64),
        variables=Variables(surface=("msl",), upper=("z",), levels=(500,)),
        grid=LatLonGrid(lat=(45, -45), lon=(0, 90, 180, 270)),
    )
    monkeypatch.setattr(Tensor, "to", to)
    state.to("cpu")
    assert asked == [False] * 3

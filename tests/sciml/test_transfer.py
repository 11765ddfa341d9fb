"""Transfer: take, anew, frozen; everything must fit."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sciml.config import Config
from sciml.errors import InputError
from sciml.model_file import save_model
from sciml.transfer import TransferConfig, transfer


def network(outputs: int = 2, extra: bool = False) -> nn.ModuleDict:
    parts = {"encoder": nn.Linear(3, 4), "head": nn.Linear(4, outputs)}
    return nn.ModuleDict(parts | ({"gate": nn.Linear(4, 4)} if extra else {}))


@pytest.fixture
def base(tmp_path: Path) -> tuple[Path, nn.ModuleDict]:
    torch.manual_seed(0)
    model = network()
    path = tmp_path / "base.safetensors"
    save_model(path, model, "test.net", Config(), {})
    return path, model


def test_everything_is_taken(base: tuple[Path, nn.ModuleDict]) -> None:
    model = network()
    transfer(model, TransferConfig(checkpoint=base[0]), "test.net")
    for name, value in base[1].state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


def test_anew_keeps_the_fresh_head_of_another_shape(base: tuple[Path, nn.ModuleDict]) -> None:
    model = network(outputs=5)
    fresh = model["head"].weight.clone()
    transfer(model, TransferConfig(checkpoint=base[0], anew=("head.*",)), "test.net")
    assert torch.equal(model["head"].weight, fresh)
    assert torch.equal(model["encoder"].weight, base[1]["encoder"].weight)


def test_frozen_is_not_trained(base: tuple[Path, nn.ModuleDict]) -> None:
    model = network()
    transfer(model, TransferConfig(checkpoint=base[0], frozen=("encoder.*",)), "test.net")
    assert [n for n, p in model.named_parameters() if p.requires_grad] == [
        "head.weight",
        "head.bias",
    ]


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        (network(outputs=5), {}, r"head.weight: model \(5, 4\), file \(2, 4\)"),
        (network(extra=True), {}, r"gate.bias: model \(4,\), file has none"),
        (network(), {"anew": ("tail.*",)}, r"'tail.\*' matches nothing .* head"),
        (network(), {"frozen": ("encoder",)}, "'encoder' matches nothing"),
    ],
)
def test_misfits_are_errors(
    base: tuple[Path, nn.ModuleDict], model: nn.ModuleDict, fields: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        transfer(model, TransferConfig(checkpoint=base[0], **fields), "test.net")
